"""Sound as a transcriber takes it: one channel, one rate, one level, a window at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import AudioError, MissingExtraError
from symbolic_music.synthesis.audio import Audio, audio_blocks

LEVEL = 0.1  # of what is loud in a recording, root mean square
_BLOCK = 0.05  # seconds
_LOUD = 90  # percent of the blocks that are quieter
_PART = 10.0  # seconds that are read at a time
Samples = NDArray[np.float32]
Progress = Callable[[float], None]


def level_of(samples: Samples, sample_rate: int) -> float:
    """Root mean square of the loud parts of sound (n,): nine tenths of its blocks of 50 ms are quieter."""
    return loud(block_powers(samples, sample_rate))


def block_powers(samples: Samples, sample_rate: int) -> Samples:
    """Mean squares of blocks of 50 ms; what is left at the end is not counted, but where it is all there is."""
    size = max(1, round(_BLOCK * sample_rate))
    whole = samples[: len(samples) // size * size] if len(samples) >= size else samples
    return np.asarray(np.square(whole).reshape(-1, min(size, max(1, len(whole)))).mean(axis=1), np.float32)


def loud(powers: Samples) -> float:
    """The level of blocks of these powers, at least -100 dB."""
    return max(1e-5, float(np.sqrt(np.percentile(powers, _LOUD)))) if len(powers) else 1e-5


def mono_blocks(sound: Audio | str | Path, sample_rate: int, progress: Progress | None = None) -> Iterator[Samples]:
    """Sound, or a file of it, in parts of one channel at a rate; memory does not grow with its length.

    Raises:
        FileError: for a file that cannot be read.
        AudioError: for samples that are not finite, or none.
        MissingExtraError: without soundfile for a file, or without soxr for another rate.
    """
    stream, rate, empty = None, 0, True
    for block, done in _parts(sound):
        mono = block.samples.mean(axis=0, dtype=np.float32)
        empty = empty and not len(mono)
        if not rate:
            rate = block.sample_rate
            stream = None if rate == sample_rate else _resampler(rate, sample_rate)
        yield mono if stream is None else stream.resample_chunk(mono)
        if progress is not None:
            progress(done)
    if empty:
        raise AudioError("this recording has no samples")
    if stream is not None:
        yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _parts(sound: Audio | str | Path) -> Iterator[tuple[Audio, float]]:
    if not isinstance(sound, Audio):
        yield from audio_blocks(sound, _PART)
        return
    if not np.isfinite(sound.samples).all():
        raise AudioError("the recording holds samples that are not finite")
    size, count = max(1, round(_PART * sound.sample_rate)), sound.samples.shape[1]
    for first in range(0, count, size):
        yield Audio(sound.samples[:, first : first + size], sound.sample_rate), min(1.0, (first + size) / count)


def _resampler(rate: int, wanted: int) -> Any:
    return soxr().ResampleStream(rate, wanted, 1, dtype="float32")


def soxr() -> Any:
    """The resampler. MissingExtraError where it is not installed."""
    try:
        return import_module("soxr")
    except ImportError:
        raise MissingExtraError("soxr", "transcription") from None


def windows(blocks: Iterable[Samples], hop: int, frames: int, context: int) -> Iterator[tuple[Samples, int]]:
    """Sound in windows that overlap, each with the number of frames that it is for.

    A window has `context` frames before the first of these and after the last, silence where there is no sound: what is
    found in its frames does not depend on where windows begin.

    Args:
        blocks: of sound, (n,) each.
        hop: samples between frames; there is one more frame than whole hops.
        frames: of a window.
        context: frames on either side.
    """
    kept, total, done = np.zeros(context * hop, np.float32), 0, 0
    for block in blocks:
        kept, total = np.concatenate([kept, block]), total + len(block)
        while len(kept) >= (frames + 2 * context) * hop:
            yield kept[: (frames + 2 * context) * hop], frames
            kept, done = kept[frames * hop :], done + frames
    while (left := total // hop + 1 - done) > 0:
        now = min(left, frames)
        whole = (now + 2 * context) * hop
        yield np.pad(kept[:whole], (0, max(0, whole - len(kept)))), now
        kept, done = kept[now * hop :], done + now
