"""Objects of other libraries and piano rolls."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.errors import OptionError, ScoreError
from symbolic_music.io import (
    from_mido,
    from_music21,
    from_piano_roll,
    from_pretty_midi,
    from_symusic,
    to_mido,
    to_music21,
    to_piano_roll,
    to_pretty_midi,
    to_symusic,
)
from symbolic_music.score import BEND, CONTROL, KEY, METER, TEMPO, Score, Text, Track, note_table

SCORE = Score(
    ticks_per_quarter=480,
    notes=note_table([(0, 480, 60, 80, 5, 0, 0), (0, 960, 60, 90, 5, 0, 0), (240, 60, 38, 100, 0, 9, 1)]),
    tempos=np.array([(0, 400_000), (960, 700_000)], TEMPO),
    meters=np.array([(0, 6, 8)], METER),
    keys=np.array([(0, -3, 1)], KEY),
    controls=np.array([(10, 64, 127, 0)], CONTROL),
    bends=np.array([(20, -100, 0)], BEND),
    tracks=(Track("keys", 5), Track("kit", 0, True)),
)


def test_mido_there_and_back() -> None:
    mido = pytest.importorskip("mido")
    file = to_mido(SCORE)
    assert isinstance(file, mido.MidiFile)
    assert from_mido(file) == SCORE


def test_symusic_there_and_back() -> None:
    assert from_symusic(to_symusic(SCORE)) == SCORE


def test_pretty_midi_there_and_back() -> None:
    pytest.importorskip("pretty_midi")
    there = to_pretty_midi(SCORE.replace(texts=(Text(480, "la", "lyric"),)))
    assert [(round(n.start, 3), round(n.end, 3)) for n in there.instruments[0].notes] == [(0, 0.4), (0, 0.8)]
    assert there.lyrics[0].time == pytest.approx(0.4)
    assert from_pretty_midi(there).replace(texts=()) == SCORE


@pytest.mark.parametrize("minor", [0, 1])
@pytest.mark.parametrize("sharps", range(-5, 7))
def test_pretty_midi_keys(sharps: int, minor: int) -> None:
    pytest.importorskip("pretty_midi")
    score = SCORE.replace(keys=np.array([(0, sharps, minor)], KEY))
    assert from_pretty_midi(to_pretty_midi(score)).keys.tolist() == [(0, sharps, minor)]


def test_music21_there_and_back() -> None:
    pytest.importorskip("music21")
    again = from_music21(to_music21(SCORE))
    scale = again.ticks_per_quarter // 480
    assert (again.notes["onset"] // scale).tolist() == [0, 0, 240]
    assert sorted((again.notes["duration"] // scale).tolist()) == [60, 480, 960]
    assert again.instruments.tolist() == [5, 5, 128]
    assert again.meters.tolist() == [(0, 6, 8)]
    assert again.keys.tolist() == [(0, -3, 1)]


def test_piano_roll_of_two_notes() -> None:
    score = Score(notes=note_table([(0, 480, 60, 70), (480, 120, 60, 71), (120, 240, 64, 72)]))
    velocities, onsets = to_piano_roll(score, 4)
    assert velocities.shape == onsets.shape == (1, 128, 5)
    assert velocities[0, 60].tolist() == [70, 70, 70, 70, 71]
    assert velocities[0, 64].tolist() == [0, 72, 72, 0, 0]
    assert np.argwhere(onsets).tolist() == [[0, 60, 0], [0, 60, 4], [0, 64, 1]]


cells = st.tuples(st.integers(0, 20), st.integers(1, 6), st.integers(0, 127), st.integers(1, 127), st.integers(0, 1))


@given(st.lists(cells, max_size=20))
def test_piano_roll_there_and_back(rows: list[tuple[int, ...]]) -> None:
    free: dict[tuple[int, int], int] = {}
    apart = []
    for onset, length, pitch, velocity, track in sorted(rows):  # a roll cannot hold notes of a pitch that overlap
        if onset >= free.get((pitch, track), 0):
            apart.append((onset * 120, length * 120, pitch, velocity, 3 * track, 0, track))
            free[pitch, track] = onset + length
    notes, tracks = note_table(apart), (Track("", 0), Track("", 3))
    velocities, onsets = to_piano_roll(Score(notes=notes, tracks=tracks), 4)
    again = from_piano_roll(velocities, onsets, 4, tracks)
    rolls = to_piano_roll(again, 4)
    assert np.array_equal(rolls[0], velocities)
    assert np.array_equal(rolls[1], onsets)


def test_piano_roll_refuses() -> None:
    with pytest.raises(OptionError, match="shape"):
        from_piano_roll(np.zeros((12, 4), int))
    with pytest.raises(OptionError, match="0 to 127"):
        from_piano_roll(np.full((128, 2), 200))
    with pytest.raises(OptionError, match="onsets have shape"):
        from_piano_roll(np.zeros((128, 2), int), np.zeros((128, 3)))
    with pytest.raises(OptionError, match="too large"):
        to_piano_roll(Score(notes=note_table([(1 << 30, 1, 60)])), 480)
    with pytest.raises(OptionError, match="whole numbers or booleans"):
        from_piano_roll(np.zeros((128, 4)))
    with pytest.raises(OptionError, match="at least 1"):
        to_piano_roll(Score(), 0)


def test_symusic_in_seconds_is_converted() -> None:
    import symusic

    data = to_symusic(SCORE).dumps_midi()
    seconds = symusic.Score.from_midi(data, ttype="second")
    assert from_symusic(seconds).duration == pytest.approx(SCORE.duration, rel=1e-2)


def test_pretty_midi_with_impossible_times_and_values() -> None:
    pretty_midi = pytest.importorskip("pretty_midi")

    def one(*values: float) -> object:
        file = pretty_midi.PrettyMIDI()
        part = pretty_midi.Instrument(0)
        part.notes.append(pretty_midi.Note(*values))
        file.instruments.append(part)
        return file

    early = from_pretty_midi(one(64, 60, -0.01, 1.0))
    assert early.notes["onset"].tolist() == [0]
    for values in ((64, 60, float("nan"), 1.0), (300, 60, 0.0, 1.0), (64, -1, 0.0, 1.0)):
        with pytest.raises(ScoreError):
            from_pretty_midi(one(*values))


def test_mido_with_a_name_that_is_not_latin() -> None:
    mido = pytest.importorskip("mido")
    track = mido.MidiTrack([mido.MetaMessage("track_name", name="日本"), mido.Message("note_on", note=60),
                            mido.Message("note_off", note=60, time=5)])  # fmt: skip
    assert from_mido(mido.MidiFile(tracks=[track])).tracks[0].name == "日本"


def test_music21_keeps_the_lowest_octave() -> None:
    pytest.importorskip("music21")
    score = Score(notes=note_table([(0, 480, 0), (480, 480, 5), (480, 480, 11)]))
    assert sorted(from_music21(to_music21(score)).notes["pitch"].tolist()) == [0, 5, 11]
