"""The trainer of codecs: exact resume, clean stop, atomic files."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from symbolic_music.codec.autoencoder.checkpoint import save_codec
from symbolic_music.codec.autoencoder.discriminator import Discriminator, adversarial_loss, critic_loss, matching_loss
from symbolic_music.codec.autoencoder.losses import mel_loss, si_sdr, waveform_loss
from symbolic_music.codec.autoencoder.model import Codec, CodecConfig
from symbolic_music.codec.autoencoder.residual_vq import LEFT_OUT, LearningQuantiser
from symbolic_music.errors import TrainingError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.models.model import Card
from symbolic_music.training.codec.audio_clips import Sounds
from symbolic_music.training.codec.config import CodecTraining
from symbolic_music.training.run.checkpoints import check_resume, load_checkpoint, save_checkpoint, sound
from symbolic_music.training.run.schedules import cosine, warmed
from symbolic_music.training.run.signals import interruptions

Report = Callable[[dict[str, float]], None]
_PER_ENTRY = 8  # vectors an entry of the first codebook starts from
_HELD = 24  # examples of an evaluation


class Learner(nn.Module):
    """The codec, its codebooks while they are learnt, and the critic."""

    def __init__(self, config: CodecTraining) -> None:
        super().__init__()
        shape = config.codec
        self.codec = Codec(CodecConfig(**shape.model_dump()))
        self.quantiser = LearningQuantiser(
            shape.codebooks, shape.size, shape.dim, config.optim.batch * round(_length(config) / self.codec.config.hop)
        )
        self.critic = Discriminator(shape.channels, config.optim.critic_width)


@dataclass
class CodecRun:
    """A run in progress."""

    config: CodecTraining
    learner: Learner
    average: dict[str, Tensor]
    optimizer: torch.optim.Optimizer
    sounds: Sounds
    step: int = 0
    log: list[dict[str, float]] = field(default_factory=list)


def begin(config: CodecTraining, resume: bool) -> CodecRun:
    """Read the sounds, and make or load the networks.

    Raises:
        TrainingError: when there is a checkpoint and `resume` is not given, or none and it is; or sounds are missing.
    """
    check_resume(config.folder, resume)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    learner = Learner(config)
    average = {k: v.detach().clone() for k, v in learner.codec.state_dict().items()}
    optimizer = torch.optim.AdamW(learner.parameters(), betas=(0.5, 0.9), weight_decay=1e-4)
    run = CodecRun(config, learner, average, optimizer, Sounds(config.sounds, learner.codec.format, config.held_out))
    if resume:
        state = load_checkpoint(config.folder, learner, average, optimizer)
        with sound(config.folder):
            run.step, run.log = int(state["step"]), list(state["log"])
    return run


def go(run: CodecRun, report: Report | None = None) -> bool:
    """Train to the end, or until Ctrl-C or SIGTERM; a checkpoint is left either way. Whether it came to its end."""
    config, recent = run.config, list[dict[str, float]]()
    started, first = time.perf_counter(), run.step
    config.folder.mkdir(parents=True, exist_ok=True)
    with interruptions() as stop:
        while run.step < config.optim.steps and not stop:
            losses = _update(run)
            recent.append(losses)
            run.step += 1
            done = run.step == config.optim.steps
            if report:
                left = (time.perf_counter() - started) / (run.step - first) * (config.optim.steps - run.step)
                report({"step": run.step, "loss": losses["mel"], "left": left})
            if done or run.step % config.evaluate_every == 0:
                means = {k: float(np.mean([row[k] for row in recent if k in row])) for k in recent[-1]}
                run.log.append({"step": run.step, **means, **evaluate(run)})
                recent = []
                write_bytes(config.folder / "log.json", (json.dumps(run.log, indent=1) + "\n").encode())
                save_finished(run)
            if done or run.step % config.checkpoint_every == 0:
                save(run)
        if stop:
            save(run)
    return run.step == config.optim.steps


def save(run: CodecRun) -> None:
    """Write a checkpoint."""
    state: dict[str, Any] = {"step": run.step, "log": run.log, "config": run.config.model_dump(mode="json")}
    save_checkpoint(run.config.folder, run.learner, run.average, run.optimizer, state)


def _update(run: CodecRun) -> dict[str, float]:
    """One step of codec and critic; its examples depend on the seed and the step alone."""
    config, optim, learner = run.config, run.config.optim, run.learner
    learner.train()
    real, names = run.sounds.batch(optim.batch, _length(config), np.random.default_rng([config.seed, run.step]))
    half, losses = torch.autocast("cpu", torch.bfloat16, enabled=optim.bfloat16), dict[str, Tensor]()
    if 0 < optim.decoder_from <= run.step:
        if run.step == optim.decoder_from:
            _freeze(run)
        vectors = _fixed(run, real)
    else:
        with half:
            vectors = learner.codec.vectors(real)
        vectors = vectors.float()
        if run.step == optim.quantise_from:
            _start(run)
        if run.step >= optim.quantise_from:
            vectors, _, losses["commitment"] = learner.quantiser(vectors)
    with half:
        made = learner.codec.sound(vectors)
    made = made.float()
    weights = config.weights
    losses["waveform"] = waveform_loss(made, real)
    losses["mel"] = mel_loss(made, real, config.codec.sample_rate)
    critical = run.step >= optim.critic_from
    if critical:
        learner.critic.requires_grad_(False)
        with half:
            with torch.no_grad():
                of_real = learner.critic(real)
            of_made = learner.critic(made)
        losses |= {"adversarial": adversarial_loss(of_made), "matching": matching_loss(of_real, of_made)}
        learner.critic.requires_grad_(True)
    total = torch.stack([getattr(weights, name) * loss for name, loss in losses.items()]).sum()
    if critical:
        with half:
            losses["critic"] = critic_loss(learner.critic(real), learner.critic(made.detach()))
        total = total + losses["critic"]
    if not math.isfinite(float(total.detach())):
        raise TrainingError(
            f"the loss of step {run.step} is not finite, on {', '.join(sorted(set(names)))}; "
            "go on with --resume and a lower optim.learning_rate"
        )
    rate = optim.learning_rate * warmed(cosine(optim.steps - optim.warmup, 0.02), optim.warmup)(run.step)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    total.backward()  # type: ignore[no-untyped-call]
    for part in (learner.codec, learner.critic):
        nn.utils.clip_grad_norm_(part.parameters(), optim.clip)
    run.optimizer.step()
    run.optimizer.zero_grad(set_to_none=True)
    decay = min(optim.average, (1 + run.step) / (10 + run.step))
    for name, value in learner.codec.state_dict().items():
        run.average[name].lerp_(value, 1 - decay)
    return {name: float(loss.detach()) for name, loss in losses.items()}


def _length(config: CodecTraining) -> int:
    """Samples of an example, whole frames."""
    hop = math.prod(config.codec.ratios)
    return max(1, round(config.optim.seconds * config.codec.sample_rate / hop)) * hop


def _start(run: CodecRun) -> None:
    """Codebooks by k-means of enough examples."""
    config, codec = run.config, run.learner.codec
    frames = _length(config) // codec.config.hop
    rng = np.random.default_rng([config.seed])
    parts = []
    for _ in range(-(-_PER_ENTRY * config.codec.size // (frames * config.optim.batch))):
        with torch.no_grad():
            parts.append(codec.vectors(run.sounds.batch(config.optim.batch, _length(config), rng)[0]))
    run.learner.quantiser.start(torch.cat(parts))


def _freeze(run: CodecRun) -> None:
    """From here on codes mean what they mean: the averaged encoder is the encoder."""
    codec = run.learner.codec
    own = {name: run.average[name] for name in codec.state_dict() if name.startswith("encoder.")}
    codec.load_state_dict(own, strict=False)


@torch.no_grad()
def _fixed(run: CodecRun, real: Tensor) -> Tensor:
    """Vectors of sound, quantised, while only the decoder learns; of half of the batches by some codebooks alone."""
    rng = np.random.default_rng([run.config.seed, run.step, 1])
    known = run.config.codec.codebooks
    count = known if rng.random() < LEFT_OUT else int(rng.integers(1, known + 1))
    quantiser = run.learner.quantiser.learnt()
    return quantiser.decode(quantiser.encode(run.learner.codec.vectors(real), count))


def finished(run: CodecRun) -> Codec:
    """The codec so far: averaged weights, and the codebooks learnt."""
    codec = Codec(run.learner.codec.config)
    codec.load_state_dict(run.average)
    codec.quantiser = run.learner.quantiser.learnt()
    return codec.eval()


@torch.no_grad()
def evaluate(run: CodecRun) -> dict[str, float]:
    """On examples held out: mel distance, SI-SDR in dB, and how many entries of a codebook are used evenly."""
    codec, config = finished(run), run.config
    length = 2 * config.codec.sample_rate
    real = run.sounds.examples(_HELD, length + -length % codec.config.hop)
    codes = codec.encode(real)
    made = codec.decode(codes)
    perplexity = [_perplexity(codes[:, k], config.codec.size) for k in range(codes.shape[1])]
    return {
        "held out mel": float(mel_loss(made, real, config.codec.sample_rate)),
        "held out SI-SDR": float(si_sdr(made, real).mean()),
        "held out perplexity": float(np.mean(perplexity)),
    }


def _perplexity(codes: Tensor, size: int) -> float:
    shares = torch.bincount(codes.flatten(), minlength=size).double() / codes.numel()
    return float(torch.special.entr(shares).sum().exp())


def save_finished(run: CodecRun) -> Path:
    """Write the codec so far into the run's folder; returns where."""
    config, latest = run.config, run.log[-1]
    codec = finished(run)
    card = Card(
        name=config.name,
        parameters=sum(p.numel() for p in codec.parameters()) + codec.quantiser.codebooks.numel(),
        license=config.license,
        data=config.data,
        description=config.description,
        command=f"symbolic-music train-codec configs/{config.name}.yaml",
        figures={name: round(value, 4) for name, value in latest.items() if math.isfinite(value)},
    )
    return save_codec(codec, card, config.folder / "codec")
