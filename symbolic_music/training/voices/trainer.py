"""The trainer of voices: on measured frames, then on audio. Exact resume, clean stop, atomic files."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symbolic_music.errors import TrainingError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.synthesis.analysis.notes import TakenNote
from symbolic_music.synthesis.midi_ddsp.networks import Shape, VoiceNetworks
from symbolic_music.synthesis.midi_ddsp.voices import NeuralVoices, TrainedVoice, load_voices, save_voices
from symbolic_music.training.run.checkpoints import check_resume, load_checkpoint, save_checkpoint, sound
from symbolic_music.training.run.schedules import cosine, warmed
from symbolic_music.training.run.signals import interruptions
from symbolic_music.training.voices.batches import NoteBank
from symbolic_music.training.voices.config import VoiceConfig, VoiceOptim
from symbolic_music.training.voices.losses import decoder_loss, generator_loss, sound_losses
from symbolic_music.training.voices.note_examples import notes_of, split

Report = Callable[[dict[str, float]], None]
SOUNDS = 8  # notes of a step with the spectral loss


@dataclass
class VoiceRun:
    """A run in progress: networks, their average, the notes, and the record of losses.

    `before`: voices that were there already; the new ones are numbered after them.
    """

    config: VoiceConfig
    networks: VoiceNetworks
    average: dict[str, Tensor]
    optimizer: torch.optim.Optimizer
    train: NoteBank
    held_out: NoteBank
    before: tuple[TrainedVoice, ...] = ()
    step: int = 0
    log: list[dict[str, float]] = field(default_factory=list)


def begin(config: VoiceConfig, resume: bool, say: Callable[[str], None]) -> VoiceRun:
    """Read or take apart the recordings, and make or load the networks.

    Raises:
        TrainingError: when there is a checkpoint and `resume` is not given, or none and it is.
    """
    check_resume(config.folder, resume)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    networks, before = _networks(config)
    banks = NoteBank([], [], []), NoteBank([], [], [])
    for number, source in enumerate(config.voices):
        notes = notes_of(source, Path(config.path), config.folder / "notes", say)
        for bank, places in zip(banks, split(notes, config.held_out), strict=True):
            bank.notes.extend(notes[i] for i in places)
            bank.voice.extend(len(before) + number for _ in places)
            bank.struck.extend(source.struck for _ in places)
    average = {k: v.detach().clone() for k, v in networks.state_dict().items()}
    learnt = [p for p in networks.parameters() if p.requires_grad]
    run = VoiceRun(config, networks, average, torch.optim.Adam(learnt), *banks, before)
    if resume:
        state = load_checkpoint(config.folder, networks, average, run.optimizer)
        with sound(config.folder):
            run.step, run.log = int(state["step"]), list(state["log"])
            path = str(state["config"]["path"])
        if config.begin and path != config.path:
            raise TrainingError(f"{config.folder} learns from other recordings: {path}")
    return run


def _networks(config: VoiceConfig) -> tuple[VoiceNetworks, tuple[TrainedVoice, ...]]:
    """New networks; or those of a bank with room for more voices, of which only what is a voice's own is learnt."""
    if config.begin is None:
        return VoiceNetworks(Shape(len(config.voices))), ()
    bank = load_voices(None if config.begin == "bundled" else Path(config.begin))
    count, old = len(bank.voices), bank.networks.state_dict()
    networks = VoiceNetworks(replace(bank.networks.shape, voices=count + len(config.voices)))
    with torch.no_grad():
        for name, value in networks.named_parameters():
            own = ".heads." in name or ".embedding." in name
            value.requires_grad_(own)
            # A new voice begins as the mean of those that are known.
            value.copy_(
                torch.cat([old[name], old[name].mean(0, keepdim=True).expand(value.shape[0] - count, *value.shape[1:])])
                if own
                else old[name]
            )
    return networks, bank.voices


def go(run: VoiceRun, report: Report | None = None) -> bool:
    """Train to the end, or until Ctrl-C; a checkpoint is left either way. Whether it came to its end."""
    config, optim = run.config, run.config.optim
    steps = optim.steps + optim.spectral_steps
    started, first, recent = time.perf_counter(), run.step, list[dict[str, float]]()
    with interruptions() as stop:
        while run.step < steps and not stop:
            losses = _update(run)
            recent.append(losses)
            run.step += 1
            if report:
                left = (time.perf_counter() - started) / (run.step - first) * (steps - run.step)
                report({"step": run.step, "loss": sum(losses.values()), "left": left})
            if run.step % config.evaluate_every == 0 or run.step in (optim.steps, steps):
                means = {k: float(np.mean([row[k] for row in recent])) for k in recent[0]}
                run.log.append({"step": run.step, **means, **evaluate(run)})
                recent = []
                write_bytes(config.folder / "log.json", (json.dumps(run.log, indent=1) + "\n").encode())
            if run.step % config.checkpoint_every == 0 or run.step == steps:
                save(run)
        if stop:
            save(run)
    return run.step >= steps


def save(run: VoiceRun) -> None:
    """Write a checkpoint."""
    run.config.folder.mkdir(parents=True, exist_ok=True)
    state: dict[str, Any] = {"step": run.step, "log": run.log, "config": run.config.model_dump(mode="json")}
    save_checkpoint(run.config.folder, run.networks, run.average, run.optimizer, state)


def learning_rate(optim: VoiceOptim, step: int) -> float:
    """The learning rate of a step: half a cosine over each of the two parts."""
    if step < optim.steps:
        return optim.learning_rate * warmed(cosine(optim.steps - optim.warmup, 0.02), optim.warmup)(step)
    return optim.spectral_rate * cosine(optim.spectral_steps, 0.02)(step - optim.steps)


def _update(run: VoiceRun) -> dict[str, float]:
    """One step on notes that the seed and the step choose: every voice as often as any other."""
    optim = run.config.optim
    rng = np.random.default_rng([run.config.seed, run.step])
    losses = _losses(run, run.train, rng, optim.batch)
    total = torch.stack(list(losses.values())).sum()
    if not math.isfinite(float(total.detach())):
        raise TrainingError(f"the loss of step {run.step} is not finite; go on with a lower optim.learning_rate")
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(optim, run.step)
    total.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(run.networks.parameters(), optim.clip)
    run.optimizer.step()
    run.optimizer.zero_grad(set_to_none=True)
    decay = min(optim.average, (1 + run.step) / (10 + run.step))
    for name, value in run.networks.state_dict().items():
        run.average[name].lerp_(value, 1 - decay)
    return {name: float(loss.detach()) for name, loss in losses.items()}


def _losses(run: VoiceRun, bank: NoteBank, rng: np.random.Generator, batch: int) -> dict[str, Tensor]:
    voices = np.asarray(bank.voice)
    present = np.unique(voices)
    chosen = np.array([rng.choice(np.flatnonzero(voices == rng.choice(present))) for _ in range(batch)])
    frames = run.config.optim.frames
    found = generator_loss(run.networks, bank.varied(chosen, frames, rng))
    decoded = decoder_loss(run.networks, bank.stretches(chosen[: batch // 3], frames, rng))
    found |= {f"decoder {name}": loss for name, loss in decoded.items() if name != "pitch"}
    if run.step >= run.config.optim.steps:
        found |= sound_losses(run.networks, bank.stretches(chosen[:SOUNDS], frames, rng), rng)
    return found


@torch.no_grad()
def evaluate(run: VoiceRun) -> dict[str, float]:
    """The losses of the averaged weights on the notes held out, the same variations of them each time."""
    if not run.held_out.notes:
        return {}
    trained = {k: v.detach().clone() for k, v in run.networks.state_dict().items()}
    run.networks.load_state_dict(run.average)
    rng = np.random.default_rng(run.config.seed)
    losses = [_losses(run, run.held_out, rng, run.config.optim.batch) for _ in range(4)]
    run.networks.load_state_dict(trained)
    return {f"held out {k}": float(torch.stack([row[k] for row in losses]).mean()) for k in losses[0]}


def save_bank(run: VoiceRun) -> Path:
    """Write the bank that a run has made into its folder; returns where."""
    return save_voices(finished(run), run.config.folder / "voices")


def finished(run: VoiceRun) -> NeuralVoices:
    """The bank that a run has made: its averaged weights, and statistics of the notes of each voice."""
    config = run.config
    networks = VoiceNetworks(run.networks.shape)
    networks.load_state_dict(run.average)
    voices = list(run.before)
    for number, one in enumerate(config.voices, len(run.before)):
        notes = [n for n, v in zip(run.train.notes, run.train.voice, strict=True) if v == number]
        pitches = [note.pitch for note in notes]
        stiff = stiffness(notes) if one.struck else None
        at = (one.name, one.programs, one.struck, min(pitches), max(pitches), one.vibrato)
        voices.append(TrainedVoice(*at, stiffness=stiff))
    source = Path(config.path).name if run.before else f"configs/voices/{config.name}.yaml"
    card = {
        "name": config.name,
        "parameters": sum(p.numel() for p in networks.parameters()),
        "licence": config.license,
        "data": config.data,
        "description": config.description,
        "command": f"symbolic-music train-voice {source}",
        "figures": {name: round(value, 4) for name, value in (run.log[-1] if run.log else {}).items()},
    }
    return NeuralVoices(networks.eval(), tuple(voices), card)


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
