"""Level audio in blocks to a loudness, in bounded memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from symbolic_music.parallel.threads import one_core
from symbolic_music.synthesis.mixing.limiter import levelled
from symbolic_music.synthesis.mixing.loudness import Meter
from symbolic_music.synthesis.mixing.pan_and_reverb import Samples

LOUDEST_GAIN = 100.0  # dB; what stays silent with it is silence


def deliver(
    blocks: Iterable[Samples],
    add: Callable[[Samples], None],
    folder: Path,
    sample_rate: int,
    loudness: float,
    gain: float | None = None,
) -> tuple[int, float, float]:
    """Hand on blocks of stereo (2, n) at a loudness in LUFS, or `gain` dB louder, with peaks under -1 dB.

    Without a gain they wait in a temporary file in `folder`, as 32-bit samples, until their loudness is known.

    Returns:
        How many samples, the largest of them, and the gain.
    """
    with tempfile.TemporaryFile(dir=folder) as waiting:
        if gain is None:
            gain = gain_of(_kept(blocks, waiting), loudness, sample_rate)
            blocks = _read(waiting)
        samples, peak = 0, 0.0
        for block in levelled(blocks, gain, sample_rate):
            add(block)
            samples, peak = samples + block.shape[1], max(peak, float(np.abs(block).max(initial=0.0)))
    return samples, peak, gain


def gain_of(blocks: Iterable[Samples], loudness: float, sample_rate: int) -> float:
    """dB that bring these blocks to `loudness`; 0 for silence."""
    meter = Meter(sample_rate)
    for block in blocks:
        with one_core():
            meter.add(block)
    gain = LOUDEST_GAIN
    if not np.isfinite(meter.loudness(gain)):
        return 0.0
    # Again and again: how much is so quiet that it does not count depends on the gain.
    for _ in range(6):
        measured = meter.loudness(gain)
        if np.isfinite(measured):
            gain += loudness - measured
    return gain


def _kept(blocks: Iterable[Samples], file: IO[bytes]) -> Iterator[Samples]:
    """The blocks, each written to a file as it passes."""
    for block in blocks:
        np.save(file, block)
        yield block


def _read(file: IO[bytes]) -> Iterator[Samples]:
    """The blocks that `_kept` wrote."""
    end = file.tell()
    file.seek(0)
    while file.tell() < end:
        yield np.load(file)
