"""Batches of recorded notes for the networks of the voices."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.synthesis.analysis.harmonics import HOP
from symbolic_music.synthesis.analysis.notes import TakenNote
from symbolic_music.training.voices.note_examples import Example, example


@dataclass(frozen=True)
class NoteFrames:
    """Frames of several notes, side by side; see `Example`. `plain`: controls before the variation.

    loudness (B, F) is A-weighted dB, for the decoder alone.
    """

    voice: Tensor
    struck: Tensor
    pitch: Tensor
    held: Tensor
    controls: Tensor
    plain: Tensor
    since: Tensor
    level: Tensor
    deviation: Tensor
    shares: Tensor
    noise: Tensor
    audible: Tensor
    loudness: Tensor


@dataclass(frozen=True)
class NoteBank:
    """The notes of all voices; `voice` and `struck` say of each whose it is."""

    notes: list[TakenNote]
    voice: list[int]
    struck: list[bool]

    def varied(self, chosen: NDArray[np.int64], frames: int, rng: np.random.Generator) -> NoteFrames:
        """Variations of these notes, this many frames of each: a third of the attack, a sixth around its end."""
        rows = []
        for i in chosen:
            one = example(self.notes[i], self.struck[i], rng)
            count, held = len(one.level), round(one.held / HOP)
            near = [rng.integers(0, min(count, 18), frames // 3)]
            near.append(np.clip(rng.integers(held - 18, held + 40, frames // 6), 0, count - 1))
            near.append(rng.integers(0, count, frames - sum(map(len, near))))
            rows.append((i, one, torch.from_numpy(np.concatenate(near))))
        return self._batch(rows)

    def stretches(self, chosen: NDArray[np.int64], frames: int, rng: np.random.Generator) -> NoteFrames:
        """Consecutive frames of each note, or all of a shorter one, repeated; with other levels."""
        rows = []
        for i in chosen:
            one = example(self.notes[i], self.struck[i])
            first = int(rng.integers(0, max(1, len(one.level) - frames // 2)))
            at = np.minimum(np.arange(first, first + frames), len(one.level) - 1)
            rows.append((i, one, torch.from_numpy(at)))
        batch = self._batch(rows)
        gain = torch.from_numpy(rng.uniform(-9, 9, len(rows)).astype(np.float32))[:, None]
        moved = torch.from_numpy(rng.uniform(-1.5, 1.5, len(rows)).astype(np.float32))
        louder = gain * torch.tensor([1.0, 0, 0, 0, 1, 0])
        return replace(
            batch, controls=batch.controls + louder, level=batch.level + gain, loudness=batch.loudness + gain,
            noise=batch.noise + gain[..., None], pitch=batch.pitch + moved,
        )  # fmt: skip

    def _batch(self, rows: list[tuple[int, Example, Tensor]]) -> NoteFrames:
        def stacked(name: str) -> Tensor:
            return torch.stack([getattr(one, name)[at] for _, one, at in rows])

        heard = [torch.from_numpy(self.notes[i].loudness.astype(np.float32)) for i, _, _ in rows]
        return NoteFrames(
            voice=torch.tensor([self.voice[i] for i, _, _ in rows]),
            struck=torch.tensor([self.struck[i] for i, _, _ in rows]),
            pitch=torch.tensor([one.pitch for _, one, _ in rows], dtype=torch.float32),
            held=torch.tensor([one.held for _, one, _ in rows], dtype=torch.float32),
            controls=torch.stack([one.controls for _, one, _ in rows]),
            plain=torch.stack([one.plain for _, one, _ in rows]),
            since=stacked("since"), level=stacked("level"), deviation=stacked("deviation"), shares=stacked("shares"),
            noise=stacked("noise"), audible=torch.stack([one.audible for _, one, _ in rows]),
            loudness=torch.stack([h[at.clamp(max=len(h) - 1)] for h, (_, _, at) in zip(heard, rows, strict=True)]),
        )  # fmt: skip
