"""Chroma of a recording: how much each pitch class sounds."""

from __future__ import annotations

import numpy as np

from symbolic_music.synthesis.audio import Audio
from symbolic_music.transcription.spectrograms import Spectrum, constant_q

_CLASSES = 12


def chroma(audio: Audio, hop: int = 512) -> Spectrum:
    """How much each of the twelve pitch classes sounds, from C: (12, n // hop + 1), at most 1 in each frame.

    The sum of the bins of the constant-Q transform from C1 on over octaves, over the largest of the frame; frames that
    are 60 dB under the loudest are 0.

    Args:
        audio: sound of one sample or more.
        hop: samples between frames.

    Raises:
        As `constant_q`.

    Examples:
        >>> sm.transcription.chroma(sm.render(melody, sample_rate=8000)).values.shape[0]
        12
    """
    found = constant_q(audio, hop, lowest=24 - 1 / 3, bins_per_octave=36)
    whole = np.pad(found.values, ((0, -len(found.values) % 36), (0, 0)))
    classes = whole.reshape(-1, _CLASSES, 3, whole.shape[1]).sum(axis=(0, 2))
    most = classes.max(axis=0, keepdims=True)
    sounds = most > 1e-3 * max(1e-9, float(most.max(initial=0.0)))
    values = np.where(sounds, classes / np.maximum(most, 1e-12), 0).astype(np.float32)
    return Spectrum(values, np.arange(float(_CLASSES)), found.times, "chroma")
