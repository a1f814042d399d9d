from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symbolic_music as sm
from symbolic_music.errors import FileError, MidiError
from symbolic_music.io.midi.reading.escapes import has_escape
from symbolic_music.io.midi.sounding import Sounding, parse_sounding, read_sounding, sounding
from symbolic_music.io.midi.sounding import reader as module
from tests.corpus_paths import corpus_dir
from tests.io.midi.smf import meta, off, on, program, smf


def rows(piece: Sounding) -> list[tuple[int, int, int, bool]]:
    columns = (piece.onset, piece.duration, piece.pitch, piece.is_drum)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def same(one: Sounding, other: Sounding) -> bool:
    return rows(one) == rows(other) and [one.end, one.meter, one.ticks_per_quarter] == [
        other.end, other.meter, other.ticks_per_quarter
    ]  # fmt: skip


THREE, FOUR = (meta(0, 0x58, bytes([beats, 2, 24, 8])) for beats in (3, 4))
NOTE = on(0, 60) + off(9, 60)
XG = b"\0\xf0\x08\x43\x10\x4c\0\0\x7e\0\xf7"


def gs(part: int, kit: int) -> bytes:
    """Roland's message that a part is drums (0: is not)."""
    return bytes([0, 0xF0, 10, 0x41, 16, 0x42, 0x12, 0x40, part, 0x15, kit, 0, 0xF7])


CASES = {
    "a note": smf(on(0, 60) + off(10, 60)),
    "nothing": smf(b""),
    "a note that never ends": smf(on(0, 60) + on(480, 62) + off(10, 62)),
    "a controller after the last note": smf(on(0, 60) + off(10, 60) + bytes([100, 0xB0, 64, 0])),
    "a controller on a channel without notes": smf(on(0, 60) + off(10, 60) + bytes([100, 0xB5, 64, 0])),
    "a controller under another program": smf(NOTE + program(50, 5) + bytes([100, 0xB0, 64, 0])),
    "a controller in another track": smf(NOTE, bytes([0x87, 0, 0xB0, 64, 0])),
    "drums in two tracks": smf(on(0, 36, channel=9) + off(10, 36, 9), on(5, 38, channel=9) + off(10, 38, 9)),
    "two meters at once": smf(THREE + FOUR + NOTE),
    "a meter twice": smf(THREE, THREE + NOTE),
    "a time with an F7": smf(bytes([0xF7, 0]) + on(0, 60)[1:] + off(9, 60)),
    "an escape": smf(on(0, 60) + bytes([0, 0xF7, 1, 0x41]) + off(9, 60)),
    "a text of signs": smf(meta(0, 1, bytes([0xF7, 0x90, 0xB3])) + on(0, 60) + off(9, 60)),
    "two notes of a pitch that never end": smf(on(0, 60) + on(480, 60) + on(9, 62) + off(10, 62)),
    "a note that never ends under an older one": smf(on(0, 60) + on(48, 60) + off(480, 60)),
    "notes that never end under a slow tempo": smf(meta(0, 0x51, b"\x1e\x84\x80") + on(0, 60) + on(960, 70)),
    "a controller under a last program": smf(NOTE + program(50, 5) + bytes([100, 0xB0, 7, 1])),
    "a controller between programs": smf(
        NOTE + program(50, 5) + bytes([100, 0xB0, 7, 1]) + program(50, 6) + meta(9, 6, b"x")
    ),
    "a controller of a silent channel, and a late end": smf(bytes([0, 0xB3, 7, 9]) + NOTE + meta(90, 6, b"x")),
    "drums on another channel": smf(gs(0x1A, 2) + on(0, 36, channel=10) + off(9, 36, 10) + NOTE),
    "no drums on the tenth channel": smf(gs(0x10, 0) + on(0, 60, channel=9) + off(9, 60, 9)),
    "the tenth channel is drums anyway": smf(gs(0x10, 1) + on(0, 36, channel=9) + off(9, 36, 9) + NOTE),
    "a channel that is drums and then is not": smf(gs(0x1A, 2) + gs(0x1A, 0) + on(0, 60, channel=10) + off(9, 60, 10)),
    "XG without a bank of drums": smf(XG + bytes([0, 0xB0, 0, 1]) + NOTE),
    "XG with a bank of drums": smf(XG + bytes([0, 0xB0, 0, 127]) + program(0, 1) + NOTE),
    "XG with a bank of drums under running status": smf(XG + bytes([0, 0xB0, 7, 99, 0, 0, 127]) + program(0, 1) + NOTE),
    "another port": smf(gs(0x1A, 2) + meta(0, 0x21, b"\1") + on(0, 36, channel=10) + off(9, 36, 10)),
    "a message of drums in a text": smf(meta(0, 1, gs(0x1A, 2)[1:]) + on(0, 36, channel=10) + off(9, 36, 10)),
    "bytes after the tracks": smf(NOTE) + b"\0\x1a\x1a",
    "a track more than the header says": smf(NOTE) + smf(on(0, 65) + off(3, 65))[14:],
    "a track more that is cut off": smf(NOTE) + smf(on(0, 65) + off(3, 65))[14:-2],
    "a track that ends early": smf(on(0, 60) + off(9, 60) + b"\0\xff\x2f\0" + on(0, 62) + off(9, 62)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_columns_are_those_of_the_score(name: str) -> None:
    assert same(parse_sounding(CASES[name]), sounding(sm.io.parse_midi(CASES[name])))


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 200), st.integers(0, 127), st.integers(0, 15)), max_size=20)
)
def test_columns_of_any_notes(notes: list[tuple[int, int, int, int]]) -> None:
    table = sm.score.note_table(
        sorted((at, length, pitch, 80, 0, channel, channel) for at, length, pitch, channel in notes)
    )
    tracks = tuple(sm.Track(f"{number}", is_drum=number == 9, channel=number) for number in range(16))
    data = sm.io.midi_bytes(sm.Score(notes=table, tracks=tracks))
    assert same(parse_sounding(data), sounding(sm.io.parse_midi(data)))


def test_most_files_need_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "parse_midi", None)
    quick = ("a note", "drums in two tracks", "a meter twice", "a time with an F7", "a text of signs")
    by_channel = (
        "a note that never ends", "notes that never end under a slow tempo",
        "a controller of a silent channel, and a late end", "drums on another channel",
        "no drums on the tenth channel", "the tenth channel is drums anyway",
        "XG without a bank of drums", "a message of drums in a text",
        "bytes after the tracks",
    )  # fmt: skip
    for name in (*quick, *by_channel):
        parse_sounding(CASES[name])


def test_escapes() -> None:
    assert not has_escape(bytes([0xF7, 0]) + on(0, 60)[1:] + b"\0")
    assert not has_escape(b"\0\xf0\x03\x41\x42\xf7" + on(0, 60) + bytes([1, 61, 64]) + b"\0")
    assert has_escape(on(0, 60) + bytes([0, 0xF7, 1, 0x41]) + b"\0")
    assert has_escape(b"\0\xf0\x01\x41" + b"\0\xf7\x01\xf7" + b"\0")
    assert has_escape(on(0, 60) + bytes([0, 0xF4, 0]))


def test_what_is_no_midi_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none\.mid"):
        read_sounding(tmp_path / "none.mid")
    (tmp_path / "text.mid").write_bytes(b"hello")
    with pytest.raises(MidiError, match=r"text\.mid"):
        read_sounding(tmp_path / "text.mid")


@pytest.mark.corpora
def test_columns_of_web_files() -> None:
    paths = sorted((corpus_dir("lakh-subset") / "midi").rglob("*.mid"))
    for index in np.random.default_rng(3).permutation(len(paths))[:60]:
        data = paths[index].read_bytes()
        assert same(parse_sounding(data), sounding(sm.io.parse_midi(data))), paths[index].name
