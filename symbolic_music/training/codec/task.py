"""The objective of codecs: sound that is coded and decoded, judged by distances and by a discriminator."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from symbolic_music.codec.autoencoder.checkpoint import save_codec
from symbolic_music.codec.autoencoder.discriminator import Discriminator, adversarial_loss, critic_loss, matching_loss
from symbolic_music.codec.autoencoder.losses import mel_loss, si_sdr, waveform_loss
from symbolic_music.codec.autoencoder.model import Codec, CodecConfig
from symbolic_music.codec.autoencoder.residual_vq import LEFT_OUT, LearningQuantiser
from symbolic_music.models.model import Card
from symbolic_music.training.codec.audio_clips import Sounds
from symbolic_music.training.codec.config import CodecTraining
from symbolic_music.training.run.fabric import in_full_precision
from symbolic_music.training.run.optimizers import fused
from symbolic_music.training.run.schedules import Schedule, cosine, warmed
from symbolic_music.training.task import Batch, Measured, Share, Task

_PER_ENTRY = 8  # vectors an entry of the first codebook starts from
_HELD = 24  # examples of an evaluation


class Learner(nn.Module):
    """The codec, its codebooks while they are learnt, and the critic."""

    def __init__(self, config: CodecTraining) -> None:
        super().__init__()
        shape = config.codec
        self.codec = Codec(CodecConfig(**shape.model_dump()))
        vectors = config.optim.batch * round(length_of(config) / self.codec.config.hop)
        self.quantiser = LearningQuantiser(shape.codebooks, shape.size, shape.dim, vectors)
        self.critic = Discriminator(shape.channels, config.optim.critic_width)

    def finished(self) -> Codec:
        """The codec with the codebooks learnt so far, on the learner's device."""
        codec = Codec(self.codec.config)
        codec.load_state_dict(self.codec.state_dict())
        codec.quantiser = self.quantiser.learnt()
        return codec.eval().to(next(self.parameters()).device)


def length_of(config: CodecTraining) -> int:
    """Samples of an example, whole frames."""
    hop = math.prod(config.codec.ratios)
    return max(1, round(config.optim.seconds * config.codec.sample_rate / hop)) * hop


class CodecTask(Task):
    """One optimizer learns codec and critic; neither learns from the other's loss.

    Codebooks begin at step `quantise_from`. From `decoder_from` on, the averaged encoder is the encoder and stays, so
    that codes mean what they mean, and half of the batches are decoded from some codebooks alone.

    Raises:
        TrainingError: when sounds are missing.
    """

    config: CodecTraining
    folder = "codec"
    columns = ("waveform", "mel", "commitment", "adversarial", "matching", "critic", "SI-SDR", "perplexity")

    def __init__(self, config: CodecTraining) -> None:
        self.config = config
        self.sounds = Sounds(config.sounds, Codec(CodecConfig(**config.codec.model_dump())).format, config.held_out)
        self._step = 0

    @property
    @override
    def free(self) -> dict[str, Any]:
        kept = {"batch", "seconds", "quantise_from", "critic_width"}
        return {**super().free, "sounds": True, "optim": set(type(self.config.optim).model_fields) - kept}

    @override
    def network(self) -> Learner:
        return Learner(self.config)

    @override
    def averaged(self, network: nn.Module) -> nn.Module:
        return _learner(network).codec

    @override
    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        groups = [{"params": list(network.parameters()), "peak": self.config.optim.learning_rate}]
        return torch.optim.AdamW(groups, betas=(0.5, 0.9), weight_decay=1e-4, **fused(network))

    @override
    def schedule(self) -> Schedule:
        optim = self.config.optim
        return warmed(cosine(optim.steps - optim.warmup, 0.02), optim.warmup)

    def _drawn(self, step: int) -> tuple[Tensor, list[str]]:
        rng = np.random.default_rng([self.config.seed, step])
        return self.sounds.batch(self.config.optim.batch, length_of(self.config), rng)

    @override
    def batches(self, first: int, share: Share) -> Iterator[list[Batch]]:
        step = first
        while True:
            yield [Batch((self._drawn(step)[0],))]
            step += 1

    @override
    @torch.no_grad()
    def before(self, network: nn.Module, average: Mapping[str, Tensor], step: int) -> None:
        """Start the codebooks by k-means, or fix the encoder, at their steps."""
        config, learner, self._step = self.config, _learner(network), step
        if 0 < config.optim.decoder_from == step:
            own = {name: value for name, value in average.items() if name.startswith("encoder.")}
            learner.codec.load_state_dict(own, strict=False)
        elif step == config.optim.quantise_from and not self._is_fixed:
            frames = config.optim.batch * length_of(config) // learner.codec.config.hop
            rng, parts = np.random.default_rng([config.seed]), list[Tensor]()
            for _ in range(-(-_PER_ENTRY * config.codec.size // frames)):
                some, _ = self.sounds.batch(config.optim.batch, length_of(config), rng)
                parts.append(learner.codec.vectors(some.to(next(network.parameters()).device)))
            learner.quantiser.start(torch.cat(parts))

    @property
    def _is_fixed(self) -> bool:
        return 0 < self.config.optim.decoder_from <= self._step

    @override
    def loss(self, network: nn.Module, *tensors: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        (real,), learner, optim = tensors, _learner(network), self.config.optim
        losses, full = dict[str, Tensor](), in_full_precision(real.device)
        if self._is_fixed:
            with full:
                vectors = self._fixed(learner, real)
        else:
            vectors = learner.codec.vectors(real).float()
            if self._step >= optim.quantise_from:
                with full:
                    vectors, _, losses["commitment"] = learner.quantiser(vectors)
        made = learner.codec.sound(vectors).float()
        with full:
            losses["waveform"] = waveform_loss(made, real)
            losses["mel"] = mel_loss(made, real, self.config.codec.sample_rate)
        is_judged = self._step >= optim.critic_from
        if is_judged:
            learner.critic.requires_grad_(False)
            with torch.no_grad():
                of_real = learner.critic(real)
            of_made = learner.critic(made)
            with full:
                losses |= {"adversarial": adversarial_loss(of_made), "matching": matching_loss(of_real, of_made)}
            learner.critic.requires_grad_(True)
        total = torch.stack([getattr(self.config.weights, name) * loss for name, loss in losses.items()]).sum()
        if is_judged:
            losses["critic"] = critic_loss(learner.critic(real), learner.critic(made.detach()))
            total = total + losses["critic"]
        return total, losses

    @torch.no_grad()
    def _fixed(self, learner: Learner, real: Tensor) -> Tensor:
        """Vectors of sound, quantised, while only the decoder learns."""
        rng = np.random.default_rng([self.config.seed, self._step, 1])
        known = self.config.codec.codebooks
        count = known if rng.random() < LEFT_OUT else int(rng.integers(1, known + 1))
        quantiser = learner.quantiser.learnt()
        return quantiser.decode(quantiser.encode(learner.codec.vectors(real), count))

    @override
    def clipped(self, network: nn.Module) -> Iterable[nn.Module]:
        learner = _learner(network)
        return learner.codec, learner.critic

    @override
    @torch.no_grad()
    def evaluate(self, network: nn.Module, share: Share, total: Callable[[float], float]) -> Measured:
        """On examples held out: mel distance, SI-SDR in dB, and how many entries of a codebook are used evenly.

        In full precision, as codes are made later.
        """
        codec, shape = _learner(network).finished(), self.config.codec
        length = 2 * shape.sample_rate
        real = self.sounds.examples(_HELD, length + -length % codec.config.hop).to(codec.device)
        with in_full_precision(real.device):
            codes = codec.encode(real)
            made = codec.decode(codes)
            mel = float(mel_loss(made, real, shape.sample_rate))
        perplexity = [_perplexity(codes[:, k], shape.size) for k in range(codes.shape[1])]
        row = {"mel": mel, "SI-SDR": float(si_sdr(made, real).mean()), "perplexity": float(np.mean(perplexity))}
        return Measured(mel, row)

    @override
    def save(self, network: nn.Module, measured: Measured, row: Mapping[str, float], folder: Path) -> None:
        config, codec = self.config, _learner(network).finished().cpu()
        card = Card(
            name=config.name,
            parameters=sum(p.numel() for p in codec.parameters()) + codec.quantiser.codebooks.numel(),
            license=config.license,
            data=config.data,
            description=config.description,
            command=f"symbolic-music train-codec configs/{config.name}.yaml",
            figures={name: round(value, 4) for name, value in row.items() if math.isfinite(value)},
        )
        save_codec(codec, card, folder)

    @override
    def provenance(self, step: int) -> str:
        return ", ".join(sorted(set(self._drawn(step)[1])))


def _learner(network: nn.Module) -> Learner:
    assert isinstance(network, Learner)
    return network


def _perplexity(codes: Tensor, size: int) -> float:
    shares = torch.bincount(codes.flatten(), minlength=size).double() / codes.numel()
    return float(torch.special.entr(shares).sum().exp())
