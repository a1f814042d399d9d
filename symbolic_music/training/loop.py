"""The training loop of the anticipatory transformer."""

from __future__ import annotations

import csv
import io
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.corpora import read_chorales
from symbolic_music.corpora.anticipated import Augmentation, padded, rows, sample
from symbolic_music.corpora.chorales import QUARTERS_PER_MINUTE, VOICES
from symbolic_music.errors import TrainingError
from symbolic_music.evaluation.likelihood import Likelihood, likelihood
from symbolic_music.io.atomic import write_bytes
from symbolic_music.models import AnticipatoryConfig, AnticipatoryTransformer
from symbolic_music.models.bundle import Card, Model, View, save_model
from symbolic_music.tokenizers.anticipation_events import Events, events_of
from symbolic_music.training.checkpoints import has_checkpoint, load_checkpoint, save_checkpoint
from symbolic_music.training.config import TrainConfig

Report = Callable[[dict[str, float]], None]
_COLUMNS = ("step", "split", "nats_per_token", "nats_per_note", "events_per_second", "seconds")


@dataclass(frozen=True)
class Result:
    """What a finished or interrupted run has to show: the last step, the best validation, the model's folder."""

    step: int
    finished: bool
    best: float
    folder: Path


def train(config: TrainConfig, resume: bool = False, report: Report | None = None) -> Result:
    """Train to the end, or until Ctrl-C or SIGTERM, which save a checkpoint to resume from.

    The run's folder gets config.yaml's content as JSON, log.csv, checkpoint.safetensors and, for the best
    validation so far of the averaged weights, a model folder `best`.

    Args:
        resume: go on from the folder's checkpoint; the same weights come out as without the interruption.
        report: called with step, loss (nats a token) and events a second after each step.

    Raises:
        TrainingError: when a run is in the way or there is none to resume, or the loss is not finite.
        CorpusError: when the corpus cannot be read.
    """
    folder = config.folder
    if has_checkpoint(folder) and not resume:
        raise TrainingError(f"{folder} holds a run; go on with --resume, or choose another name=")
    if config.threads:
        torch.set_num_threads(config.threads)
    splits = {name: [events_of(s) for s in scores] for name, scores in read_chorales(config.data.path).items()}
    torch.manual_seed(config.seed)
    network = AnticipatoryTransformer(AnticipatoryConfig(**config.model.model_dump()))
    run = _Run(config, network, splits)
    if resume:
        run.load()
    else:
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / "config.json", config.model_dump_json(indent=2).encode())
    return run.go(report)


class _Run:
    def __init__(self, config: TrainConfig, network: AnticipatoryTransformer, splits: dict[str, list[Events]]) -> None:
        self.config, self.network, self.splits = config, network, splits
        decayed = [p for p in network.parameters() if p.dim() >= 2]
        others = [p for p in network.parameters() if p.dim() < 2]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": config.optim.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=config.optim.learning_rate,
            betas=config.optim.betas,
        )
        self.average = {k: v.detach().clone() for k, v in network.state_dict().items()}
        self.step, self.best = 0, math.inf
        self.log: list[dict[str, Any]] = []
        self.augmentation = Augmentation(config.data.transpose, config.data.edits, config.data.crops)
        plain = np.zeros(0, bool)
        self.validation = [rows(e, np.resize(plain, len(e)) if len(e) else plain) for e in splits["valid"]]

    def load(self) -> None:
        state = load_checkpoint(self.config.folder, self.network, self.average, self.optimizer)
        if state["config"] != self.config.model_dump(mode="json", exclude=_FREE):
            raise TrainingError(f"{self.config.folder} was trained with another config; it cannot be resumed with this")
        self.step, self.best, self.log = state["step"], state["best"], state["log"]

    def save(self) -> None:
        state = {
            "step": self.step,
            "best": self.best,
            "log": self.log,
            "config": self.config.model_dump(mode="json", exclude=_FREE),
        }
        save_checkpoint(self.config.folder, self.network, self.average, self.optimizer, state)

    def batch(self) -> Tensor:
        """Rows of this step's batch; they depend on the seed and the step alone."""
        rng = np.random.default_rng([self.config.seed, self.step])
        pieces = self.splits["train"]
        chosen = rng.integers(0, len(pieces), self.config.optim.batch)
        sequences: list[NDArray[np.int64]] = [sample(pieces[i], self.augmentation, rng) for i in chosen]
        return torch.from_numpy(padded(sequences, self.config.model.window))

    def rate(self) -> float:
        """Learning rate of this step: linear warm-up, then half a cosine to 0."""
        o = self.config.optim
        if self.step < o.warmup:
            return o.learning_rate * (self.step + 1) / o.warmup
        return o.learning_rate * 0.5 * (1 + math.cos(math.pi * (self.step - o.warmup) / max(1, o.steps - o.warmup)))

    def update(self) -> tuple[float, int]:
        """One optimisation step; returns nats a token and the number of events."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        self.network.train()
        parts = self.network.losses(self.batch())
        events = parts["events"].sum()
        loss = (parts["time"] + parts["duration"] + parts["note"]).sum() / events
        if not torch.isfinite(loss):
            raise TrainingError(f"the loss is not finite at step {self.step}; resume with a lower learning rate")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.optim.clip)
        self.optimizer.step()
        # Few steps are averaged at first, so that early evaluations are not of the random start.
        decay = min(self.config.optim.average, (1 + self.step) / (10 + self.step))
        for name, value in self.network.state_dict().items():
            self.average[name].lerp_(value, 1 - decay)
        self.step += 1
        return float(loss.detach()) / 3, int(events)

    def evaluate(self) -> Likelihood:
        """Validation likelihood, without controls, of the averaged weights; the best are kept as a model."""
        copy = AnticipatoryTransformer(self.network.config)
        copy.load_state_dict(self.average)
        result = likelihood(copy, self.validation)
        if result.per_note < self.best:
            self.best = result.per_note
            save_model(self.model(copy, result), self.config.folder / "best")
        return result

    def model(self, network: AnticipatoryTransformer, result: Likelihood) -> Model:
        """The network with its card and view."""
        card = Card(
            name=self.config.name,
            parameters=sum(p.numel() for p in network.parameters()),
            licence="Apache-2.0 (weights); the chorales are in the public domain",
            data="JSB Chorales (Boulanger-Lewandowski 2012), train split, 229 chorales, transposed",
            description="Four-voice chorales: continuation and infilling with anticipated controls",
            command=f"symbolic-music train configs/{self.config.name}.yaml",
            figures={
                "step": self.step,
                "valid_nats_per_note": round(result.per_note, 4),
                "valid_nats_per_token": round(result.per_token, 4),
                "valid_bits_per_second": round(result.bits_per_second, 4),
            },
        )
        notes = np.concatenate(self.splits["train"])[:, 2]
        parts = self.config.model.instruments
        centres = tuple(round(float((notes % 128)[notes // 128 == part].mean()), 2) for part in parts)
        return Model(network, card, View(float(QUARTERS_PER_MINUTE), parts, VOICES, centres))

    def go(self, report: Report | None) -> Result:
        config, started = self.config, time.perf_counter()
        total, events, since = 0.0, 0, self.step
        with _interruptions() as stop:
            while self.step < config.optim.steps and not stop:
                before = time.perf_counter()
                loss, count = self.update()
                total, events = total + loss, events + count
                if report:
                    report({"step": self.step, "loss": loss, "rate": count / (time.perf_counter() - before)})
                if self.step % config.evaluate_every == 0 or self.step == config.optim.steps:
                    seconds = time.perf_counter() - started
                    self._row("train", total / (self.step - since), math.nan, events / seconds, seconds)
                    result = self.evaluate()
                    self._row("valid", result.per_token, result.per_note, math.nan, seconds)
                    total, since = 0.0, self.step
                if self.step % config.checkpoint_every == 0 or self.step == config.optim.steps:
                    self.save()
            if self.step % config.checkpoint_every:
                self.save()
        return Result(self.step, self.step >= config.optim.steps, self.best, config.folder / "best")

    def _row(self, split: str, per_token: float, per_note: float, rate: float, seconds: float) -> None:
        values = (self.step, split, round(per_token, 5), round(per_note, 5), round(rate, 1), round(seconds, 1))
        self.log.append(dict(zip(_COLUMNS, values, strict=True)))
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: "" if x != x else x for k, x in row.items()} for row in self.log)
        write_bytes(self.config.folder / "log.csv", text.getvalue().encode())


# Settings that may differ when a run is resumed.
_FREE = {"threads", "out", "evaluate_every", "checkpoint_every", "data"}


@contextmanager
def _interruptions() -> Iterator[list[int]]:
    """A list that fills when Ctrl-C or SIGTERM arrives, so that the loop can stop between steps."""
    stop: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        stop.append(number)

    try:
        previous = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread: whoever runs us handles signals
        yield stop
        return
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
