"""Sound of a score of any length by a flow decoder: block after block, with the samples of the whole at once."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.codec.flow.decoder import HARMONICS, UNDER, FlowDecoder
from symbolic_music.codec.flow.score_rolls import score_rolls, sustained
from symbolic_music.codec.language_models.tone_features import plain_tones
from symbolic_music.errors import EmptyScoreError, OptionError
from symbolic_music.score import Score
from symbolic_music.synthesis.mixing.pan_and_reverb import Samples
from symbolic_music.synthesis.settings import check_length

BLOCK = 512  # frames
LEAPS = 2  # up to this many steps go by the shortcut
MOST_STEPS = 64
_RING = 1.0  # seconds after the last note
_DRAWN = 1 << 14  # numbers of noise drawn at once


def frames_of(decoder: FlowDecoder, score: Score) -> int:
    """Frames of the sound of a score, to a second after its last note.

    Raises:
        EmptyScoreError: when there is no note.
        AudioError: when it lasts more than 6 hours.
    """
    if not len(score):
        raise EmptyScoreError("this score has no notes to write sound of")
    check_length(score)
    return math.ceil((float(sustained(score).offset_seconds.max()) + _RING) * decoder.config.frame_rate)


def stream_sound(
    decoder: FlowDecoder, score: Score, seed: int = 0, steps: int = 4, guidance: float = 1.0
) -> Iterator[Samples]:
    """Sound (1, n) of a score in blocks of a few seconds, to a second after its last note.

    Each block is computed with as many frames on either side as its own depend on; noise depends on the seed and the
    place alone. So the sound does not depend on the blocks.

    Args:
        decoder: in evaluation mode.
        score: with notes.
        seed: the same seed gives the same sound.
        steps: 3 to 64 of the flow, or 1 or 2 of the shortcut.
        guidance: how far the flow is led away from what it does without a score; 1 for not at all. The shortcut has
            that of its training.

    Raises:
        EmptyScoreError: when there is no note.
        OptionError: for settings out of range.
        AudioError: when the score lasts more than 6 hours.

    Examples:
        >>> decoder, _ = sm.codec.load_flow("flow")
        >>> next(iter(sm.codec.stream_sound(decoder, melody.clip(0, 1)))).shape  # all of it: a second, and one more
        (1, 47616)
    """
    if not 1 <= steps <= MOST_STEPS:
        raise OptionError(f"a flow takes 1 to {MOST_STEPS} steps, not {steps}")
    if not 0 <= guidance <= 20:
        raise OptionError(f"guidance is 0 to 20, not {guidance:g}")
    total = frames_of(decoder, score)
    return _blocks(decoder, sustained(score), total, seed, steps, guidance)


def _blocks(
    decoder: FlowDecoder, score: Score, total: int, seed: int, steps: int, guidance: float
) -> Iterator[Samples]:
    for start in range(0, total, BLOCK):
        stop = min(start + BLOCK, total)
        # A frame is centred on its first sample: the last samples need the frame after them.
        first, last = max(0, start - decoder.head_reach), min(total, stop + decoder.head_reach)
        # The frames that those depend on.
        low, high = max(0, first - decoder.reach(steps)), min(total, last + decoder.reach(steps))
        tones = _tones(decoder, score, low, high)
        with torch.inference_mode():
            mel = _mel(decoder, score, tones, low, high, seed, steps, guidance)[:, first - low : last - low + 1]
            source = decoder.spectra(_with_noise(decoder, tones, low, first, last, seed))
            samples = decoder.sound(mel, source)[0]
        hop = decoder.config.hop
        yield samples[None, (start - first) * hop : (stop - first) * hop].float().cpu().numpy()


def _mel(
    decoder: FlowDecoder,
    score: Score,
    tones: NDArray[np.float32],
    low: int,
    high: int,
    seed: int,
    steps: int,
    guidance: float,
) -> Tensor:
    """The mel spectrogram of the frames from `low` to `high`, both included, of which `tones` are the plain tones."""
    config = decoder.config
    rolls = torch.from_numpy(score_rolls(score, config.frame_rate, high - low + 1, low))[None]
    spectra = decoder.spectra(torch.from_numpy(tones)[None].to(decoder.device))
    condition = decoder.conditions(rolls.to(decoder.device), spectra)
    count = (high - low + 1) * config.bands
    noises = [
        torch.from_numpy(noise(seed, stream, low * config.bands, count)).view(1, -1, config.bands).to(decoder.device)
        for stream in range(steps if steps <= LEAPS else 1)
    ]
    if steps <= LEAPS:
        return decoder.by_shortcut(condition, noises)
    return decoder.by_flow(condition, noises[0], steps, guidance)


def _tones(decoder: FlowDecoder, score: Score, first: int, last: int) -> NDArray[np.float32]:
    """Plain tones in the windows of these frames, (n,)."""
    size, hop = decoder.config.size, decoder.config.hop
    count = size + (last - first) * hop
    return plain_tones(score, decoder.config.sample_rate, count, first * hop - size // 2, HARMONICS)


def _with_noise(decoder: FlowDecoder, tones: NDArray[np.float32], low: int, first: int, last: int, seed: int) -> Tensor:
    """Of tones that begin with the frame `low` those from `first` to `last`, over faint noise: (1, n)."""
    size, hop = decoder.config.size, decoder.config.hop
    count = size + (last - first) * hop
    own = tones[(first - low) * hop :][:count] + UNDER * noise(seed, LEAPS, first * hop + size // 2, count)
    return torch.from_numpy(own)[None].to(decoder.device)


def noise(seed: int, stream: int, first: int, count: int) -> NDArray[np.float32]:
    """Normal numbers from the place `first` on of an endless row, which depends on the seed and the stream."""
    parts = [
        np.random.default_rng([seed, stream, block]).standard_normal(_DRAWN, np.float32)
        for block in range(first // _DRAWN, (first + count - 1) // _DRAWN + 1)
    ]
    return np.concatenate(parts)[first % _DRAWN :][:count]
