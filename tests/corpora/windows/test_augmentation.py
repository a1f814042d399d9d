"""Augmentation: literal examples, then what holds for any notes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.corpora.windows.augmentation import NONE, Augmentation, Change, pitch_range, preset
from symbolic_music.errors import OptionError, RegionError, UnknownNameError
from symbolic_music.score import TEMPO, Score, Track, note_table

MUSIC_TRANSFORMER = preset("music-transformer")
SCORE = Score(
    notes=note_table([(0, 10, 60, 100), (0, 10, 36, 100, 0, 9, 1), (5, 10, 62, 0)]),
    tempos=np.array([(3, 400_000)], TEMPO),
    tracks=(Track(), Track("", 0, True)),
)


def test_drums_are_not_transposed() -> None:
    assert Change(3).applied(SCORE).notes["pitch"].tolist() == [63, 36, 65]
    assert Change(-3).applied(SCORE).notes["pitch"].tolist() == [57, 36, 59]


def test_a_stretch_slows_all_tempos() -> None:
    slower = Change(stretch=1.05).applied(SCORE)
    assert slower.tempos.tolist() == [(0, 525_000), (3, 420_000)]
    assert slower.duration == pytest.approx(1.05 * SCORE.duration)
    assert slower.notes.tolist() == SCORE.notes.tolist()


def test_velocities_stay_velocities() -> None:
    assert Change(velocity_scale=0.5, velocity_offset=1).applied(SCORE).notes["velocity"].tolist() == [51, 51, 0]
    assert Change(velocity_scale=2).applied(SCORE).notes["velocity"].tolist() == [127, 127, 0]
    assert Change(velocity_offset=-127).applied(SCORE).notes["velocity"].tolist() == [1, 1, 0]


def test_the_score_itself_is_left_alone() -> None:
    before = SCORE.notes.tolist()
    Change(5, 0.9, 0.5, 3).applied(SCORE)
    assert SCORE.notes.tolist() == before
    assert Change().applied(SCORE) is SCORE


def test_a_pitch_that_midi_lacks_is_refused() -> None:
    for semitones in (66, -61):
        with pytest.raises(RegionError, match="leave 0"):
            Change(semitones).applied(SCORE)


def test_only_shifts_that_fit_are_drawn() -> None:
    rng = np.random.default_rng(0)
    high = [MUSIC_TRANSFORMER.draw(40, 107, rng).semitones for _ in range(200)]
    assert set(high) == {-3, -2, -1, 0, 1}
    assert {MUSIC_TRANSFORMER.draw(20, 108, rng).semitones for _ in range(50)} == {0}  # none fits
    assert {MUSIC_TRANSFORMER.draw(22, 109, rng).semitones for _ in range(50)} == {-1}
    assert {MUSIC_TRANSFORMER.draw(*pitch_range(Score()), rng).semitones for _ in range(200)} == set(range(-3, 4))


def test_the_preset_of_music_transformer() -> None:
    rng = np.random.default_rng(0)
    drawn = [MUSIC_TRANSFORMER.draw(60, 70, rng) for _ in range(1000)]
    assert {change.stretch for change in drawn} == {0.95, 0.975, 1.0, 1.025, 1.05}
    assert {change.semitones for change in drawn} == set(range(-3, 4))
    assert {(change.velocity_scale, change.velocity_offset) for change in drawn} == {(1.0, 0)}
    assert preset("none").draw(0, 127, rng) == Change()


@pytest.mark.parametrize(
    "wrong",
    [
        {"transpose": (1, 0)},
        {"stretch": ()},
        {"stretch": (0.0,)},
        {"velocity_scale": (0.0, 1.0)},
        {"pitches": (0, 128)},
    ],
)
def test_impossible_ranges_are_refused(wrong: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(OptionError, match="augmentation"):
        Augmentation(**wrong)  # type: ignore[arg-type]


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(UnknownNameError, match="music-transformer"):
        preset("nosuch")


notes = st.tuples(st.integers(0, 999), st.integers(0, 99), st.integers(0, 127), st.integers(0, 127), st.just(0),
                  st.sampled_from([0, 9]))  # fmt: skip


@given(st.lists(notes, max_size=20), st.integers(0, 2**32))
def test_what_is_drawn_fits(rows: list[tuple[int, ...]], seed: int) -> None:
    score = Score(notes=note_table(rows))
    wide = Augmentation((-12, 12), (0.5, 2.0), (0.5, 1.5), (-20, 20), (10, 120))
    change = wide.draw(*pitch_range(score), np.random.default_rng(seed))
    after = change.applied(score)
    melodic = score.notes["channel"] != 9
    moved = after.notes["pitch"][melodic].astype(int)
    assert (moved - score.notes["pitch"][melodic] == change.semitones).all()
    if change.semitones and len(moved):
        assert moved.min() >= 10
        assert moved.max() <= 120
    assert (after.notes["pitch"][~melodic] == score.notes["pitch"][~melodic]).all()
    assert ((after.notes["velocity"] == 0) == (score.notes["velocity"] == 0)).all()
    assert after.notes["velocity"].max(initial=0) <= 127
    assert after.duration == pytest.approx(change.stretch * score.duration)
    assert NONE.draw(*pitch_range(score), np.random.default_rng(seed)).applied(score) is score
