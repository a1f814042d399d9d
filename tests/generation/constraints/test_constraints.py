"""Constraints as written music obeys them: drawn by a random model, which knows nothing of music."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from symbolic_music.errors import ConstraintError, OptionError
from symbolic_music.generation.constraints.base import Constraint
from symbolic_music.generation.constraints.melody import GivenPitches, NoRepeatedNote
from symbolic_music.generation.constraints.pitch import (
    Chords,
    NoUnison,
    PitchClasses,
    PitchRange,
    scale,
)
from symbolic_music.generation.constraints.rhythm import EndOn, GivenRhythm
from symbolic_music.generation.constraints.texture import NotesAtOnce, NotesPerBar, Polyphony, PolyphonyOfEach
from symbolic_music.generation.decoding.event_request import Request
from symbolic_music.generation.decoding.event_sampler import sample_anticipation
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.models.architectures.gpt2 import GPT2
from symbolic_music.theory import SCALES
from tests.generation.tiny_gpt2 import table, tiny

PAST = table([(0, 150, 128 * 40 + 60), (30, 400, 64), (90, 20, 128 * 128 + 36)])
INSTRUMENTS = (0, 40, 128)


@pytest.fixture(scope="module")
def network() -> GPT2:
    return tiny()


def written(network: GPT2, *constraints: Constraint, seed: int = 0, end: int = 800) -> list[np.ndarray]:
    """Events of three alternatives from 1 s to 8 s, unless other numbers are given."""
    request = Request(end, 100, PAST, instruments=INSTRUMENTS, constraints=constraints)
    found = sample_anticipation(network, request, 3, Sampling(temperature=3, top_p=1), seed)[0]
    assert all(one.complete for one in found)
    assert all(np.isfinite(one.log_probabilities).all() for one in found)
    return [one.events for one in found]


def test_a_range_of_pitches(network: GPT2) -> None:
    events = np.concatenate(written(network, PitchRange(50, 52), PitchRange(30, 45, (128,)), end=2500))
    drums = events[:, 2] // 128 == 128
    assert set(events[~drums, 2] % 128) == {50, 51, 52}
    assert drums.any()
    assert set(events[drums, 2] % 128) <= set(range(30, 46))


def test_pitch_classes_and_scales(network: GPT2) -> None:
    assert scale("C").classes == (0, 2, 4, 5, 7, 9, 11)
    assert scale("F#", "minor").classes == scale("A").classes
    assert scale("Bb", "dorian").classes == scale(8).classes
    assert all(0 in scale("C", mode).classes for mode in SCALES)
    events = np.concatenate(written(network, scale("D", "major pentatonic")))
    drums = events[:, 2] // 128 == 128
    assert set(events[~drums, 2] % 128 % 12) == {2, 4, 6, 9, 11}
    assert not set(events[drums, 2] % 128 % 12) <= {2, 4, 6, 9, 11}
    events = np.concatenate(written(network, PitchClasses((0,), (128,))))
    assert set(events[events[:, 2] // 128 == 128, 2] % 128 % 12) == {0}


def test_a_chord_at_a_time(network: GPT2) -> None:
    chords = Chords(((200, (0, 4, 7)), (400, (2, 5, 9)), (600, ())), INSTRUMENTS)
    events = np.concatenate(written(network, chords))
    for first, last, classes in ((100, 200, set(range(12))), (200, 400, {0, 4, 7}), (400, 600, {2, 5, 9}),
                                 (600, 800, set(range(12)))):  # fmt: skip
        own = (events[:, 0] >= first) & (events[:, 0] < last)
        assert set(events[own, 2] % 128 % 12) <= classes
        assert len(set(events[own, 2] % 128 % 12)) > min(2, len(classes) - 1)


def test_no_repeated_note(network: GPT2) -> None:
    for events in written(network, NoRepeatedNote(INSTRUMENTS), PitchRange(60, 61, INSTRUMENTS)):
        for instrument in INSTRUMENTS:
            own = np.concatenate([PAST, events])
            own = own[own[:, 2] // 128 == instrument, 2]
            assert len(own) > 1
            assert (np.diff(own) != 0).all()


def test_given_pitches_in_a_free_rhythm(network: GPT2) -> None:
    melody = (60, 60, 62, 64, 62, 59)
    results = written(network, GivenPitches(melody))
    assert all((events[:, 2] % 128).tolist() == list(melody) for events in results)
    assert len({tuple(events[:, 0]) for events in results}) == 3
    assert not any((events[:, 2] // 128 == 128).any() for events in results)
    # Half the time that would be theirs is left to all that follow.
    for events in results:
        assert (events[:, 0] <= 800 - np.arange(6, 0, -1) * (700 // 12)).all()
    # More than there is time for come at the end all the same.
    short = written(network, GivenPitches(tuple(range(40, 100))), end=103)
    assert all((events[:, 2] % 128).tolist() == list(range(40, 100)) for events in short)


def test_given_pitches_have_room(network: GPT2) -> None:
    melody = (60, 60, 62, 64, 62, 60)
    for events in written(network, GivenPitches(melody, room=1), Polyphony(1)):
        assert (events[:, 2] % 128).tolist() == list(melody)
        assert (events[1:, 0] >= events[:-1, 0] + events[:-1, 1]).all()
    for events in written(network, GivenPitches(melody), NoUnison()):
        assert (events[:, 2] % 128).tolist() == list(melody)
    for events in written(network, GivenPitches(melody, until=700), EndOn(700, held=1)):
        assert (events[:, 2] % 128).tolist() == list(melody)
        assert events[-1, :2].sum() == 700


def test_a_given_rhythm_with_free_pitches(network: GPT2) -> None:
    """The second has rests of a second before it."""
    starts = (100, 100, 555, 570, 790)
    for lengths in (None, (50, 60, 70, 80, 0)):
        for events in written(network, GivenRhythm(starts, lengths), seed=1):
            assert events[:, 0].tolist() == list(starts)
            if lengths:
                assert events[:, 1].tolist() == list(lengths)


def test_a_rhythm_and_a_melody_leave_the_instruments_free(network: GPT2) -> None:
    both = (GivenRhythm((100, 200, 300), (10, 20, 30)), GivenPitches((60, 62, 64)))
    for events in written(network, *both):
        assert (events[:, :2] == [[100, 10], [200, 20], [300, 30]]).all()
        assert (events[:, 2] % 128).tolist() == [60, 62, 64]


def test_the_end_on_a_beat(network: GPT2) -> None:
    for events in written(network, EndOn(700, held=60)):
        ends = events[:, 0] + events[:, 1]
        assert ends.max() == 700
        assert (ends[events[:, 0] >= 640] == 700).all()


def sounding(events: np.ndarray, time: int) -> np.ndarray:
    return events[(events[:, 0] <= time) & (events[:, 0] + events[:, 1] > time)]


def test_polyphony(network: GPT2) -> None:
    for events in written(network, Polyphony(2, INSTRUMENTS), end=2500):
        everything = np.concatenate([PAST[:2], events])
        counts = [len(sounding(everything, time)) for time in range(100, 2500)]
        assert max(counts) == 2


def test_polyphony_of_each_instrument(network: GPT2) -> None:
    for events in written(network, PolyphonyOfEach(1, INSTRUMENTS), end=2500):
        everything = np.concatenate([PAST, events])
        for time in range(100, 2500, 7):
            now = sounding(everything, time)[:, 2] // 128
            assert len(now) == len(set(now))
        assert set(events[:, 2] // 128) == set(INSTRUMENTS)


def test_notes_of_a_moment(network: GPT2) -> None:
    for least, most in ((1, 1), (3, 3), (2, 4)):
        for events in written(network, NotesAtOnce(least, most)):
            assert all(least <= count <= most for count in Counter(events[:, 0].tolist()).values())


def test_notes_of_a_bar(network: GPT2) -> None:
    bars = tuple(range(0, 1000, 50))
    for events in written(network, NotesPerBar(bars, 2, 4), end=790):
        counts = Counter((events[:, 0] // 50).tolist())
        assert all(2 <= counts[bar] <= 4 for bar in range(2, 16))


def test_several_together(network: GPT2) -> None:
    constraints = (scale("G"), PitchRange(55, 79), PolyphonyOfEach(1, (0, 40)), NotesPerBar((0, 200, 400, 600), 3, 6),
                   EndOn(800))  # fmt: skip
    results = written(network, *constraints)
    everything = np.concatenate(results)
    pitched = everything[everything[:, 2] // 128 < 128, 2] % 128
    assert set(pitched % 12) <= set(scale("G").classes)
    assert pitched.min() >= 55
    for events in results:
        assert (events[:, 0] + events[:, 1]).max() == 800
        counts = Counter((events[events[:, 0] >= 200, 0] // 200).tolist())
        assert all(3 <= counts[bar] <= 6 for bar in (1, 2, 3))


@pytest.mark.parametrize(
    "constraints",
    [
        (PitchRange(60, 61, INSTRUMENTS), PitchClasses((5,), INSTRUMENTS)),
        (GivenPitches((60,) * 5), NoRepeatedNote(INSTRUMENTS)),
        (GivenRhythm((50, 200)),),
        (GivenRhythm((200, 900)),),
        (GivenRhythm((200, 300)), NotesAtOnce(2)),
        (GivenRhythm((200, 300), (600, 600)), EndOn(700)),
        (EndOn(700), GivenRhythm((100, 110, 120, 130), (10, 10, 10, 10)), Polyphony(1, INSTRUMENTS)),
        (Chords(((0, (0,)),), INSTRUMENTS), PitchRange(61, 65, INSTRUMENTS)),
    ],
)
def test_contradictions_are_told(network: GPT2, constraints: tuple[Constraint, ...]) -> None:
    with pytest.raises(ConstraintError, match=type(constraints[0]).__name__):
        written(network, *constraints)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: PitchRange(70, 60), "lowest first"),
        (lambda: PitchClasses((12,)), "0 to 11"),
        (lambda: scale("H"), "no tonic"),
        (lambda: scale("C", "mixed"), "no scale"),
        (lambda: Chords(((5, (0,)), (5, (1,)))), "sorted"),
        (lambda: GivenPitches((200,)), "0..127"),
        (lambda: GivenRhythm((5, 3)), "sorted"),
        (lambda: GivenRhythm((3, 5), (1,)), "1 durations"),
        (lambda: GivenRhythm((3,), (1000,)), "0..999"),
        (lambda: EndOn(10, 0), "1 to 999"),
        (lambda: Polyphony(0), "at least one"),
        (lambda: PolyphonyOfEach(0), "at least one"),
        (lambda: NotesAtOnce(3, 2), "least <= most"),
        (lambda: NotesPerBar((0, 0)), "rise"),
        (lambda: NotesPerBar((0,), 2, 1), "least <= most"),
    ],
)
def test_what_no_constraint_can_be(make: object, text: str) -> None:
    with pytest.raises(OptionError, match=text):
        make()  # type: ignore[operator]
