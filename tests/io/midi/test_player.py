"""Our player of MIDI state beside one that is told with mido."""

from __future__ import annotations

import pytest
from hypothesis import given

pytest.importorskip("mido")
from symbolic_music.io import differences
from symbolic_music.io.midi.player import played
from tests.io.midi.player import play
from tests.io.midi.smf import control, meta, off, on, smf
from tests.io.midi.test_merged_tracks import files


@given(files)
def test_both_players_hear_the_same(data: bytes) -> None:
    theirs = [
        (s.time, s.pitch, s.velocity, s.drum, s.program, s.bank[0] << 7 | s.bank[1], s.volume, s.pan, s.expression,
         s.bend, s.bend_range, s.held) for s in play(data)
    ]  # fmt: skip
    ours = [
        (s.time, s.pitch, s.velocity, s.drum, s.program, s.bank, s.volume, s.pan, s.expression, s.bend, s.bend_range,
         s.length) for s in played(data)
    ]  # fmt: skip
    assert sorted(ours) == sorted(theirs)


@given(files)
def test_a_file_differs_in_nothing_from_itself(data: bytes) -> None:
    assert differences(data, data).is_equal


def test_time_goes_on_at_meta_events_of_unknown_kinds() -> None:
    data = smf(on(0, 60) + meta(200, 0x3F, b"") + off(10, 60))
    assert [sound.length for sound in play(data)] == [sound.length for sound in played(data)] == [210]


def test_pedal_makes_a_note_longer() -> None:
    plain, held = smf(on(0, 60) + off(480, 60)), smf(control(0, 64, 127), on(0, 60) + off(480, 60) + off(480, 61))
    (note,) = differences(plain, held).notes
    assert note.changed == {"seconds": (0.5, 1.0)}
