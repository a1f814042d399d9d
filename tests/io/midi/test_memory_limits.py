"""Files of so many events that they are refused, with the figure, before they take memory."""

from __future__ import annotations

import random

import numpy as np
import pytest

from symbolic_music.errors import MidiError
from symbolic_music.io import parse_midi
from symbolic_music.io.midi import limits
from symbolic_music.io.midi.reading import event_table as tables
from tests.io.midi.smf import END, chunk, header, meta, off, on, program, smf

DENSE = {
    "notes that never end": smf(on(0, 60) + b"\0\x3c\x40" * (8 << 20 >> 2)),
    "notes": smf(on(0, 60) + b"\1\x3c\0\0\x3c\x40" * (1 << 20)),
    "programs of two bytes": smf(program(0, 1) + b"\0\x07" * (1 << 20)),
    "a damaged track": header(1) + chunk(b"\xf4" + bytes(4 << 20)),
}


@pytest.mark.parametrize("data", DENSE.values(), ids=DENSE)
def test_dense_files_are_refused_with_the_figure(data: bytes) -> None:
    with pytest.raises(MidiError, match=r"its [\d,]+ events could take [\d,]+ MiB of memory; at most 160 MiB"):
        parse_midi(data)


def test_long_files_of_few_events_are_read() -> None:
    long = b"\0\xf0\x84\x80\x80\x00" + bytes((8 << 20) - 1) + b"\xf7"
    assert len(parse_midi(smf(long + on(0, 60) + off(10, 60)))) == 1


def test_the_bound_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    data = smf(on(0, 60) + b"\0\x3c\x40" * 1_000)
    assert len(parse_midi(data)) == 1_001
    monkeypatch.setattr(limits, "MAX_MEMORY", 100_000)
    with pytest.raises(MidiError, match="its 1,002 events"):
        parse_midi(data)


def events(rng: random.Random) -> bytes:
    """Events of all lengths, some under running status, some of them wrong."""
    kinds = (
        lambda: on(rng.choice((0, 3, 200, 70_000)), rng.randrange(128)),
        lambda: bytes([rng.randrange(100), rng.randrange(128), rng.randrange(128)]),
        lambda: meta(rng.randrange(300), 1, rng.randbytes(rng.choice((0, 3, 40, 600)))),
        lambda: program(0, rng.randrange(128)),
        lambda: b"\0\xf0\x03ab\xf7",
    )
    body = bytearray(on(0, 60) + b"".join(rng.choice(kinds)() for _ in range(rng.randrange(60))) + END)
    if rng.random() < 0.3:
        body[rng.randrange(len(body))] = rng.randrange(256)
    return bytes(body)


def test_windows_of_any_length_give_the_same_events(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, good = random.Random(0), 0
    for _ in range(60):
        body = events(rng)
        monkeypatch.setattr(tables, "_WINDOW", 1 << 18)
        whole = tables.event_table(body)
        for width in (16, 30, 500):
            monkeypatch.setattr(tables, "_WINDOW", width)
            found = tables.event_table(body)
            assert (found is None) == (whole is None)
            if found is not None and whole is not None:
                good += 1
                assert all(np.array_equal(getattr(found, name), getattr(whole, name)) for name in vars(whole))
    assert good > 30
