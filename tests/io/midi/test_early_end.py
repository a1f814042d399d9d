"""An end-of-track before the notes: they are read, as mido reads them, and written so that every reader does."""

from __future__ import annotations

import io

import mido
import pytest

from symbolic_music.io import midi_bytes, parse_midi
from symbolic_music.io.midi.strict_reader import parse_strict
from symbolic_music.transforms import transpose
from tests.io.midi.smf import END, chunk, header, meta, off, on

NOTES = b"".join(on(96, 60 + i) + off(96, 60 + i) for i in range(12))
EARLY = {
    "at once": END + NOTES + END,
    "after a name": meta(0, 3, b"Lead") + END + NOTES + END,
    "several": END + END + meta(5, 0x51, b"\x07\xa1\x20") + END + NOTES + END,
}


def heard(data: bytes) -> list[tuple[int, int]]:
    """(tick, pitch) of the notes, by mido."""
    found, now = [], 0
    for message in mido.MidiFile(file=io.BytesIO(data)).tracks[-1]:
        now += message.time
        if message.type == "note_on" and message.velocity:
            found.append((now, message.note))
    return found


@pytest.mark.parametrize("track", EARLY.values(), ids=EARLY)
def test_the_notes_after_it_are_read_and_written(track: bytes) -> None:
    data = header(1) + chunk(track)
    score = parse_midi(data)
    assert [(note["onset"], note["pitch"]) for note in score.notes] == heard(data)
    assert len(score) == 12
    assert score.problems == ("end-of-track before the notes left out",)
    again = midi_bytes(score)
    assert parse_strict(again) is not None  # any reader has the notes now
    assert heard(again) == heard(data)
    higher = midi_bytes(transpose(score, 2))
    assert heard(higher) == [(time, pitch + 2) for time, pitch in heard(data)]
    assert not parse_midi(higher).problems


@pytest.mark.parametrize(
    ("track", "notes"),
    [
        (NOTES + END + NOTES + END, 12),
        (END + b"\x00\x3c" + END, 0),
        (END + NOTES, 0),
        (END + meta(0, 1, b"x") + END, 0),
    ],
)
def test_what_follows_notes_or_is_no_track_stays_left_out(track: bytes, notes: int) -> None:
    score = parse_midi(header(1) + chunk(track))
    assert len(score) == notes
    assert score.problems == ("bytes after end-of-track left out",)
