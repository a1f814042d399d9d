"""The objective of voices: measured frames of recorded notes, and then their sound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from typing_extensions import override

from symbolic_music.synthesis.analysis.notes import TakenNote
from symbolic_music.synthesis.midi_ddsp.networks import Shape, VoiceNetworks
from symbolic_music.synthesis.midi_ddsp.voices import NeuralVoices, TrainedVoice, load_voices, save_voices
from symbolic_music.training.run.optimizers import fused
from symbolic_music.training.run.schedules import Schedule, cosine, warmed
from symbolic_music.training.task import Batch, Measured, Share, Task
from symbolic_music.training.voices.batches import NoteBank, NoteFrames
from symbolic_music.training.voices.config import VoiceConfig, VoiceOptim
from symbolic_music.training.voices.losses import decoder_loss, generator_loss, noise_of, sound_losses
from symbolic_music.training.voices.note_examples import notes_of, split

SOUNDS = 8  # notes of a step with the spectral loss
_EVALUATED = 4  # batches
_FRAMES = ("level", "shares", "noise", "pitch")


class VoicesTask(Task):
    """Notes of all voices, each as often as any other.

    Args:
        config: of the run.
        progress: called with the recordings that are taken apart.

    `before_them` are voices that were there already; the new ones are numbered after them.

    Raises:
        FileError, TrainingError: when recordings are missing.
    """

    config: VoiceConfig
    folder = "voices"
    columns = (
        *_FRAMES, "expression", *(f"decoder {name}" for name in _FRAMES if name != "pitch"), "sound", "decoder sound"
    )  # fmt: skip

    def __init__(self, config: VoiceConfig, progress: Callable[[str], None] = lambda what: None) -> None:
        self.config = config
        self.bank = (
            None if config.begin is None else load_voices(None if config.begin == "bundled" else Path(config.begin))
        )
        self.before_them = () if self.bank is None else self.bank.voices
        self.train, self.held_out = NoteBank([], [], []), NoteBank([], [], [])
        for number, source in enumerate(config.voices, len(self.before_them)):
            notes = notes_of(source, Path(config.path), config.folder / "notes", progress)
            for bank, places in zip((self.train, self.held_out), split(notes, config.held_out), strict=True):
                bank.notes.extend(notes[i] for i in places)
                bank.voice.extend(number for _ in places)
                bank.struck.extend(source.struck for _ in places)
        self.milestones, self._step = (config.optim.steps,), 0

    @property
    @override
    def free(self) -> dict[str, Any]:
        """Recordings that were taken apart may have moved; those of a voice that is added may not."""
        moved = {} if self.config.begin else {"path": True}
        return {**super().free, **moved, "data": True, "optim": set(VoiceOptim.model_fields)}

    @property
    @override
    def steps(self) -> int:
        return self.config.optim.steps + self.config.optim.spectral_steps

    @override
    def network(self) -> VoiceNetworks:
        """New networks; or those of a bank with room for more voices, of which only what is a voice's own is learnt."""
        bank = self.bank
        if bank is None:
            return VoiceNetworks(Shape(len(self.config.voices)))
        count, old = len(bank.voices), bank.networks.state_dict()
        networks = VoiceNetworks(replace(bank.networks.shape, voices=count + len(self.config.voices)))
        with torch.no_grad():
            for name, value in networks.named_parameters():
                own = ".heads." in name or ".embedding." in name
                value.requires_grad_(own)
                known = old[name]
                if own:  # a new voice begins as the mean of those that are known
                    mean = known.mean(0, keepdim=True).expand(value.shape[0] - count, *value.shape[1:])
                    known = torch.cat([known, mean])
                value.copy_(known)
        return networks

    @override
    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        learnt = [p for p in network.parameters() if p.requires_grad]
        return torch.optim.Adam([{"params": learnt, "peak": 1.0}], **fused(network))

    @override
    def schedule(self) -> Schedule:
        """Learning rates: half a cosine over each of the two parts."""
        o = self.config.optim
        first = warmed(cosine(o.steps - o.warmup, 0.02), o.warmup)
        then = cosine(o.spectral_steps, 0.02)
        return lambda n: o.learning_rate * first(n) if n < o.steps else o.spectral_rate * then(n - o.steps)

    @override
    def batches(self, first: int, share: Share) -> Iterator[list[Batch]]:
        step = first
        while True:
            rng = np.random.default_rng([self.config.seed, step])
            yield [Batch(self._tensors(self.train, rng, step >= self.config.optim.steps))]
            step += 1

    def _tensors(self, bank: NoteBank, rng: np.random.Generator, sounds: bool) -> tuple[Tensor, ...]:
        """Frames for the generators, for the decoder, and, where it is learnt, for the sound, with its noise."""
        frames, chosen = self.config.optim.frames, self._chosen(bank, rng)
        found = [bank.varied(chosen, frames, rng), bank.stretches(chosen[: max(1, len(chosen) // 3)], frames, rng)]
        if sounds:
            found.append(bank.stretches(chosen[:SOUNDS], frames, rng))
        tensors = tuple(getattr(one, field.name) for one in found for field in fields(NoteFrames))
        return (*tensors, noise_of(found[-1], rng)) if sounds else tensors

    def _chosen(self, bank: NoteBank, rng: np.random.Generator) -> NDArray[np.int64]:
        voices = np.asarray(bank.voice)
        present = np.unique(voices)
        some = [rng.choice(np.flatnonzero(voices == rng.choice(present))) for _ in range(self.config.optim.batch)]
        return np.array(some)

    @override
    def before(self, network: nn.Module, average: Mapping[str, Tensor], step: int) -> None:
        self._step = step

    @override
    def loss(self, network: nn.Module, *tensors: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        assert isinstance(network, VoiceNetworks)
        count = len(fields(NoteFrames))
        varied, stretches = NoteFrames(*tensors[:count]), NoteFrames(*tensors[count : 2 * count])
        found = generator_loss(network, varied)
        found |= {f"decoder {k}": loss for k, loss in decoder_loss(network, stretches).items() if k != "pitch"}
        if len(tensors) > 2 * count:
            found |= sound_losses(network, NoteFrames(*tensors[2 * count : -1]), tensors[-1])
        return torch.stack(list(found.values())).sum(), found

    @override
    @torch.no_grad()
    def evaluate(self, network: nn.Module, share: Share, total: Callable[[float], float]) -> Measured:
        """The losses on the notes held out, the same variations of them each time."""
        if not self.held_out.notes:
            return Measured(math.nan, {})
        rng, device = np.random.default_rng(self.config.seed), next(network.parameters()).device
        sounds, losses = self._step + 1 >= self.config.optim.steps, []
        for _ in range(_EVALUATED):
            tensors = self._tensors(self.held_out, rng, sounds)
            losses.append(self.loss(network, *(tensor.to(device) for tensor in tensors))[1])
        row = {name: float(torch.stack([one[name] for one in losses]).mean()) for name in losses[0]}
        return Measured(sum(row.values()), row)

    @override
    def save(self, network: nn.Module, measured: Measured, row: Mapping[str, float], folder: Path) -> None:
        """The bank so far, with statistics of the notes of each voice."""
        assert isinstance(network, VoiceNetworks)
        config, voices = self.config, list(self.before_them)
        networks = deepcopy(network).cpu()
        for number, one in enumerate(config.voices, len(voices)):
            notes = [n for n, v in zip(self.train.notes, self.train.voice, strict=True) if v == number]
            pitches = [note.pitch for note in notes]
            stiff = stiffness(notes) if one.struck else None
            at = (one.name, one.programs, one.struck, min(pitches), max(pitches), one.vibrato)
            voices.append(TrainedVoice(*at, stiffness=stiff, recorded_velocity=one.recorded_velocity))
        source = Path(config.path).name if self.bank else f"configs/voices/{config.name}.yaml"
        card = {
            "name": config.name,
            "parameters": sum(p.numel() for p in networks.parameters()),
            "licence": config.license,
            "data": config.data,
            "description": config.description,
            "command": f"symbolic-music train-voice {source}",
            "figures": {name: round(value, 4) for name, value in row.items()},
        }
        save_voices(NeuralVoices(networks.eval(), tuple(voices), card), folder)

    @override
    def provenance(self, step: int) -> str:
        chosen = self._chosen(self.train, np.random.default_rng([self.config.seed, step]))
        known = [*(voice.name for voice in self.before_them), *(one.name for one in self.config.voices)]
        return "notes of " + ", ".join(sorted({known[self.train.voice[i]] for i in chosen}))


def stiffness(notes: list[TakenNote]) -> tuple[float, float] | None:
    """Logarithm of B at A3, and its change an octave, by a straight line; None where strings are not stiff."""
    found = []
    for note in notes:
        square = (note.ratios[9] / 10) ** 2
        stiff = (square - 1) / (100 - square)
        if stiff > 1e-6 and note.pitch < 90:  # above, there are too few partials
            found.append((note.pitch, math.log(stiff)))
    if len(found) < max(2, len(notes) // 3):
        return None
    pitch, value = np.array(found).T
    slope, at = np.polyfit((pitch - 57) / 12, value, 1)
    return float(at), float(slope)
