"""The objective of flow decoders: the flow, the head that makes sound, and the shortcut distilled from the flow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from symbolic_music.codec.autoencoder.discriminator import Discriminator, adversarial_loss, critic_loss, matching_loss
from symbolic_music.codec.autoencoder.losses import mel_loss
from symbolic_music.codec.flow.checkpoint import save_flow
from symbolic_music.codec.flow.decoder import UNDER, FlowConfig, FlowDecoder
from symbolic_music.codec.flow.ode_solver import guided
from symbolic_music.models.model import Card
from symbolic_music.training.flow.config import FlowTraining
from symbolic_music.training.flow.pairs import Pair, Pairs, batch
from symbolic_music.training.run.fabric import in_full_precision
from symbolic_music.training.run.optimizers import fused, groups_of
from symbolic_music.training.run.schedules import Schedule, cosine, warmed
from symbolic_music.training.task import Batch, Measured, Share, Task

_HELD = 16  # examples of an evaluation
_STEPS = 6  # of the flow in an evaluation
_SIZES = 2048, 1024  # of the windows of `spectrum_loss`, and the level under which it does not tell magnitudes apart
_FAINT = 3e-4
_AGAIN = 0.6  # of the learning rate, at which the shortcut begins


class Learner(nn.Module):
    """The decoder, and the critic of its head."""

    def __init__(self, config: FlowTraining) -> None:
        super().__init__()
        self.decoder = FlowDecoder(FlowConfig(**config.model.model_dump()))
        self.critic = Discriminator(1, config.optim.critic_width)


class FlowTask(Task):
    """Until `shortcut_from` the flow learns, and from then on its shortcut; the head learns all the time.

    The flow learns by the squared error of velocities on straight lines from noise to spectrograms of sound (Lipman et
    al. 2023, equation 23, with no noise left at the end). The shortcut learns consistency: from two neighbouring points
    of a path of the guided flow it finds the same end (Song et al. 2023, algorithm 2; the targets are the network's
    own, Song & Dhariwal 2024, section 3.2). The head learns from spectrograms of sound, by the distance of
    spectra and by a discriminator.

    Raises:
        TrainingError: when pairs are missing.
    """

    config: FlowTraining
    folder = "flow"
    columns = (
        "flow",
        "shortcut",
        "mel",
        "spectrum",
        "adversarial",
        "matching",
        "critic",
        "by flow",
        "by shortcut",
        "sound",
    )

    def __init__(self, config: FlowTraining) -> None:
        self.config = config
        self.pairs = Pairs(config.pairs, FlowConfig(**config.model.model_dump()), config.held_out)
        self._step = 0

    @property
    @override
    def free(self) -> dict[str, Any]:
        kept = {"batch", "frames", "critic_width", "shortcut_from"}
        return {**super().free, "pairs": True, "data": True, "optim": set(type(self.config.optim).model_fields) - kept}

    @override
    def network(self) -> Learner:
        return Learner(self.config)

    @override
    def averaged(self, network: nn.Module) -> nn.Module:
        return _learner(network).decoder

    @override
    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        optim = self.config.optim
        groups = groups_of(network.parameters(), optim.weight_decay, optim.learning_rate)
        return torch.optim.AdamW(groups, betas=(0.9, 0.98), **fused(network))

    @override
    def schedule(self) -> Schedule:
        optim = self.config.optim
        first = warmed(cosine(optim.shortcut_from - optim.warmup, 0.02), optim.warmup)
        then = cosine(optim.steps - optim.shortcut_from, 0.02)
        return lambda step: first(step) if step < optim.shortcut_from else _AGAIN * then(step - optim.shortcut_from)

    def _drawn(self, step: int) -> list[tuple[Pair, int]]:
        rng = np.random.default_rng([self.config.seed, step])
        return self.pairs.drawn(self.config.optim.batch, self.config.optim.frames, rng)

    @override
    def batches(self, first: int, share: Share) -> Iterator[list[Batch]]:
        step = first
        while True:
            yield [Batch(batch(self._drawn(step), self.config.optim.frames))]
            step += 1

    @override
    @torch.no_grad()
    def before(self, network: nn.Module, average: Mapping[str, Tensor], step: int) -> None:
        """At its step, the averaged flow becomes the flow that stays, and what its shortcut begins with."""
        self._step = step
        if step == self.config.optim.shortcut_from:
            decoder = _learner(network).decoder
            own = {name: value for name, value in average.items() if name.startswith(("condition.", "field."))}
            decoder.load_state_dict(own, strict=False)
            decoder.shortcut.load_state_dict(decoder.field.state_dict())

    @override
    def loss(self, network: nn.Module, *tensors: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        rolls, tones, sound = tensors
        learner, optim = _learner(network), self.config.optim
        decoder = learner.decoder
        rng = torch.Generator().manual_seed(self.config.seed + 1_000_003 * self._step)
        with in_full_precision(sound.device), torch.no_grad():
            of_tones, mel = decoder.spectra(tones), decoder.mel(decoder.spectra(sound))
        losses = dict[str, Tensor]()
        noise = torch.randn(mel.shape, generator=rng).to(mel.device)
        chances = torch.rand(len(mel), 2, generator=rng).to(mel.device)
        if self._step < optim.shortcut_from:
            condition = decoder.conditions(rolls, of_tones)
            kept = (chances[:, 0] >= optim.unconditioned)[:, None, None]
            condition = torch.where(kept, condition, decoder.condition.nothing)
            losses["flow"] = flow_loss(decoder, mel, noise, chances[:, 1], condition)
        else:
            with torch.no_grad():
                condition = decoder.conditions(rolls, of_tones)
            times = (chances[:, 1] * optim.shortcut_steps).floor() / optim.shortcut_steps
            losses["shortcut"] = shortcut_loss(
                decoder, mel, noise, times, condition, 1 / optim.shortcut_steps, optim.guidance
            )
        losses |= self._head_losses(learner, tones, sound, rng)
        weights = {
            "mel": optim.mel,
            "spectrum": optim.spectrum,
            "adversarial": optim.adversarial,
            "matching": optim.matching,
        }
        return torch.stack([weights.get(name, 1.0) * loss for name, loss in losses.items()]).sum(), losses

    def _head_losses(self, learner: Learner, tones: Tensor, sound: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Of parts of some of the examples: the distance of mel spectra, and from `critic_from` what a critic says."""
        optim, shape, decoder = self.config.optim, self.config.model, learner.decoder
        full = in_full_precision(sound.device)
        frames = min(optim.head_frames, optim.frames)
        first = int(torch.randint(optim.frames - frames + 1, (1,), generator=rng)) * shape.hop
        part = slice(first, first + shape.size + (frames - 1) * shape.hop)
        tones, sound = tones[: optim.head_batch, part], sound[: optim.head_batch, part]
        noise = UNDER * torch.randn(tones.shape, generator=rng).to(tones.device)
        with full, torch.no_grad():
            source, mel = decoder.spectra(tones + noise), decoder.mel(decoder.spectra(sound))
        spectra = decoder.head(mel, source)
        edge = shape.size // 2
        with full:
            real = sound[:, None, edge:-edge]
            made = decoder.of_spectra(spectra)[:, None]
            losses = {"mel": mel_loss(made, real, shape.sample_rate), "spectrum": spectrum_loss(made[:, 0], real[:, 0])}
        if self._step < optim.critic_from:
            return losses
        learner.critic.requires_grad_(False)
        with torch.no_grad():
            of_real = learner.critic(real)
        of_made = learner.critic(made)
        with full:
            losses |= {"adversarial": adversarial_loss(of_made), "matching": matching_loss(of_real, of_made)}
        learner.critic.requires_grad_(True)
        losses["critic"] = critic_loss(learner.critic(real), learner.critic(made.detach()))
        return losses

    @override
    def clipped(self, network: nn.Module) -> Iterable[nn.Module]:
        learner = _learner(network)
        decoder = learner.decoder
        return decoder.condition, decoder.field, decoder.shortcut, decoder.head, learner.critic

    @override
    @torch.no_grad()
    def evaluate(self, network: nn.Module, share: Share, total: Callable[[float], float]) -> Measured:
        """On examples held out, the mean difference of log-mel spectra: by flow, by shortcut, and of the head's sound.

        In full precision, with the same noise each time.
        """
        decoder, frames = _learner(network).decoder, self.config.optim.frames
        held = self.pairs.held
        chosen = [held[i] for i in np.linspace(0, len(held) - 1, min(_HELD, len(held))).astype(int)]
        drawn = [(pair, max(0, (pair.frames - frames) // 2)) for pair in chosen]
        rolls, tones, sound = (one.to(decoder.device) for one in batch(drawn, frames))
        rng = torch.Generator().manual_seed(0)
        with in_full_precision(sound.device):
            noise = UNDER * torch.randn(tones.shape, generator=rng).to(tones.device)
            of_tones, mel = decoder.spectra(tones), decoder.mel(decoder.spectra(sound))
            condition = decoder.conditions(rolls, of_tones)
            start = torch.randn(mel.shape, generator=rng).to(mel.device)
            by_flow = decoder.by_flow(condition, start, _STEPS)
            made = decoder.sound(mel, decoder.spectra(tones + noise))[:, None]
            edge = self.config.model.size // 2
            row = {
                "by flow": float((by_flow - mel).abs().mean()),
                "sound": float(mel_loss(made, sound[:, None, edge:-edge], self.config.model.sample_rate)),
            }
            if self._step >= self.config.optim.shortcut_from:
                row["by shortcut"] = float((decoder.by_shortcut(condition, [start]) - mel).abs().mean())
        return Measured(row["by flow"] + row["sound"], row)

    @override
    def save(self, network: nn.Module, measured: Measured, row: Mapping[str, float], folder: Path) -> None:
        config, decoder = self.config, _learner(network).decoder
        card = Card(
            name=config.name,
            parameters=sum(p.numel() for p in decoder.parameters()),
            license=config.license,
            data=config.data,
            description=config.description,
            command=f"symbolic-music train-flow configs/{config.name}.yaml",
            figures={name: round(value, 4) for name, value in measured.row.items()},
        )
        save_flow(decoder, card, folder)

    @override
    def provenance(self, step: int) -> str:
        return ", ".join(f"{pair.path} from frame {first}" for pair, first in self._drawn(step))


def spectrum_loss(made: Tensor, real: Tensor) -> Tensor:
    """The mean absolute difference of the logarithms of magnitudes (B, n), of two sizes of windows.

    Bins are as wide at high as at low frequencies, so that partials are distinguished where bands of mel hold several.
    """
    losses = []
    for size in _SIZES:
        window = torch.hann_window(size, device=made.device)
        a, b = (
            (torch.stft(one, size, size // 4, window=window, return_complex=True).abs() / (0.5 * size) + _FAINT).log()
            for one in (made, real)
        )
        losses.append(functional.l1_loss(a, b))
    return torch.stack(losses).mean()


def flow_loss(decoder: FlowDecoder, mel: Tensor, noise: Tensor, times: Tensor, condition: Tensor) -> Tensor:
    """The squared error of velocities at times (B,) on the lines from noise to mel spectrograms (B, T, M)."""
    between = torch.lerp(noise, mel, times[:, None, None])
    return functional.mse_loss(decoder.field(between, times, condition).float(), mel - noise)


def shortcut_loss(
    decoder: FlowDecoder, mel: Tensor, noise: Tensor, times: Tensor, condition: Tensor, step: float, guidance: float
) -> Tensor:
    """The squared error between the ends that the shortcut finds at times (B,) and a step of the flow later."""
    now = times[:, None, None]
    between = torch.lerp(noise, mel, now)
    with torch.no_grad():
        nothing = decoder.condition.nothing.expand_as(condition)
        velocity = guided(decoder.field(between, times, condition), decoder.field(between, times, nothing), guidance)
        later = between + step * velocity
        end = later + (1 - step - now) * decoder.shortcut(later, times + step, condition)
    return functional.mse_loss((between + (1 - now) * decoder.shortcut(between, times, condition)).float(), end.float())


def _learner(network: nn.Module) -> Learner:
    assert isinstance(network, Learner)
    return network
