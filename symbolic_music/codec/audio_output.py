"""Sound that comes in blocks as an `Audio` or as a file: marked, at a loudness, on both channels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from symbolic_music.synthesis.audio import Audio, writing
from symbolic_music.synthesis.mixing.limiter import levelled
from symbolic_music.synthesis.mixing.mastering import deliver, gain_of
from symbolic_music.synthesis.mixing.pan_and_reverb import Samples
from symbolic_music.synthesis.rendering import Written
from symbolic_music.synthesis.watermark import marking


def on_both(blocks: Iterable[Samples]) -> Iterator[Samples]:
    """Blocks (1 or 2, n) as (2, n)."""
    for block in blocks:
        yield np.ascontiguousarray(np.broadcast_to(block, (2, block.shape[1])), np.float32)


def audio_of(blocks: Iterable[Samples], sample_rate: int, loudness: float, mark: bool) -> Audio:
    """The whole of blocks (2, n), at a loudness in LUFS, with peaks under -1 dB.

    Args:
        mark: whether the sound has the inaudible mark that `synthesis.watermark` finds.
    """
    kept = list(marking(blocks, sample_rate) if mark else blocks)
    levels = levelled(kept, gain_of(kept, loudness, sample_rate), sample_rate)
    return Audio(np.concatenate(list(levels), axis=1), sample_rate)


def write_audio_of(
    blocks: Iterable[Samples],
    path: str | Path,
    sample_rate: int,
    loudness: float,
    mark: bool,
    seconds: float,
    tag: str,
    finish: Callable[[int], None] = lambda samples: None,
) -> Written:
    """Like `audio_of` into a .wav or .flac file, whole or not at all, in bounded memory.

    Args:
        seconds: at most, which the file is checked for before the first block.
        tag: the comment of the file; none when empty.
        finish: called with the number of samples before the file appears, which it does not where this fails.

    Raises:
        As `Audio.write`.
    """
    path = Path(path)
    with writing(path, sample_rate, 16, seconds, comment=tag) as add:
        played = marking(blocks, sample_rate) if mark else blocks
        samples, peak, _ = deliver(played, add, path.parent, sample_rate, loudness)
        finish(samples)
    return Written(path, samples / sample_rate, peak, {})
