"""The objective of transcribers: onsets, sounding frames and velocities of rendered music."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from symbolic_music.evaluation.transcription_metrics import transcription
from symbolic_music.models.model import Card
from symbolic_music.training.run.optimizers import fused, groups_of
from symbolic_music.training.run.schedules import Schedule, cosine, warmed
from symbolic_music.training.task import Batch, Measured, Share, Task
from symbolic_music.training.transcription.augmentation import recorded, tuned, tuning
from symbolic_music.training.transcription.clips import Clip, Clips
from symbolic_music.training.transcription.config import TranscriptionTraining
from symbolic_music.training.transcription.targets import targets
from symbolic_music.transcription.checkpoint import save_transcriber
from symbolic_music.transcription.network import Estimates, Transcriber, TranscriberConfig
from symbolic_music.transcription.notes import Decoder, Note, score_of

_PARTS = ("onset", "frame", "velocity")
_TWO_AT_ONCE = 0.15  # share of the examples that are two clips together
# What is unlikely at first: an onset or a sounding pitch in a frame.
_ONSETS, _SOUNDING = -4.0, -3.0


class TranscriptionTask(Task):
    """Clips are rendered before the first step; each step takes parts of some, as a microphone might give them.

    The loss is the binary cross-entropy of onsets and of frames, a mean over frames of sums over pitches, and that of
    velocities where onsets are.

    Args:
        config: of the run.
        progress: called with what is rendered.

    Raises:
        TrainingError: when a store is missing.
        MissingExtraError: without mir_eval, soxr or soundfile.
    """

    config: TranscriptionTraining
    columns = (*_PARTS, "note F1")
    keeps_best = True

    def __init__(self, config: TranscriptionTraining, progress: Callable[[str], None] = lambda what: None) -> None:
        self.config = config
        self.shape = TranscriberConfig(**config.model.model_dump())
        data, rate = config.data, self.shape.sample_rate
        at = (data, config.folder / "clips")
        self.held_out = Clips(data, at[1] / "held-out", data.validation, data.held_out, rate, config.seed, progress)
        self.train = Clips(data, at[1] / "train", data.train, data.clips, rate, config.seed, progress)

    @property
    @override
    def free(self) -> dict[str, Any]:
        return {**super().free, "sources": True, "data": {"stores", "recordings"}}

    @override
    def network(self) -> Transcriber:
        network = Transcriber(self.shape)
        nn.init.constant_(network.onset.bias, _ONSETS)
        nn.init.constant_(network.frame.bias, _SOUNDING)
        return network

    @override
    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        optim = self.config.optim
        groups = groups_of(network.parameters(), optim.weight_decay, optim.learning_rate)
        return torch.optim.AdamW(groups, **fused(network))

    @override
    def schedule(self) -> Schedule:
        optim = self.config.optim
        return warmed(cosine(optim.steps - optim.warmup, 0.02), optim.warmup)

    @override
    def batches(self, first: int, share: Share) -> Iterator[list[Batch]]:
        step = first
        while True:
            rng = np.random.default_rng([self.config.seed, step])
            examples = [self._example(rng) for _ in range(self.config.optim.batch)]
            yield [Batch(tuple(torch.from_numpy(np.stack(column)) for column in zip(*examples, strict=True)))]
            step += 1

    def _example(self, rng: np.random.Generator) -> tuple[np.ndarray[Any, Any], ...]:
        """Sound, onsets, frames and velocities of a part of a clip, or of two."""
        sound, notes = self._part(rng)
        if rng.random() < _TWO_AT_ONCE:
            other, more = self._part(rng)
            sound = sound + np.float32(10 ** (rng.uniform(-9, 0) / 20)) * other
            notes = np.concatenate([notes, more])
        sound = recorded(sound, self.shape.sample_rate, rng)
        return sound, *targets(notes, len(sound) // self.shape.hop + 1)

    def _part(self, rng: np.random.Generator) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Sound, and notes in frames, of a part of a clip in some tuning."""
        clip, ratio = self.train.clips[int(rng.integers(len(self.train)))], tuning(rng)
        rate, length = self.shape.sample_rate, round(self.config.optim.seconds * self.shape.sample_rate)
        before = int(np.ceil(length * ratio)) + 8
        start = int(rng.integers(0, max(1, len(clip.samples) - before + 1)))
        sound = tuned(clip.sound[start : start + before], ratio, rate)[:length]
        notes = clip.notes.copy()
        notes[:, :2] = (notes[:, :2] - start / rate) / ratio * self.shape.frame_rate
        return np.pad(sound, (0, length - len(sound))), notes

    @override
    def loss(self, network: nn.Module, *tensors: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        samples, *wanted = tensors
        found = losses(network(samples), *wanted)
        return torch.stack(list(found.values())).sum(), found

    @override
    @torch.no_grad()
    def evaluate(self, network: nn.Module, share: Share, total: Callable[[float], float]) -> Measured:
        """The losses, and the F1 of notes, on clips held out, as they are."""
        assert isinstance(network, Transcriber)
        network.eval()
        rows, scores = list[list[float]](), list[float]()
        for clip in self.held_out.clips:
            samples = torch.from_numpy(clip.sound)[None].to(network.device)
            made = network(samples)
            notes = clip.notes.copy()
            notes[:, :2] *= self.shape.frame_rate
            wanted = [torch.from_numpy(one)[None].to(network.device) for one in targets(notes, made.onset.shape[1])]
            rows.append([float(one) for one in losses(made, *wanted).values()])
            scores.append(self._f1(clip, made))
        found = dict(zip(_PARTS, np.mean(rows, axis=0).tolist(), strict=True))
        return Measured(sum(found.values()), {**found, "note F1": float(np.mean(scores))})

    def _f1(self, clip: Clip, found: Estimates) -> float:
        decoder = Decoder(self.shape.frame_rate)
        decoder.add(*(torch.sigmoid(one[0]).cpu().numpy() for one in found))
        reference = [Note(o, e, round(p), round(v)) for o, e, p, v in sorted(set(map(tuple, clip.notes.tolist())))]
        return transcription(score_of(reference), score_of(decoder.finish())).f1

    @override
    def save(self, network: nn.Module, measured: Measured, row: Mapping[str, float], folder: Path) -> None:
        assert isinstance(network, Transcriber)
        config = self.config
        card = Card(
            name=config.name,
            parameters=sum(p.numel() for p in network.parameters()),
            license=config.license,
            data=config.sources,
            description=config.description,
            command=f"symbolic-music train-transcriber configs/{config.name}.yaml",
            figures={name: round(value, 4) for name, value in row.items()},
        )
        save_transcriber(network, card, folder)

    @override
    def provenance(self, step: int) -> str:
        return f"clips of {', '.join(self.config.data.stores)}"


def losses(found: Estimates, onset: Tensor, frame: Tensor, velocity: Tensor) -> dict[str, Tensor]:
    """The parts of the loss: means over frames of sums over pitches; of velocities, means over onsets."""

    def of(logits: Tensor, wanted: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(logits.float(), wanted, reduction="none").sum(-1).mean()

    # An onset's own frame counts, its neighbours by their part; the entropy of the target is left out.
    strength = (torch.sigmoid(found.velocity.float()) - velocity).square()
    weighted = (10 * onset * strength).sum() / onset.sum().clamp(min=1.0)
    return {"onset": 2 * of(found.onset, onset), "frame": of(found.frame, frame), "velocity": weighted}
