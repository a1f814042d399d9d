"""Reading MIDI: good files through symusic, bad ones through the tolerant reader, both alike."""

from __future__ import annotations

import random
import resource
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music import read
from symbolic_music.errors import MidiError
from symbolic_music.io import midi_bytes, parse_midi
from symbolic_music.io.midi import reader as midi_module
from symbolic_music.io.midi.strict_reader import parse_strict
from symbolic_music.io.midi.tolerant_reader import parse_tolerant
from symbolic_music.score import Score
from tests.corpus_paths import corpus_dir
from tests.io.midi.smf import END, chunk, control, header, meta, off, on, program, smf, vlq

NOTE = on(0, 60) + off(10, 60)


def rows(score: Score) -> list[tuple[int, ...]]:
    """(onset, duration, pitch, velocity) of every note."""
    return [tuple(row)[:4] for row in score.notes.tolist()]


def same(a: Score, b: Score) -> bool:
    """Equal but for the order of keys and texts of one tick, which symusic does not keep."""

    def bare(score: Score) -> Score:
        return score.replace(keys=np.sort(score.keys), texts=())

    return bare(a) == bare(b) and sorted(map(repr, a.texts)) == sorted(map(repr, b.texts))


@pytest.mark.parametrize("parse", [parse_midi, parse_tolerant])
class TestBothReaders:
    def test_first_in_first_out(self, parse: Callable[[bytes], Score]) -> None:
        score = parse(smf(on(0, 60, 1) + on(50, 60, 2) + off(30, 60) + off(20, 60)))
        assert rows(score) == [(0, 80, 60, 1), (50, 50, 60, 2)]

    def test_zero_length_note(self, parse: Callable[[bytes], Score]) -> None:
        assert rows(parse(smf(on(7, 60) + off(0, 60)))) == [(7, 0, 60, 64)]

    def test_velocity_zero_and_running_status_end_a_note(self, parse: Callable[[bytes], Score]) -> None:
        assert rows(parse(smf(on(0, 60) + b"\x05\x3c\x00" + b"\x00\x3e\x40" + b"\x06\x3e\x00"))) == [
            (0, 5, 60, 64),
            (5, 6, 62, 64),
        ]

    def test_a_track_for_each_channel_and_program(self, parse: Callable[[bytes], Score]) -> None:
        changes = NOTE + program(0, 33) + NOTE + on(0, 36, channel=9) + off(5, 36, channel=9)
        score = parse(smf(meta(0, 3, b"band") + changes))
        assert [(t.name, t.program, t.is_drum) for t in score.tracks] == [
            ("band", 0, False),
            ("band", 33, False),
            ("band", 0, True),
        ]
        assert score.notes["channel"].tolist() == [0, 0, 9]

    def test_a_note_keeps_the_program_it_began_with(self, parse: Callable[[bytes], Score]) -> None:
        score = parse(smf(on(0, 60) + program(5, 33) + off(5, 60) + NOTE))
        assert score.notes["program"].tolist() == [0, 33]

    def test_controllers_before_the_program_belong_to_it(self, parse: Callable[[bytes], Score]) -> None:
        score = parse(smf(control(0, 7, 100) + program(0, 40) + NOTE + control(0, 10, 3)))
        assert score.controls[["time", "number", "value", "track"]].tolist() == [(0, 7, 100, 0), (10, 10, 3, 0)]

    def test_maps_and_texts(self, parse: Callable[[bytes], Score]) -> None:
        first = meta(0, 0x51, b"\x07\xa1\x20") + meta(0, 0x58, b"\x06\x03\x18\x08") + meta(0, 0x59, b"\xfd\x01")
        score = parse(smf(first + meta(96, 6, b"chorus"), NOTE + meta(0, 5, "l\xe0".encode())))
        assert score.tempos.tolist() == [(0, 500_000)]
        assert score.meters.tolist() == [(0, 6, 8)]
        assert score.keys.tolist() == [(0, -3, 1)]
        assert [(t.time, t.text, t.kind) for t in score.texts] == [(96, "chorus", "marker"), (10, "l\xe0", "lyric")]

    def test_type_0_and_an_empty_file(self, parse: Callable[[bytes], Score]) -> None:
        assert rows(parse(smf(NOTE, kind=0))) == [(0, 10, 60, 64)]
        assert len(parse(smf(b""))) == 0

    def test_an_hours_long_file(self, parse: Callable[[bytes], Score]) -> None:
        hours = b"".join(on(0xFFFFFF, 60) + off(10, 60) for _ in range(3))
        score = parse(smf(hours, division=96))
        assert score.duration > 3 * 3600
        assert len(score) == 3


REPAIRED = {
    "never ended": (smf(on(0, 60) + on(0, 62) + off(10, 62)), 2, "never ended"),
    "type 2": (smf(NOTE, NOTE, kind=2), 2, "type 2"),
    "no end-of-track": (header(1) + chunk(NOTE), 1, "no end-of-track"),
    "fewer tracks than said": (header(3) + chunk(NOTE + END), 1, "header says 3 tracks, file has 1"),
    "more tracks than said": (header(1) + chunk(NOTE + END) * 2, 2, "header says 1 tracks, file has 2"),
    "the rest of an older file": (smf(NOTE) + b"\x3c\x00" + chunk(NOTE + END), 1, "left out"),
    "another file": (smf(NOTE) + smf(NOTE), 1, "what follows the tracks"),
    "chunk too long": (header(1) + b"MTrk\x00\x00\x0f\x00" + NOTE + END, 1, "wrong length"),
    "chunk too short": (header(2) + b"MTrk\x00\x00\x00\x02" + NOTE + END + chunk(NOTE + END), 2, "wrong length"),
    "chunk swallows the next": (
        header(2) + b"MTrk" + struct.pack(">I", 20) + NOTE + END + chunk(NOTE + END),
        2,
        "wrong length",
    ),
    "velocity over 127": (smf(on(0, 60, 240) + off(10, 60)), 1, "set to 127"),
    "pitch over 127": (smf(b"\x00\x90\xc8\x40" + NOTE), 1, "number over 127 left out"),
    "program over 127": (smf(b"\x00\xc0\xff" + NOTE), 1, "program over 127 left out"),
    "running status without a status": (smf(b"\x00\x3c\x40" + NOTE), 1, "without a status"),
    "undefined system message": (smf(b"\x00\xf5" + NOTE), 1, "system message"),
    "delta time of five bytes": (smf(b"\x81\x80\x80\x80\x00" + NOTE[1:]), 1, "four bytes"),
    "cut inside an event": (header(1) + chunk(NOTE + b"\x00\x90"), 1, "ends inside an event"),
    "text that is not UTF-8": (smf(meta(0, 3, b"Fl\xf6te") + NOTE), 1, "Latin-1"),
    "impossible tempo": (smf(meta(0, 0x51, b"\0\0\0") + NOTE), 1, "impossible tempo"),
    "impossible meter": (smf(meta(0, 0x58, b"\x00\x02\x18\x08") + NOTE), 1, "impossible meter"),
    "impossible key": (smf(meta(0, 0x59, b"\x40\x00") + NOTE), 1, "impossible key"),
    "division 0": (smf(NOTE, division=0), 1, "0 ticks a quarter"),
    "unknown type": (smf(NOTE, kind=7), 1, "unknown type 7"),
    "bytes before the header": (bytes(128) + smf(NOTE), 1, "128 bytes before the header"),
    "bytes after the tracks": (smf(NOTE) + b"junk!", 1, "wrong length"),
    "no header": (chunk(NOTE + END), 1, "no header"),
    "long header": (b"MThd\0\0\0\x08\0\1\0\1\x01\xe0\0\0" + chunk(NOTE + END), 1, "header of 8 bytes"),
    "wrong header length": (header(1).replace(b"\6", b"\x16", 1) + chunk(NOTE + END), 1, "header of 22 bytes"),
    "garbled chunk name": (header(1) + chunk(NOTE + END, b"mTrk"), 1, "taken for a track"),
    "foreign chunk": (header(1) + chunk(b"abc", b"XFIH") + chunk(NOTE + END), 1, "'XFIH' left out"),
    "RIFF": (b"RIFF" + struct.pack("<I", 4 + 8 + len(smf(NOTE))) + b"RMID" + b"data" + struct.pack("<I", len(smf(NOTE)))
             + smf(NOTE), 1, "RIFF"),
    "exclusive without a length": (smf(b"\x00\xf0\x7e\x7f\x09\x01\xf7" + NOTE), 1, "exclusive message"),
    "events after end-of-track": (header(1) + chunk(NOTE + END + NOTE + END), 1, "after end-of-track"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "notes", "problem"), REPAIRED.values(), ids=REPAIRED)
def test_repaired_and_said(data: bytes, notes: int, problem: str) -> None:
    score = parse_midi(data)
    assert len(score) == notes
    assert any(problem in said for said in score.problems), score.problems


@pytest.mark.parametrize("data", [b"", b"MThd", b"<html>", b"MThd\0\0\0\6\0\1\0\1\1\xe0", bytes(1000)])
def test_not_midi(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.mid"
    path.write_bytes(data)
    if data[8:12] == b"\0\1\0\1":  # a header alone: a score without notes, and says so
        assert read(path).problems == ("header says 1 tracks, file has 0",)
    else:
        with pytest.raises(MidiError, match=r"x\.mid"):
            read(path)


def test_good_files_have_no_problems_and_go_through_symusic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(midi_module, "parse_tolerant", lambda data: pytest.fail("took the slow path"))
    assert parse_midi(smf(NOTE + control(0, 64, 127), on(5, 40, channel=3) + off(1, 40, channel=3))).problems == ()


def test_hanging_notes_last_250_ms_and_are_marked() -> None:
    score = parse_midi(smf(meta(0, 0x51, b"\x0f\x42\x40") + on(0, 60) + on(0, 62) + off(10, 62), division=100))
    assert rows(score) == [(0, 25, 60, 64), (0, 10, 62, 64)]
    assert score.notes["hanging"].tolist() == [1, 0]


def test_a_hanging_note_lasts_at_least_as_long_as_the_older_one_of_its_pitch() -> None:
    score = parse_midi(smf(on(0, 60) + on(10, 60) + off(1000, 60)))
    assert rows(score) == [(0, 1010, 60, 64), (10, 1000, 60, 64)]


@pytest.mark.parametrize(("frames", "per_frame", "second"), [(24, 4, 96), (25, 40, 1000), (30, 80, 2400)])
def test_smpte_division_is_seconds_whatever_the_tempo(frames: int, per_frame: int, second: int) -> None:
    tempo = meta(0, 0x51, b"\x01\x00\x00")
    score = parse_midi(smf(tempo + on(second, 60) + off(second, 60), division=(256 - frames) << 8 | per_frame))
    assert score.onset_seconds.tolist() == pytest.approx([1.0])
    assert score.duration == pytest.approx(2.0)


def test_smpte_29_is_29_97_frames_a_second() -> None:
    score = parse_midi(smf(on(30_000, 60) + off(1, 60), division=(256 - 29) << 8 | 1))
    assert score.onset_seconds[0] == pytest.approx(1001.0)


def test_times_over_32_bits_are_cut() -> None:
    score = parse_midi(smf((vlq((1 << 28) - 1) + b"\x90\x3c\x40" + b"\x01\x3c\x00") * 20))
    assert score.notes["onset"].min() >= 0
    assert any("impossible time" in problem for problem in score.problems)


BOMBS = {
    "tracks": header(60_000) + chunk(NOTE + END) * 52_000,
    "parts": smf(*[b"".join(program(0, p, c) + on(0, 60, channel=c) + off(0, 60, c)
                            for c in range(16) for p in range(128)) for _ in range(40)]),
    "hanging": smf(on(0, 60) + b"\x00\x3c\x40" * 330_000),
    "opened and closed": smf(on(0, 60) + b"\x00\x3c\x40" * 150_000 + b"\x00\x3c\x00" * 150_000),
    "texts": smf(b"\x00\xff\x06\x01a" * 200_000),
    "tempos": smf(b"\x00\xff\x51\x03\x00\x00\x01" * 140_000 + NOTE),
    "controllers of many programs": smf(control(0, 1, 1) + b"\x00\x01\x01" * 250_000
                                        + b"".join(program(0, p) + NOTE for p in range(128))),
    "stray bytes": smf(NOTE) + b"ABCD\0\0\0\0" * 100_000,
    "chunk names": header(1) + b"MTrk" * 240_000,
    "exclusives without end": smf(b"\x00\xf0\x7f" * 330_000),
    "no status": smf(b"\x00\x01" * 500_000),
}  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits are POSIX")
@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_no_megabyte_takes_much_time_or_memory(data: bytes) -> None:
    assert len(data) < 1.3e6
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        parse_midi(data)
    except MidiError as error:
        assert "2,048" in str(error) or "MiB of memory" in str(error)  # noqa: PT017
    # Bounds against hanging and flooding (far over what is measured), not a benchmark.
    assert time.process_time() - began < 12
    scale = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * scale < 200e6


@given(st.binary(max_size=200), st.integers(0, 400), st.randoms(use_true_random=False))
def test_any_damage_gives_a_score_or_a_midi_error(junk: bytes, at: int, rng: random.Random) -> None:
    good = smf(meta(0, 0x51, b"\x07\xa1\x20"), NOTE * 20 + control(3, 64, 127), program(0, 33, 2) + on(9, 40, 64, 2))
    damaged = bytearray(good[:at] + junk + good[at + rng.randrange(9) :])
    for _ in range(rng.randrange(4)):
        damaged[rng.randrange(len(damaged))] = rng.choice([0, 0x7F, 0x80, 0xFF, 0xF0, 0xF7, rng.randrange(256)])
    try:
        score = parse_midi(bytes(damaged))
    except MidiError:
        return
    assert (score.notes["pitch"] < 128).all()
    assert (score.notes["velocity"] < 128).all()
    assert (score.notes["duration"] >= 0).all()
    assert score.duration >= 0
    parse_midi(midi_bytes(score))


@pytest.mark.corpora
@pytest.mark.parametrize("corpus", ["freedoom-midi", "groove-midi", "pop909", "lakh-subset"])
def test_both_readers_agree_on_real_files(corpus: str) -> None:
    files = sorted(p for p in corpus_dir(corpus).rglob("*") if p.suffix.lower() in (".mid", ".midi"))
    compared = 0
    for path in random.Random(1).sample(files, 40):
        data = path.read_bytes()
        strict = parse_strict(data)
        if strict is not None and strict.is_heard:
            assert same(strict.score, parse_tolerant(data)), path
            compared += 1
    assert compared > 8


@pytest.mark.corpora
def test_odd_files() -> None:
    folder = corpus_dir("midi-edge-cases")
    good = [p for p in folder.rglob("*") if p.is_file() and p.read_bytes()[:4] == b"MThd"]
    assert len(good) == 192
    counts = {path.name: len(read(path)) for path in good}
    assert counts["MIDIBadTrackHdr.mid"] == 4
    assert counts["test-illegal-message-f5.mid"] == 8
    assert counts["Misc_14000_events.mid"] > 5000
