"""`engine.precision: auto`: which of float32 and bfloat16 is faster for a model's own shapes, measured once.

What is faster depends on the machine: processors with matrix units for bfloat16 (AMX) are several times faster in it,
others slower. The choice is kept in the user's cache by machine and shapes.
"""

from __future__ import annotations

import logging
import statistics
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from symbolic_music.errors import TrainingError
from symbolic_music.io.measurement_cache import measured_once
from symbolic_music.training.task import Share, Task

_log = logging.getLogger(__name__)
FLOAT, HALF = "32-true", "bf16-mixed"
_ROUNDS = 3
_ENTRY = {FLOAT, HALF, "losses", "agree"}
_APART = 0.02  # share of the loss by which the two may differ


def chosen_precision(task: Task, device: torch.device, cache: Path | None = None) -> str:
    """The faster precision for a training step of a task, from the cache or measured, and logged in one line.

    Args:
        task: whose first batch is computed forward and backward in both, by turns.
        device: of the run.
        cache: a folder; that of the user when omitted.

    Raises:
        TrainingError: when a loss is not finite.
    """
    if device.type == "mps" or HALF not in task.precisions:
        return FLOAT
    settings = task.config.model_dump(mode="json", include={"model", "codec", "data", "voices", "optim"})
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    found, source = measured_once(
        "precision.json", cache, [type(task).__name__, name, settings],
        lambda entry: entry.keys() == _ENTRY, lambda: _measured(task, device),
    )  # fmt: skip
    faster = HALF if found["agree"] and found[HALF] < found[FLOAT] else FLOAT
    _log.warning(
        "precision %s: a step takes %.3g s in float32 and %.3g s in bfloat16, losses %.4f and %.4f%s (%s)",
        faster, found[FLOAT], found[HALF], *found["losses"], "" if found["agree"] else ", which do not agree", source,
    )  # fmt: skip
    return faster


def _measured(task: Task, device: torch.device) -> dict[str, Any]:
    """Seconds of a step in both precisions, medians over rounds, and the losses of the same weights."""
    with torch.random.fork_rng():
        torch.manual_seed(task.config.seed)
        network = task.network().to(device).train()
        (batch, *_) = next(task.batches(0, Share(parts=task.accumulate)))
        tensors = [tensor.to(device) for tensor in batch.tensors]
        taken: dict[str, list[float]] = {FLOAT: [], HALF: []}
        losses: dict[str, float] = {}
        for turn in range(_ROUNDS + 1):
            for name, seconds in taken.items():
                torch.manual_seed(task.config.seed)
                started = time.perf_counter()
                loss = _step(task, network, tensors, _autocast(device, name == HALF))
                losses[name] = float(loss)  # waits for the device
                if turn:
                    seconds.append(time.perf_counter() - started)
    a, b = (losses[name] / batch.tokens for name in (FLOAT, HALF))
    if not abs(a) < float("inf"):
        raise TrainingError(f"the loss of the first step is not finite, on {task.provenance(0)}")
    agree = abs(a - b) <= _APART * abs(a)
    return {**{name: statistics.median(values) for name, values in taken.items()}, "losses": [a, b], "agree": agree}


def _autocast(device: torch.device, enabled: bool) -> AbstractContextManager[object]:
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def _step(task: Task, network: nn.Module, tensors: list[Tensor], precision: AbstractContextManager[object]) -> Tensor:
    with precision:
        found = task.loss(network, *tensors)
    loss = found[0] if isinstance(found, tuple) else found
    network.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if loss.device.type == "cuda":
        torch.cuda.synchronize(loss.device)
    return loss.detach()
