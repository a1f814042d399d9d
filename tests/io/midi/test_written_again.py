"""What could be read can be written: times up to the last tick, and files without a track."""

from __future__ import annotations

import pytest

from symbolic_music.io import midi_bytes, parse_midi
from symbolic_music.io.midi.reading.event_table import MAX_TICK
from symbolic_music.transforms import transpose
from tests.io.midi.smf import END, chunk, header, meta, off, on, smf

_FAR = b"".join(meta((1 << 28) - 1, 1, b"x") for _ in range(3))  # 2^30 - 2^28 - 3
FILES = {
    "a hanging note on the last tick": smf(_FAR + meta((1 << 28) - 4, 1, b"") + on(7, 60)),
    "a hanging note close to it": smf(_FAR + meta((1 << 28) - 4, 1, b"") + on(0, 60)),
    "250 ms of the fastest tempo": smf(meta(0, 0x51, b"\0\0\1") + on(0, 60), division=0x7FFF),
    "a note that ends on the last tick": smf(_FAR + on((1 << 28) - 10, 60) + off(13, 60)),
    "a note past it": smf(_FAR + on((1 << 28) - 10, 60) + off(14, 60)),
    "a header alone": header(0),
    "a track of nothing": header(1) + chunk(END),
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_what_was_read_can_be_written(data: bytes) -> None:
    score = parse_midi(data)
    assert score.end <= MAX_TICK
    for copy, by in ((score, 0), (score.replace(source=None), 0), (transpose(score, 2), 2)):
        again = parse_midi(midi_bytes(copy))
        assert again.notes["onset"].tolist() == score.notes["onset"].tolist()
        assert again.notes["pitch"].tolist() == [pitch + by for pitch in score.notes["pitch"].tolist()]
