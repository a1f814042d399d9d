"""Pan and reverb: from tracks to a stereo mix."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Samples = NDArray[np.float32]
ROOM_SECONDS = 1.1
# Samples of sound and of response that are convolved at once: their transforms stay near the processor.
SHORTEST_PART, LONGEST_PART, PARTS = 1 << 12, 1 << 14, 16


def place(sound: Samples, position: float | NDArray[np.float64]) -> Samples:
    """Mono (n,) to stereo (2, n) at a place or places (n,), -1 left to 1 right, of the same power everywhere."""
    angle = (np.asarray(position) + 1) * (np.pi / 4)
    return np.stack([np.cos(angle).astype(np.float32) * sound, np.sin(angle).astype(np.float32) * sound])


@cache
def room(sample_rate: int) -> Tensor:
    """Impulse response of a small hall, (2, m), of energy 1: early echoes, then noise whose treble dies first.

    Synthetic, and the same at every call. The two channels have different noise.
    """
    generator = torch.Generator().manual_seed(20_180_521)
    samples = int(ROOM_SECONDS * sample_rate)
    time = torch.arange(samples) / sample_rate
    noise = torch.randn(2, samples, generator=generator)
    spectrum = torch.fft.rfft(noise)
    hz = torch.fft.rfftfreq(samples, 1 / sample_rate)
    out = torch.zeros(2, samples)
    # Octave bands, each with its own time to silence.
    for centre, seconds in ((125, 1.1), (250, 1.1), (500, 1.05), (1000, 0.95), (2000, 0.8), (4000, 0.6), (8000, 0.4)):
        bell = torch.exp(-0.5 * (torch.log2(hz.clamp(min=1.0) / centre) / 0.5) ** 2)
        level = 0.45 if centre < 200 else 1.0
        out += level * torch.fft.irfft(spectrum * bell, n=samples) * torch.exp(-6.908 / seconds * time)
    out *= (time / 0.025).clamp(max=1)
    for side, echoes in enumerate(
        (((0.011, 0.5), (0.019, -0.4), (0.031, 0.35)), ((0.013, 0.5), (0.023, -0.4), (0.029, 0.35)))
    ):
        for seconds, level in echoes:
            out[side, int(seconds * sample_rate)] += level * float(out.abs().max()) * 4
    return out / torch.sqrt((out**2).sum(dim=1, keepdim=True))


class Room:
    """Adds `amount` of the room's sound to stereo that comes piece by piece; what still rings is kept."""

    def __init__(self, sample_rate: int, amount: float) -> None:
        self.amount = amount
        self._response = room(sample_rate)
        self._ringing = np.zeros((2, 0), np.float32)
        # Not at its first tap: the direct sound is the dry one.
        self._masked = torch.cat([torch.zeros(2, 1), amount * self._response[:, 1:]], dim=1)
        self._spectra: dict[int, Tensor] = {}

    def add(self, dry: Samples) -> Samples:
        """The next (2, n), with the room: the same samples however the sound is cut, but for rounding."""
        if self.amount <= 0 or not dry.shape[1]:
            return dry
        most = PARTS * LONGEST_PART
        if dry.shape[1] > most:
            return np.concatenate([self.add(dry[:, at : at + most]) for at in range(0, dry.shape[1], most)], axis=1)
        samples = dry.shape[1]
        wet = self._convolved(torch.from_numpy(dry)).numpy()
        wet[:, :samples] += dry
        wet[:, : self._ringing.shape[1]] += self._ringing
        self._ringing = wet[:, samples:].copy()
        return wet[:, :samples]

    def _convolved(self, dry: Tensor) -> Tensor:
        """The sound (2, n) through the response, (2, n + m - 1): sound and response in parts, by FFT.

        Uniform partitions: Stockham, "High-speed convolution and correlation" (1966).
        """
        samples = dry.shape[1]
        part = LONGEST_PART
        while part > SHORTEST_PART and part >= 2 * samples:
            part //= 2
        if part not in self._spectra:
            count = -(-self._masked.shape[1] // part)
            padded = torch.nn.functional.pad(self._masked, (0, count * part - self._masked.shape[1]))
            self._spectra[part] = torch.fft.rfft(padded.view(2, count, part), n=2 * part)
        response = self._spectra[part]
        count, parts = -(-samples // part), response.shape[1]
        sound = torch.fft.rfft(
            torch.nn.functional.pad(dry, (0, count * part - samples)).view(2, count, part), n=2 * part
        )
        # Spectra of parts that begin at the same sample are added before they are transformed back.
        spectra = torch.empty(2, count + parts - 1, part + 1, dtype=sound.dtype)
        torch.mul(sound, response[:, :1], out=spectra[:, :count])
        spectra[:, count:] = 0
        for index in range(1, parts):
            spectra[:, index : index + count].addcmul_(sound, response[:, index, None])
        pieces = torch.fft.irfft(spectra, n=2 * part)
        wet = torch.nn.functional.pad(pieces[..., :part], (0, 0, 0, 1))
        wet[:, 1:] += pieces[..., part:]
        return wet.flatten(1)[:, : samples + self._masked.shape[1] - 1]
