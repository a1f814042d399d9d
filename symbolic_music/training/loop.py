"""The training loop of all tasks: models, codecs and voices."""

from __future__ import annotations

import logging
import math
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from symbolic_music.errors import TrainingError
from symbolic_music.training.run.callbacks import Callback
from symbolic_music.training.run.changed_settings import changed, settings_of
from symbolic_music.training.run.checkpoints import load_checkpoint, sound, tensors_of, write_checkpoint
from symbolic_music.training.run.fabric import Objective, random_states, recompute_blocks, set_random_states
from symbolic_music.training.run.run_log import HELD, Records, columns_of, log_rows
from symbolic_music.training.run.sharding import gathered
from symbolic_music.training.run.signals import interruptions
from symbolic_music.training.run.throughput import Clock
from symbolic_music.training.run.weight_average import Average
from symbolic_music.training.task import Batch, Measured, Share, Task

Report = Callable[[dict[str, float]], None]
_log = logging.getLogger(__name__)
# Steps whose losses an accelerator may still be computing while the next ones are prepared.
_AHEAD = 2
_COUNT = "#"  # before a part's name, for how many of it were summed


@dataclass(frozen=True)
class Result:
    """The result of a finished or interrupted run.

    Args:
        step: the last.
        finished: whether it came to its end, by steps or because evaluations got no better.
        best: lowest validation loss; of models, nats a token.
        folder: of the model that it leaves: that with the lowest loss, or of codecs and voices the last one.
    """

    step: int
    finished: bool
    best: float
    folder: Path


@dataclass(frozen=True)
class _Step:
    """A step, counted from 1, whose numbers stay on the device until they are needed.

    They are the loss, signals to stop, tokens, the norm of the gradients, and the parts of the loss, of these names.
    """

    number: int
    values: Tensor
    names: tuple[str, ...]


class Loop:
    """A run under way; `share` says what of each batch this process computes."""

    def __init__(self, task: Task, fabric: Any) -> None:
        self.config, self.task, self.fabric = task.config, task, fabric
        engine = self.config.engine
        self.share = Share(fabric.global_rank, fabric.world_size, task.accumulate)
        parts = self.share.world * self.share.parts
        if engine.precision not in task.precisions:
            raise TrainingError(f"{self.config.name} is trained in {' or '.join(task.precisions)}")
        if self.share.world > 1 and not task.in_processes:
            raise TrainingError(f"{self.config.name} is trained by one process, not {self.share.world}")
        if self.config.optim.batch < parts:
            raise TrainingError(
                f"a batch of {self.config.optim.batch} is too small for {parts} parts, of {self.share.world} processes"
            )
        torch.manual_seed(self.config.seed)
        try:
            network = task.network()
            # Sharding takes one block after another to the device, which never holds the whole.
            self.network = network if engine.sharded else network.to(fabric.device)
        except RuntimeError as error:  # all that torch says of a size that it cannot have
            raise TrainingError(f"no room for the model: {str(error).splitlines()[0]}") from None
        # What a run leaves is written from a copy on the CPU of the first of the processes that each hold a part.
        self._copy = deepcopy(network) if engine.sharded and fabric.is_global_zero else None
        if engine.recompute:
            recompute_blocks(self.network)
        objective = Objective(task, self.network)
        if engine.compile:
            objective.compile()
        self.objective = fabric.setup_module(objective)
        self._root = objective
        self.optimizer = fabric.setup_optimizers(task.optimizer(self.network))
        if self.share.world > 1:
            # What dropout draws differs between processes.
            torch.manual_seed(self.config.seed + 1_000_003 * self.share.rank)
        self.schedule = task.schedule()
        self.average = Average(task.averaged(self.network))
        self.step, self.best, self.worse, self.seconds = 0, math.inf, 0, 0.0
        # Losses and norms of gradients of the steps since the last evaluation, which was at that step.
        self.total, self.norms, self.since = 0.0, 0.0, 0
        self.parts: Counter[str] = Counter()  # of the parts of the loss, each with how many there were
        self.records = None
        if fabric.is_global_zero:
            columns = columns_of(task.loss_name, task.rate_name, task.columns)
            self.records = Records(self.config.folder, columns)
            task.prepare()
        self._pending: deque[_Step] = deque()
        self._ahead = 0 if fabric.device.type == "cpu" else _AHEAD
        self._stopping = False
        self._callbacks: Sequence[Callback] = ()
        self._report: Report | None = None
        self._clock = Clock(0, task.steps, 0.0)

    def load(self) -> None:
        """Put the folder's checkpoint back."""
        random: dict[str, Tensor] = {}
        state = load_checkpoint(
            self.config.folder, self.network, self.average.tensors, self.optimizer, random, self._check_settings
        )
        with sound(self.config.folder):
            self.step, self.worse = int(state["step"]), int(state.get("worse", 0))
            self.since = int(state.get("since", self.step))
            self.best, self.seconds = float(state.get("best", math.inf)), float(state.get("seconds", 0))
            self.total, self.norms = float(state.get("total", 0)), float(state.get("norms", math.nan))
            self.parts = Counter({str(name): float(value) for name, value in state.get("parts", {}).items()})
            columns = columns_of(self.task.loss_name, self.task.rate_name, self.task.columns)
            rows = log_rows(state["log"], columns)
            if self.records is not None:
                self.records.rows = rows
            scaler = state.get("scaler", {})
            if not isinstance(scaler, dict):
                raise ValueError("its scaler is invalid")
            if scaler:
                self.fabric.strategy.precision.load_state_dict(scaler)
            set_random_states(self.fabric, random)

    def save(self) -> None:
        """Write a checkpoint; every process takes part."""
        self.settle()
        random = random_states(self.fabric)
        if self.records is None and not self.config.engine.sharded:
            return
        tensors = tensors_of(self.network, self.average.tensors, self.optimizer)
        if self.records is None:
            return
        state = {
            "step": self.step, "best": self.best, "worse": self.worse, "seconds": self.seconds, "total": self.total,
            "since": self.since, "norms": self.norms, "parts": self.parts, "log": self.records.rows,
            "scaler": self.fabric.strategy.precision.state_dict(),
            "config": self.config.model_dump(mode="json", exclude=self.task.free),
        }  # fmt: skip
        write_checkpoint(self.config.folder, tensors, state, random)

    def _check_settings(self, state: dict[str, Any]) -> None:
        """TrainingError for a checkpoint of another experiment."""
        before, now = settings_of(state["config"], self.config, self.task.free)
        differ = changed(before, now)
        others = [one for one in differ if one != "optim.steps"]
        if others:
            raise TrainingError(f"{self.config.folder} was trained with another {', '.join(others)}; keep it to resume")
        if differ:
            self._extend(int(before["optim"]["steps"]), int(state["step"]))

    def _extend(self, before: int, step: int) -> None:
        """Say what a run of another number of steps does from here on; TrainingError when there is nothing to do."""
        steps, folder = self.task.steps, self.config.folder
        if steps <= step:
            raise TrainingError(f"{folder} is at step {step:,}: optim.steps has to be larger, not {steps:,}")
        _log.warning(
            "%s: from step %s on a run of %s steps, which was one of %s; the learning rate is that of the longer "
            "schedule: %.3g at this step",
            folder, f"{step:,}", f"{steps:,}", f"{before:,}",
            self.config.optim.learning_rate * self.schedule(step),
        )  # fmt: skip

    def update(self, batches: list[Batch], stop: bool = False) -> None:
        """One optimisation step; its numbers stay on the device until `settle` comes to them."""
        device, world = self.fabric.device, self.share.world
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * self.schedule(self.step)
        self.objective.train()
        self.task.before(self.network, self.average.tensors, self.step)
        wide = torch.float32 if device.type == "mps" else torch.float64
        tokens: Any = sum(batch.tokens for batch in batches)
        if world > 1:
            tokens = self._total(torch.tensor(tokens, dtype=wide, device=device))
        loss, parts = torch.zeros((), dtype=wide, device=device), dict[str, Tensor]()
        for place, batch in enumerate(batches):
            tensors = [tensor.to(device, non_blocking=True) for tensor in batch.tensors]
            with self.fabric.no_backward_sync(self.objective, enabled=place < len(batches) - 1):
                found = self.objective(*tensors)
                whole, parts = found if isinstance(found, tuple) else (found, parts)
                # Gradients are averaged over processes, each of which has its share of the tokens.
                self.fabric.backward(whole * (world / tokens))
            loss += whole.detach()
        norm = self._clip()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        # Few steps are averaged at first, so that early evaluations are not of the random start.
        self.average.follow(min(self.config.optim.average, (1 + self.step) / (10 + self.step)))
        self.step += 1
        values = [loss, torch.as_tensor(float(stop)), torch.as_tensor(tokens), norm, *parts.values()]
        numbers = torch.stack([value.detach().to(loss) for value in values])
        if world > 1:
            numbers[:2] = self._total(numbers[:2])
        self._pending.append(_Step(self.step, numbers, tuple(parts)))

    def _clip(self) -> Tensor:
        """Clip the gradients; their norm before, which the device may still be computing."""
        most, apart = self.config.optim.clip, tuple(self.task.clipped(self.network))
        if not apart:
            norm = self.fabric.clip_gradients(self.objective, self.optimizer, max_norm=most, error_if_nonfinite=False)
            return gathered(norm)
        return torch.stack([nn.utils.clip_grad_norm_(part.parameters(), most) for part in apart]).square().sum().sqrt()

    def settle(self, ahead: int = 0) -> None:
        """Read the numbers of all steps but the last few, and report them.

        TrainingError when a loss or a gradient is not finite.
        """
        while len(self._pending) > ahead:
            done = self._pending.popleft()
            loss, stop, tokens, norm, *parts = done.values.tolist()
            loss /= tokens
            wrong = "loss" if not math.isfinite(loss) else "gradient" if not math.isfinite(norm) else ""
            if wrong == "loss" or (wrong and self.config.engine.precision != "16-mixed"):
                raise TrainingError(self._not_finite(wrong, done.number - 1))
            self._stopping = stop > 0
            self.total, self.norms = self.total + loss, self.norms + norm
            for name, value in zip(done.names, parts, strict=True):
                self.parts[name] += value
                self.parts[_COUNT + name] += 1
            self._clock.tick(tokens, done.number)
            self.seconds = self._clock.seconds
            row = {"step": done.number, "loss": loss, "rate": self._clock.rate, "left": self._clock.left}
            for callback in self._callbacks:
                callback.on_step(row)
            if self._report:
                self._report(row)

    def _not_finite(self, what: str, step: int) -> str:
        best = self.config.folder / self.task.folder
        other = (
            f", or go on from the best weights with init={best}"
            if self.task.keeps_best and self.best < math.inf
            else ""
        )
        return (
            f"the {what} of step {step} is not finite, on {self.task.provenance(step)}; "
            f"begin another run with a lower optim.learning_rate{other}"
        )

    def _total(self, values: Tensor) -> Tensor:
        """The sum over all processes."""
        return torch.as_tensor(self.fabric.all_reduce(values, reduce_op="sum"))

    def _summed(self, value: float) -> float:
        return value if self.share.world == 1 else float(self._total(torch.tensor(value, dtype=torch.float64)))

    def evaluate(self) -> Measured:
        """Measure the averaged weights, record it, and keep the model."""
        self.settle()
        with self.averaged() as network:
            measured = self._measured()
            self.worse += 1
            better = measured.loss < self.best
            if better:
                self.best, self.worse = measured.loss, 0
            if self.config.engine.sharded:
                weights = {name: gathered(value).cpu() for name, value in network.state_dict().items()}
                if self._copy is not None:
                    self._copy.load_state_dict(weights)
                    network = self._copy
            if self.records is not None:
                row = self._record(self.records, measured)
                if better or not self.task.keeps_best:
                    self.task.save(network, measured, row, self.config.folder / self.task.folder)
                self.task.look(network, measured, self.step, self.records, self.seconds)
        self.total, self.norms, self.since = 0.0, 0.0, self.step
        self.parts.clear()
        return measured

    def _measured(self) -> Measured:
        """The task's measure of the network, in the precision of the training.

        Processes that each hold a part of the weights gather a block at a time, for which they keep step: each of them
        measures all that is held out.
        """
        if not self.config.engine.sharded:
            with self.fabric.autocast():
                return self.task.evaluate(self.network, self.share, self._summed)
        root: Any = self._root
        root.unshard()  # what is in no block
        try:
            with self.fabric.autocast():
                return self.task.evaluate(self.network, Share(), float)
        finally:
            root.reshard()

    @contextmanager
    def averaged(self) -> Iterator[nn.Module]:
        """The network with the averaged weights, for a while."""
        with self.average.swapped():
            yield self.network

    def _record(self, records: Records, measured: Measured) -> dict[str, float]:
        """Add the rows of an evaluation to the log; both in one, as cards have it."""
        task, steps = self.task, self.step - self.since
        parts = {name: total / self.parts[_COUNT + name] for name, total in self.parts.items() if name[0] != _COUNT}
        at = {"step": self.step, "seconds": self.seconds}
        if steps:
            means = {task.loss_name: self.total / steps, "gradient_norm": self.norms / steps, **parts}
            rates = {task.rate_name: self._clock.rate, "learning_rate": self.optimizer.param_groups[0]["lr"]}
            records.add(split="train", **means, **rates, **at)
        if measured.row:
            records.add(split="valid", **{task.loss_name: measured.loss, **measured.row}, **at)
        return {"step": self.step, **parts, **{HELD + name: value for name, value in measured.row.items()}}

    def go(self, report: Report | None = None, callbacks: Sequence[Callback] = ()) -> Result:
        """Train from the step that it stands at, to the end or until Ctrl-C or SIGTERM; a checkpoint is left."""
        config, steps, saved = self.config, self.task.steps, self.step
        if self.records is not None:
            config.folder.mkdir(parents=True, exist_ok=True)
            self.records.callbacks = self._callbacks = callbacks
            self._report = report
        self._clock = Clock(self.step, steps, self.seconds)
        done = self.step >= steps or self._no_better()
        if done and self.step and (self.since < self.step or not (config.folder / self.task.folder).exists()):
            self.evaluate()  # of fewer steps than it has made: what it leaves is missing
            self.save()
        batches = self.task.batches(self.step, self.share)
        with interruptions() as stop:
            while not (done or self._stopping or (stop and self.share.world == 1)):
                self.update(next(batches), bool(stop))
                self.settle(self._ahead)
                done = self.step == steps
                if done or self.step % config.evaluate_every == 0 or self.step in self.task.milestones:
                    self.evaluate()
                    done = done or self._no_better()
                if done or self.step % config.checkpoint_every == 0:
                    self.save()
                    saved = self.step
            if self.step > saved:
                self.save()
        for callback in self._callbacks:
            callback.on_end()
        return Result(self.step, done, self.best, config.folder / self.task.folder)

    def _no_better(self) -> bool:
        return 0 < self.task.patience <= self.worse
