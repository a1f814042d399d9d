"""The melody of a recording as features of codec frames: the pitch class that is loudest in each.

Source: Copet et al. 2023 (MusicGen, section 2.3, melody conditioning): chroma of half a second, of which the largest
class alone is kept, so that a model is conditioned on the tune and not on how it is played.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.synthesis.audio import Audio

CLASSES = 12
MELODY = CLASSES + 1  # columns: the classes, and whether there is a melody
_SECONDS = 0.5  # of a window
_LOWEST, _HIGHEST = 65.0, 2_100.0  # Hz that are looked at
_A4 = 440.0, 9  # Hz, and its class
_SILENT = 1e-4  # root mean square of a window
_TOGETHER = 512  # windows that are computed at once


def melody_frames(audio: Audio, frame_rate: float, count: int, first: int = 0) -> NDArray[np.float32]:
    """Of each frame the loudest pitch class, (T, MELODY), C first: 1 for it, and 1 in the last column.

    Silence has no class; frames before the recording and after it are zeros, so they have no melody. Any stretch has
    the numbers of the whole.

    Args:
        audio: the recording.
        frame_rate: of the codec.
        count: T.
        first: the frame to begin with.

    Examples:
        >>> tone = sm.synthesis.Audio(np.sin(np.arange(24_000) * (2 * np.pi * 440 / 24_000)), 24_000)
        >>> int(sm.codec.melody_frames(tone, frame_rate=75.0, count=75)[40].argmax())  # A
        9
    """
    out = np.zeros((count, MELODY), np.float32)
    sound = audio.samples.mean(axis=0)
    size = 2 * round(_SECONDS * audio.sample_rate / 2)
    padded = np.pad(sound, size // 2)
    whole = int(np.ceil(len(sound) / audio.sample_rate * frame_rate))
    frames = np.arange(max(0, first), min(first + count, whole))
    classes, window = _classes(size, audio.sample_rate), np.hanning(size).astype(np.float32)
    for start in range(0, len(frames), _TOGETHER):
        own = frames[start : start + _TOGETHER]
        at = np.minimum(np.rint(own / frame_rate * audio.sample_rate).astype(np.int64), len(sound))
        cut = padded[at[:, None] + np.arange(size)]
        power = torch.fft.rfft(torch.from_numpy(cut * window)).abs().square().numpy()
        loudest = (power @ classes).argmax(axis=1)
        sounds = np.sqrt(np.mean(cut * cut, axis=1)) > _SILENT
        out[own[sounds] - first, loudest[sounds]] = 1
        out[own - first, CLASSES] = 1
    return out


def _classes(size: int, sample_rate: int) -> NDArray[np.float32]:
    """Which bins are of which pitch class, (size / 2 + 1, 12)."""
    frequencies = np.arange(size // 2 + 1) * (sample_rate / size)
    inside = (frequencies >= _LOWEST) & (frequencies <= _HIGHEST)
    hertz, number = _A4
    pitch = number + 12 * np.log2(np.where(inside, frequencies, hertz) / hertz)
    out = np.zeros((len(frequencies), CLASSES), np.float32)
    out[inside, np.rint(pitch[inside]).astype(np.int64) % CLASSES] = 1
    return out
