"""The order of alternatives."""

from __future__ import annotations

from symbolic_music.generation import Written, ranked, ranked_by_fit
from symbolic_music.generation.sessions.edited_score import inserted
from symbolic_music.score import Score, Track, note_table
from tests.generation.test_results import notes, written


def test_the_likeliest_comes_first_and_silence_last() -> None:
    a = notes((0, 60, 0))
    found = [written(0, a, -3.0), written(1, notes(), float("nan")), written(2, a, -1.0)]
    assert [one.number for one in ranked(found)] == [2, 0, 1]


def test_bars_to_follow_change_what_fits_best() -> None:
    """Quarters in six bars, halves in the first two: a bar of halves fits best where these are to be followed."""
    bar = 1920
    quarters = [(bar * one + 480 * beat, 400, 60, 80, 0, 0, 0) for one in range(2, 9) for beat in range(4)]
    halves = [(bar * one + 960 * half, 800, 60, 80, 0, 0, 0) for one in range(2) for half in range(2)]

    def alternative(number: int, step: int, like: tuple[int, int] | None) -> Written:
        new = [(bar * 8 + at, step - 80, 60, 80, 0, 0, 0) for at in range(0, bar, step)]
        others = [row for row in quarters + halves if row[0] < 8 * bar]
        score = Score(notes=note_table(others + new), tracks=(Track("", 0),))
        return Written(score, note_table(new), number, -1.0, True, like=like)

    for like, order in ((None, [0, 1]), ((0, 2 * bar), [1, 0])):
        found = [alternative(number, step, like) for number, step in enumerate((480, 960))]
        assert [one.number for one in ranked_by_fit(found)] == order


def test_what_fits_best_comes_first() -> None:
    """A chord of C is held throughout: C and G fit, C sharp clashes; silence is last."""
    held = [(1920 * bar, 1900, pitch, 80, 0, 0, 0) for bar in range(8) for pitch in (48, 52, 55)]
    line = [(1920 * bar + 480 * beat, 400, 72 + 7 * (beat % 2), 80, 0, 1, 1) for bar in range(8) for beat in range(4)]

    def alternative(number: int, *pitches: int) -> Written:
        own = note_table([(1920 * 4 + 480 * i, 400, pitch, 80, 0, 1, 1) for i, pitch in enumerate(pitches)])
        rest = note_table(sorted(held + [row for row in line if not 7680 <= row[0] < 9600]))
        score = Score(notes=inserted(rest, own), tracks=(Track("", 0), Track("", 0)))
        return Written(score, own, number, -1.0, complete=True)

    found = [alternative(0, 73, 73, 78, 80), alternative(1), alternative(2, 72, 79, 72, 79)]
    assert [one.number for one in ranked_by_fit(found)] == [2, 0, 1]
