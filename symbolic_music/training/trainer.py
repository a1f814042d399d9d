"""The training loop of all tasks."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from symbolic_music.errors import TrainingError
from symbolic_music.evaluation.likelihood import Likelihood
from symbolic_music.io.atomic import write_bytes
from symbolic_music.models import load_model
from symbolic_music.training.config import CodesData, TrainConfig
from symbolic_music.training.fine_tuning import begin_from, check_ids, resolved, with_data_of
from symbolic_music.training.lora import adapt, merged
from symbolic_music.training.run.callbacks import Callback, TensorBoard, WeightsAndBiases
from symbolic_music.training.run.checkpoints import (
    has_checkpoint,
    load_checkpoint,
    sound,
    tensors_of,
    write_checkpoint,
)
from symbolic_music.training.run.context import ContextEvaluation
from symbolic_music.training.run.fabric import (
    Objective,
    fabric_of,
    leave,
    random_states,
    recompute_blocks,
    set_random_states,
)
from symbolic_music.training.run.model_cards import card_of, page_of
from symbolic_music.training.run.optimizers import optimizer_of
from symbolic_music.training.run.run_log import Records, log_rows
from symbolic_music.training.run.schedules import schedule_of
from symbolic_music.training.run.sharding import gathered
from symbolic_music.training.run.signals import interruptions
from symbolic_music.training.task import Batch, Share, Task
from symbolic_music.training.tasks.factory import task_of
from symbolic_music.training.tasks.music_task import EventTask

Report = Callable[[dict[str, float]], None]
_log = logging.getLogger(__name__)
# Settings that may differ when a run is resumed.
_FREE = {
    "threads": True, "out": True, "sample_seconds": True, "evaluate_every": True, "checkpoint_every": True,
    "license": True, "description": True, "context": True, "data": {"path", "workers"},
    "engine": {"device", "tensorboard", "wandb", "sharded"},
}  # fmt: skip


@dataclass(frozen=True)
class Result:
    """The result of a finished or interrupted run.

    Args:
        step: the last.
        finished: whether it came to its end, by steps or because evaluations got no better.
        best: lowest validation loss, nats a token.
        folder: of the model with that loss.
    """

    step: int
    finished: bool
    best: float
    folder: Path


def train(
    config: TrainConfig, resume: bool = False, report: Report | None = None, callbacks: Sequence[Callback] = ()
) -> Result:
    """Train to the end, or until Ctrl-C or SIGTERM, which save a checkpoint.

        training.train(training.load_config("configs/chorales.yaml", ["optim.steps=100"]))

    Under torchrun the processes share each batch, with the losses of a single process. The folder of the run contains
    config.json, log.csv, curves.png, the last two checkpoints and the model folder `best`, with the averaged weights of
    the best validation loss.

    Args:
        resume: continue from the checkpoint of the folder; the weights are those of an uninterrupted run. With another
            number of steps, also for a finished run, the schedule of the new number applies from there on.
        report: called with step, loss (nats a token), tokens a second and seconds left after each step.
        callbacks: called at each step and each row of the log; see `run.callbacks`.

    Raises:
        TrainingError: when a run of this name exists, there is none to resume, or the loss is not finite.
        CorpusError: when the corpus cannot be read.
    """
    folder = config.folder
    if has_checkpoint(folder) and not resume:
        raise TrainingError(f"{folder} holds a run; go on with --resume, or choose another name=")
    if resume and not has_checkpoint(folder):
        raise TrainingError(f"nothing to resume: no checkpoint in {folder}")
    if config.threads:
        torch.set_num_threads(config.threads)
    config = with_data_of(config)
    fabric = fabric_of(config.engine)
    if config.init is None or isinstance(config.data, CodesData):  # whose task says that it begins from nothing
        task, start = task_of(config), None
    else:
        task, start = _begun(config, config.init)
    config = task.config
    run = _Run(config, task, fabric, start)
    if resume:
        run.load()
    if run.records is not None:
        run.records.callbacks = [*_callbacks(config), *callbacks]
    with fabric.rank_zero_first():
        folder.mkdir(parents=True, exist_ok=True)
    if fabric.is_global_zero:
        write_bytes(folder / "config.json", config.model_dump_json(indent=2).encode())
    result = run.go(report if fabric.is_global_zero else None)
    leave(fabric)
    return result


def _begun(config: TrainConfig, source: str) -> tuple[Task, nn.Module]:
    """The task of a run that begins from a model, and the network of that model."""
    model = load_model(source, "cpu")
    task = task_of(resolved(config, model.network))
    check_ids(source, model, task.tokenizer)
    task.config = resolved(config, model.network, task.instruments)
    return task, model.network


class _Run:
    """A run under way; `share` says what of each batch this process computes."""

    def __init__(self, config: TrainConfig, task: Task, fabric: Any, start: nn.Module | None = None) -> None:
        self.config, self.task, self.fabric = config, task, fabric
        self.share = Share(fabric.global_rank, fabric.world_size, config.optim.accumulate)
        parts = self.share.world * self.share.parts
        if config.optim.batch < parts:
            raise TrainingError(
                f"a batch of {config.optim.batch} is too small for {parts} parts, of {self.share.world} processes"
            )
        torch.manual_seed(config.seed)
        try:
            self.network = task.network().to(fabric.device)
        except RuntimeError as error:  # all that torch says of a size that it cannot have
            raise TrainingError(f"no room for the model: {str(error).splitlines()[0]}") from None
        if start is not None:
            begin_from(self.network, start, str(config.init))
        if config.lora is not None:
            if start is None:
                raise TrainingError("lora changes a trained model; name it by init=")
            adapt(self.network, config.lora.rank, config.lora.scale)
        # Processes that each hold a part evaluate on a copy of the whole: they need not keep step there.
        self.whole = deepcopy(self.network) if config.engine.sharded else self.network
        if config.engine.recompute:
            recompute_blocks(self.network)
        objective = Objective(task, self.network)
        if config.engine.compile:
            objective.compile()
        self.objective = fabric.setup_module(objective)
        self.optimizer = fabric.setup_optimizers(optimizer_of(self.network, config.optim))
        if self.share.world > 1:
            # What dropout draws differs between processes.
            torch.manual_seed(config.seed + 1_000_003 * self.share.rank)
        self.schedule = schedule_of(
            config.optim.schedule, config.optim.steps, config.optim.warmup, config.optim.final, config.optim.decay
        )
        self.average = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
        self.step, self.best, self.worse, self.seconds = 0, math.inf, 0, 0.0
        # Losses and norms of gradients of the steps since the last evaluation, which was at that step.
        self.total, self.norms, self.since = 0.0, 0.0, 0
        self.records = Records(config.folder) if fabric.is_global_zero else None
        self.context = None
        if config.context is not None and self.records is not None:
            self.context = ContextEvaluation(config, config.context)

    def load(self) -> None:
        """Put the folder's checkpoint back."""
        random: dict[str, torch.Tensor] = {}
        state = load_checkpoint(
            self.config.folder, self.network, self.average, self.optimizer, random, self._check_settings
        )
        with sound(self.config.folder):
            self.step, self.worse, self.since = (
                int(state["step"]),
                int(state["worse"]),
                int(state.get("since", state["step"])),
            )
            self.best, self.seconds, self.total = (
                float(state["best"]),
                float(state["seconds"]),
                float(state.get("total", 0)),
            )
            self.norms = float(state.get("norms", math.nan))
            if self.records is not None:
                self.records.rows = log_rows(state["log"])
            if not isinstance(state["scaler"], dict):
                raise ValueError("its scaler is invalid")
            if state["scaler"]:
                self.fabric.strategy.precision.load_state_dict(state["scaler"])
            set_random_states(self.fabric, random)

    def save(self) -> None:
        """Write a checkpoint; every process takes part."""
        random = random_states(self.fabric)
        if self.records is None and not self.config.engine.sharded:
            return
        tensors = tensors_of(self.network, self.average, self.optimizer)
        if self.records is None:
            return
        state = {
            "step": self.step,
            "best": self.best,
            "worse": self.worse,
            "seconds": self.seconds,
            "total": self.total,
            "since": self.since,
            "norms": self.norms,
            "log": self.records.rows,
            "scaler": self.fabric.strategy.precision.state_dict(),
            "config": self._settings(),
        }
        write_checkpoint(self.config.folder, tensors, state, random)

    def _check_settings(self, state: dict[str, Any]) -> None:
        """TrainingError for a checkpoint of another experiment."""
        changed = _changed(state["config"], self._settings())
        if changed == ["optim.steps"]:
            self._extend(int(state["config"]["optim"]["steps"]), int(state["step"]))
        elif changed:
            raise TrainingError(
                f"{self.config.folder} was trained with another {', '.join(changed)}; keep it to resume"
            )

    def _extend(self, before: int, step: int) -> None:
        """Say what a run of another number of steps does from here on; TrainingError when there is nothing to do."""
        optim = self.config.optim
        if optim.steps <= step:
            raise TrainingError(
                f"{self.config.folder} is at step {step:,}: optim.steps has to be larger, not {optim.steps:,}"
            )
        old = schedule_of(optim.schedule, before, optim.warmup, optim.final)
        _log.warning(
            "%s: from step %s on a run of %s steps, which was one of %s; the learning rate is that of the longer "
            "schedule (%s): %.3g at this step, where it would have been %.3g",
            self.config.folder, f"{step:,}", f"{optim.steps:,}", f"{before:,}", optim.schedule,
            optim.learning_rate * self.schedule(step), optim.learning_rate * old(step),
        )  # fmt: skip

    def _settings(self) -> dict[str, Any]:
        return self.config.model_dump(mode="json", exclude=_FREE)  # type: ignore[arg-type]

    def update(self, batches: list[Batch]) -> tuple[float, int]:
        """One optimisation step; returns nats a token, and tokens, of the whole batch."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * self.schedule(self.step)
        self.objective.train()
        world = self.share.world
        tokens = int(self._summed(sum(batch.tokens for batch in batches)))
        nats = torch.zeros((), dtype=torch.float64)
        for place, batch in enumerate(batches):
            tensors = [tensor.to(self.fabric.device, non_blocking=True) for tensor in batch.tensors]
            with self.fabric.no_backward_sync(self.objective, enabled=place < len(batches) - 1):
                part = self.objective(*tensors)
                # Gradients are averaged over processes, each of which has its share of the tokens.
                self.fabric.backward(part * (world / tokens))
            nats += part.detach().double().cpu()
        loss = self._summed(float(nats)) / tokens
        if not math.isfinite(loss):
            raise TrainingError(self._not_finite("loss"))
        try:
            norm = self.fabric.clip_gradients(
                self.objective, self.optimizer, max_norm=self.config.optim.clip,
                error_if_nonfinite=self.config.engine.precision != "16-mixed",
            )  # fmt: skip
        except RuntimeError as error:
            if "non-finite" not in str(error):
                raise
            raise TrainingError(self._not_finite("gradient")) from None
        self.norms += math.nan if norm is None else float(norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        # Few steps are averaged at first, so that early evaluations are not of the random start.
        decay = min(self.config.optim.average, (1 + self.step) / (10 + self.step))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - decay)
        self.step += 1
        return loss, tokens

    def _not_finite(self, what: str) -> str:
        best = (
            f", or go on from the best weights with init={self.config.folder / 'best'}" if self.best < math.inf else ""
        )
        return (
            f"the {what} of step {self.step} is not finite, on {self.task.provenance(self.step)}; "
            f"begin another run with a lower optim.learning_rate{best}"
        )

    def _summed(self, value: float) -> float:
        """The sum over all processes."""
        if self.share.world == 1:
            return value
        return float(self.fabric.all_reduce(torch.tensor(value, dtype=torch.float64), reduce_op="sum"))

    def evaluate(self) -> Likelihood:
        """Validation likelihood of the averaged weights; the best are kept as a model."""
        with self._averaged() as network:
            own = self.task.evaluate(network, self.share)
            parts = {name: (self._summed(nats), int(self._summed(n))) for name, (nats, n) in own.parts.items()}
            found = Likelihood(
                self._summed(own.nats), int(self._summed(own.tokens)), int(self._summed(own.notes)),
                self._summed(own.seconds), parts,
            )  # fmt: skip
            self.worse += 1
            if found.per_token < self.best:
                self.best, self.worse = found.per_token, 0
                if self.records is not None:
                    best = self.config.folder / "best"
                    card = self.task.save(merged(network), found, self.step, best)
                    write_bytes(best / "CARD.md", page_of(card).encode())
            if self.records is not None and self.config.sample_seconds:
                samples = self.config.folder / "samples"
                samples.mkdir(exist_ok=True)
                self.task.sample(merged(network), self.step, samples)
            if self.context is not None and self.records is not None and isinstance(self.task, EventTask):
                writer = self.task.model(merged(network), card_of(self.config, network, found, self.step))
                self.context.log(writer, self.records, self.step, self.seconds)
        return found

    @contextmanager
    def _averaged(self) -> Iterator[nn.Module]:
        """The whole network with the averaged weights, for a while."""
        trained = {k: v.detach().clone() for k, v in self.whole.state_dict().items()}
        self.whole.load_state_dict({k: gathered(v) for k, v in self.average.items()})
        try:
            yield self.whole
        finally:
            self.whole.load_state_dict(trained)

    def go(self, report: Report | None) -> Result:
        """Train from the step that it stands at."""
        config, steps = self.config, self.config.optim.steps
        started, before, first = time.perf_counter(), self.seconds, self.step
        tokens, saved = 0, self.step
        done = self.step >= steps or self._no_better()
        batches = self.task.batches(self.step, self.share)
        with interruptions() as stop:
            while not done and not self._summed(len(stop)):
                loss, count = self.update(next(batches))
                self.total, tokens = self.total + loss, tokens + count
                self.seconds = before + time.perf_counter() - started
                passed = self.seconds - before
                left = passed / (self.step - first) * (steps - self.step)
                row = {"step": self.step, "loss": loss, "rate": tokens / passed, "left": left}
                for callback in self.records.callbacks if self.records is not None else ():
                    callback.on_step(row)
                if report:
                    report(row)
                done = self.step == steps
                if done or self.step % config.evaluate_every == 0:
                    steps_since = self.step - self.since
                    self._record(self.total / steps_since, self.norms / steps_since, tokens / passed, self.evaluate())
                    self.total, self.norms, self.since = 0.0, 0.0, self.step
                    done = done or self._no_better()
                if done or self.step % config.checkpoint_every == 0:
                    self.save()
                    saved = self.step
            if self.step > saved:
                self.save()
        for callback in self.records.callbacks if self.records is not None else ():
            callback.on_end()
        return Result(self.step, done, self.best, config.folder / "best")

    def _no_better(self) -> bool:
        return 0 < self.config.optim.patience <= self.worse

    def _record(self, loss: float, norm: float, rate: float, found: Likelihood) -> None:
        if self.records is None:
            return
        at = {"step": self.step, "seconds": self.seconds}
        self.records.add(
            split="train", nats_per_token=loss, tokens_per_second=rate, gradient_norm=norm,
            learning_rate=self.optimizer.param_groups[0]["lr"], **at,
        )  # fmt: skip
        self.records.add(
            split="valid", nats_per_token=found.per_token, nats_per_note=found.per_note,
            bits_per_second=found.bits_per_second, **at,
        )  # fmt: skip


def _callbacks(config: TrainConfig) -> Iterator[Callback]:
    """The callbacks of a config."""
    if config.engine.tensorboard:
        yield TensorBoard(config.folder)
    if config.engine.wandb:
        yield WeightsAndBiases(config.engine.wandb, config.name, config.model_dump(mode="json"))


def _changed(before: dict[str, Any], now: dict[str, Any], where: str = "") -> list[str]:
    """Keys at which two trees of settings differ."""
    found = []
    for key in sorted(before.keys() | now.keys()):
        a, b = before.get(key), now.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found += _changed(a, b, f"{where}{key}.")
        elif a != b:
            found.append(f"{where}{key}")
    return found
