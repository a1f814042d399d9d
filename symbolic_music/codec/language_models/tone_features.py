"""A score as plain tones, encoded by the codec: features with the phase of each period.

A piano roll gives the pitch, but not the phase of the wave from frame to frame; the codec's vectors of tones that begin
with their notes do. The idea is ours.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.codec.base import AudioCodec, VectorCodec
from symbolic_music.codec.language_models.score_features import FEATURES, score_frames
from symbolic_music.errors import ModelError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.score import Score
from symbolic_music.theory import hertz

_LEVEL = 0.3  # peak of a tone of velocity 127
HARMONICS = 12  # each 1 / its number as loud as the first
_DECAY = 1.5  # seconds to 1 / e
_FADES = 0.005, 0.06  # seconds in and, after the note, out
_PERIOD = 4096  # samples of a table
_PIECE = 750  # frames that are encoded at a time


def plain_tones(
    score: Score, sample_rate: int, count: int, first: int = 0, most: int = HARMONICS
) -> NDArray[np.float32]:
    """Samples (count,) from the sample `first` on: harmonic tones that decay, all in the same phase at their onset.

    Velocity v has the gain (v / 127)^2. Drums are silent, and pitches that the rate cannot hold.

    Args:
        score: the notes.
        sample_rate: Hz.
        count: of samples.
        first: the sample to begin with.
        most: harmonics of a tone, where the rate can hold them.
    """
    out = np.zeros(count, np.float64)
    starts = np.rint(score.onset_seconds * sample_rate).astype(np.int64)
    stops = np.maximum(np.rint(score.offset_seconds * sample_rate).astype(np.int64), starts + 1)
    fade_in, fade_out = (max(1, round(seconds * sample_rate)) for seconds in _FADES)
    frequencies = hertz(score.notes["pitch"].astype(np.float64))
    sounding = (starts < first + count) & (stops + fade_out > first) & (score.instruments != DRUM_INSTRUMENT)
    sounding &= frequencies < sample_rate / 2
    for i in np.flatnonzero(sounding):
        start, stop = int(starts[i]), int(stops[i])
        low, high = max(start, first), min(stop + fade_out, first + count)
        times = np.arange(low - start, high - start)
        frequency = float(frequencies[i])
        harmonics = max(1, min(most, int(0.45 * sample_rate / frequency)))
        tone = _table(harmonics)[(times * (frequency / sample_rate * _PERIOD)).astype(np.int64) % _PERIOD]
        tone = tone * np.exp(-times / (_DECAY * sample_rate)) * np.minimum(1.0, times / fade_in)
        tone *= ((stop + fade_out - start - times) / fade_out).clip(0, 1)
        out[low - first : high - first] += _LEVEL * (int(score.notes["velocity"][i]) / 127) ** 2 * tone
    return out.astype(np.float32)


@cache
def _table(harmonics: int) -> NDArray[np.float64]:
    """A period, of peak 1."""
    angles = np.arange(_PERIOD) * (2 * np.pi / _PERIOD)
    numbers = np.arange(1, harmonics + 1)[:, None]
    period: NDArray[np.float64] = (np.sin(numbers * angles) / numbers).sum(axis=0)
    return np.asarray(period / np.abs(period).max())


@torch.no_grad()
def tone_vectors(score: Score, codec: VectorCodec, count: int, first: int = 0) -> NDArray[np.float32]:
    """A codec's vectors of the plain tones of frames, before they are quantised: (T, dim); zeros before frame 0.

    Any stretch has the numbers of the whole.

    Args:
        count: T.
        first: the frame to begin with.
    """
    form, back = codec.format, codec.reach
    out = np.zeros((count, codec.dim), np.float32)
    for start in range(max(0, first), first + count, _PIECE):
        stop = min(start + _PIECE, first + count)
        before = min(back, start)  # the encoder has no context before the beginning
        samples = plain_tones(score, form.sample_rate, (stop - start + before) * form.hop, (start - before) * form.hop)
        sound = torch.from_numpy(samples).expand(1, form.channels, -1)
        # In float32 whatever the precision of a training that evaluates: what is written later has these too.
        with torch.autocast("cpu", enabled=False):
            out[start - first : stop - first] = codec.vectors(sound)[0, before:].float().cpu().numpy()
    return out


def condition_frames(score: Score, codec: AudioCodec, features: int, count: int, first: int = 0) -> NDArray[np.float32]:
    """The features of frames for a model of `features`: `score_frames`, and `tone_vectors` if it takes them.

    Raises:
        EmptyScoreError: when there is no note.
        ModelError: for another number of features.
    """
    check_features(features, codec)
    condition = score_frames(score, codec.format.frame_rate, count, first)
    if features == FEATURES or not isinstance(codec, VectorCodec):
        return condition
    return np.concatenate([condition, tone_vectors(score, codec, count, first)], axis=1)


def check_features(features: int, codec: AudioCodec) -> None:
    """ModelError unless `condition_frames` gives this number of features."""
    tones = codec.dim if isinstance(codec, VectorCodec) else 0
    if features not in (FEATURES, FEATURES + tones):
        raise ModelError(
            f"this model takes {features} features a frame; a score has {FEATURES}, and {tones} more with tones"
        )
