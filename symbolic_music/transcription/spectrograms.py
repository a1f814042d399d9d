"""Sound as pictures: spectrogram, mel spectrogram, constant-Q transform. Of stereo the mean is taken.

`plotting.spectrum_figure` draws them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.errors import AudioError, MissingExtraError, OptionError
from symbolic_music.synthesis.audio import Audio
from symbolic_music.theory import hertz
from symbolic_music.transcription.constant_q import ConstantQ, ConstantQShape

Table = NDArray[np.float32]
Curve = NDArray[np.float64]
A0 = 21


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Magnitudes (rows, frames): a sine of amplitude 1 has about 1 in its row, in a mel band 1 to 2.

    Args:
        values: magnitudes.
        frequencies: Hz of the rows, rising; of chroma, pitch classes from 0, which is C.
        times: seconds of the centres of the frames.
        kind: "spectrogram", "mel", "constant-Q" or "chroma".

    Examples:
        >>> found = sm.transcription.chroma(sm.render(melody, sample_rate=8000))
        >>> found.kind, float(found.times[0]), float(found.decibels.max())
        ('chroma', 0.0, 0.0)
    """

    values: Table
    frequencies: Curve
    times: Curve
    kind: str

    @property
    def decibels(self) -> Table:
        """20 log10 of the values, at least -120."""
        return np.asarray(20 * np.log10(np.maximum(self.values, 1e-6)), np.float32)


def spectrogram(audio: Audio, size: int = 2048, hop: int = 512) -> Spectrum:
    """Magnitudes of a short-time Fourier transform with Hann windows, (size // 2 + 1, n // hop + 1).

    Args:
        audio: sound of one sample or more.
        size: samples of a window.
        hop: samples between windows.

    Raises:
        AudioError: for sound without samples.
        OptionError: for sizes under 2 or hops under 1.

    Examples:
        >>> found = sm.transcription.spectrogram(sm.render(melody, sample_rate=8000))
        >>> found.values.shape[0], found.kind
        (1025, 'spectrogram')
    """
    if size < 2 or hop < 1:
        raise OptionError(f"a window has 2 samples or more and a hop 1, not {size} and {hop}")
    mono, window = _mono(audio), torch.hann_window(size)
    found = torch.stft(mono, size, hop, window=window, center=True, pad_mode="constant", return_complex=True).abs()
    values = (found * (2 / window.sum())).numpy()
    hz = np.arange(size // 2 + 1) * audio.sample_rate / size
    return Spectrum(values, hz, _times(values, hop, audio), "spectrogram")


def mel_spectrogram(audio: Audio, bands: int = 128, size: int = 2048, hop: int = 512) -> Spectrum:
    """A spectrogram in triangular bands of the mel scale (Slaney's), of unit height: (bands, frames).

    Args:
        audio: sound of one sample or more.
        bands: how many, from 0 Hz to half of the sample rate.
        size, hop: as in `spectrogram`.

    Raises:
        As `spectrogram`; OptionError for fewer than one band; MissingExtraError without librosa.

    Examples:
        >>> sm.transcription.mel_spectrogram(sm.render(melody, sample_rate=8000), bands=64).values.shape[0]
        64
    """
    if bands < 1:
        raise OptionError(f"a mel spectrogram has one band or more, not {bands}")
    try:
        from librosa import mel_frequencies
        from librosa.filters import mel
    except ImportError:
        raise MissingExtraError("librosa", "transcription") from None
    plain = spectrogram(audio, size, hop)
    filters = mel(sr=audio.sample_rate, n_fft=size, n_mels=bands, norm=None)
    centres = mel_frequencies(bands + 2, fmin=0.0, fmax=audio.sample_rate / 2)[1:-1]
    return Spectrum((filters @ plain.values).astype(np.float32), np.asarray(centres), plain.times, "mel")


def constant_q(
    audio: Audio, hop: int = 512, lowest: float = A0, bins_per_octave: int = 36, octaves: float = 7
) -> Spectrum:
    """Magnitudes at equal intervals of pitch, (bins, n // hop + 1), windows the longer the lower, 0.05 to 0.4 s.

    Args:
        audio: sound of one sample or more.
        hop: samples between frames.
        lowest: pitch of the first bin, 69 being A4 at 440 Hz.
        bins_per_octave: how many.
        octaves: from the lowest on, as far as half of the sample rate lets them.

    Raises:
        AudioError: for sound without samples.
        OptionError: for a hop or bins that are none.

    Examples:
        >>> found = sm.transcription.constant_q(sm.render(melody, sample_rate=8000))
        >>> found.values.shape[0], round(float(found.frequencies[0]), 1)
        (252, 27.5)
    """
    if not (np.isfinite(lowest) and 0 < octaves <= 12 and bins_per_octave >= 1):
        raise OptionError("a constant-Q transform has a lowest pitch, 1 bin an octave or more, and up to 12 octaves")
    room = np.log2(0.49 * audio.sample_rate / hertz(lowest))
    bins = int(min(octaves, room) * bins_per_octave + 1e-6)
    shape = ConstantQShape(audio.sample_rate, hop, lowest, bins, bins_per_octave)
    values = ConstantQ(shape)(_mono(audio)[None])[0].numpy()
    return Spectrum(values, shape.frequencies, _times(values, hop, audio), "constant-Q")


def _mono(audio: Audio) -> torch.Tensor:
    if not audio.samples.shape[1]:
        raise AudioError("this recording has no samples")
    return torch.from_numpy(np.ascontiguousarray(audio.samples.mean(axis=0, dtype=np.float32)))


def _times(values: Table, hop: int, audio: Audio) -> Curve:
    return np.arange(values.shape[1]) * hop / audio.sample_rate
