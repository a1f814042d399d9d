"""The mark of AudioSeal (San Roman et al. 2024) in sound, where its package is: `pip install audioseal`.

Its models are given, loaded by the package itself: `AudioSeal.load_generator("audioseal_wm_16bits")` and
`AudioSeal.load_detector("audioseal_detector_16bits")`, which unpickle files of its authors.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.errors import AudioError, MissingExtraError, OptionError
from symbolic_music.synthesis.audio import Audio

_RATE = 16_000  # of its published models
_PIECE = 20  # seconds that a model takes at a time
_THRESHOLD = 0.5  # share of the samples that count as marked


class AudioSealMark(NamedTuple):
    """What a detector finds: the share of samples that it takes for marked, and the bits of the message."""

    share: float
    message: tuple[int, ...]

    @property
    def is_marked(self) -> bool:
        """Whether most of the sound is."""
        return self.share > _THRESHOLD


@torch.inference_mode()
def marked_by_audioseal(
    audio: Audio, generator: Any, message: tuple[int, ...] | None = None, strength: float = 1.0
) -> Audio:
    """Sound with the mark of AudioSeal, which is made from its mono mix at 16 kHz and added to each channel.

    Args:
        audio: to mark.
        generator: an `AudioSealWM`.
        message: bits that the mark carries, as many as the generator takes; those it draws when omitted.
        strength: factor of the mark; with 0 the sound stays as it is.

    Raises:
        AudioError: for samples that are not finite, or none.
        OptionError: for a message or a strength that cannot be.
        MissingExtraError: without soxr.

    Examples:
        >>> from symbolic_music.synthesis.audioseal_watermark import marked_by_audioseal
        >>> silent = type("Generator", (), {"get_watermark": lambda self, x, message=None: 0 * x})()
        >>> marked_by_audioseal(sm.render(melody.clip(0, 1)), silent).sample_rate  # a real one: `audioseal`
        44100
    """
    if not 0 <= strength <= 10:
        raise OptionError(f"strength is 0 to 10, not {strength:g}")
    if message is not None and not set(message) <= {0, 1}:
        raise OptionError("a message is bits: 0 and 1")
    bits = None if message is None else torch.tensor([message])
    marks = [generator.get_watermark(piece, message=bits)[0, 0].cpu().numpy() for piece in _pieces(audio)]
    mark = _resampled(np.concatenate(marks), _RATE, audio.sample_rate)[: audio.samples.shape[1]]
    out = audio.samples.copy()
    out[:, : len(mark)] += np.float32(strength) * mark
    return Audio(out, audio.sample_rate)


@torch.inference_mode()
def detect_audioseal(audio: Audio, detector: Any) -> AudioSealMark:
    """The mark of AudioSeal in the mono mix of sound.

    Args:
        audio: to look into.
        detector: an `AudioSealDetector`.

    Raises:
        AudioError: for samples that are not finite, or none.
        MissingExtraError: without soxr.

    Examples:
        >>> from symbolic_music.synthesis.audioseal_watermark import detect_audioseal
        >>> nothing = type("Detector", (), {"detect_watermark": lambda self, x: (torch.zeros(1), torch.zeros(1, 16))})()
        >>> detect_audioseal(sm.render(melody.clip(0, 1)), nothing).is_marked
        False
    """
    shares, messages, sizes = list[float](), list[NDArray[np.float64]](), list[int]()
    for piece in _pieces(audio):
        share, message = detector.detect_watermark(piece)
        shares.append(float(share))
        messages.append(message[0].double().cpu().numpy())
        sizes.append(piece.shape[-1])
    bits = np.average(messages, axis=0, weights=sizes) > 0.5
    return AudioSealMark(float(np.average(shares, weights=sizes)), tuple(int(bit) for bit in bits))


def _pieces(audio: Audio) -> list[Tensor]:
    """The mono mix at 16 kHz in pieces (1, 1, n); the last is not shorter than half of one."""
    if not audio.samples.size or not np.isfinite(audio.samples).all():
        raise AudioError("a mark needs sound of finite samples")
    mono = _resampled(audio.samples.mean(axis=0, dtype=np.float32), audio.sample_rate, _RATE)
    count = max(1, round(len(mono) / (_PIECE * _RATE)))
    return [torch.from_numpy(part.copy())[None, None] for part in np.array_split(mono, count)]


def _resampled(samples: NDArray[np.float32], rate: int, to: int) -> NDArray[np.float32]:
    if rate == to:
        return samples
    try:
        import soxr
    except ImportError:
        raise MissingExtraError("soxr", "codec") from None
    return np.asarray(soxr.resample(samples, rate, to), np.float32)
