"""Checkpoints: safetensors for tensors, JSON for the rest, written atomically; nothing is unpickled.

Each says its own SHA-256, so that no damaged one is gone on from: the one before it is taken, which is said.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from symbolic_music.errors import TrainingError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.training.run.sharding import alike, fill, gathered

# A state that says so has to come with its SHA-256; those of before were written without.
_HASHED = "hashed"
_log = logging.getLogger(__name__)
_FILE, _BEFORE = "checkpoint.safetensors", "checkpoint-before.safetensors"


def save_checkpoint(
    folder: Path,
    model: nn.Module,
    average: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
    state: dict[str, Any],
    random: Mapping[str, Tensor] | None = None,
) -> None:
    """Write weights, averaged weights, optimizer and random states in one file; the one before is kept beside it.

    Args:
        state: step, config and whatever else is JSON; kept in the file's metadata.
        random: states of random generators by name; torch's on the CPU when omitted.
    """
    write_checkpoint(folder, tensors_of(model, average, optimizer), state, random)


def tensors_of(model: nn.Module, average: Mapping[str, Tensor], optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state for a checkpoint, unsharded and on the CPU.

    Where processes hold parts of them, every process must call this, and has the whole.
    """
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in values.items()}
    # In one order in every process: a file's tensors, and so a resumed optimizer's, come in any.
    return {k: gathered(tensors[k].detach()).cpu().contiguous() for k in sorted(tensors)}


def write_checkpoint(
    folder: Path, tensors: Mapping[str, Tensor], state: dict[str, Any], random: Mapping[str, Tensor] | None = None
) -> None:
    """Write a checkpoint of `tensors_of`; see `save_checkpoint`."""
    drawn = {f"random.{k}": v for k, v in (random or {"cpu.0": torch.get_rng_state()}).items()}
    written, text = {**tensors, **drawn}, json.dumps({**state, _HASHED: True})
    data = save(written, metadata={"state": text, "sha256": _digest(written, text)})
    if (folder / _FILE).is_file():
        os.replace(folder / _FILE, folder / _BEFORE)
    write_bytes(folder / _FILE, data)


def load_checkpoint(
    folder: Path,
    model: nn.Module,
    average: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
    random: dict[str, Tensor] | None = None,
    check: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Put a checkpoint back into model, average and optimizer; returns `state`.

    Where the last one is missing, as when it was being written, or damaged, the one before it is taken; of a damaged
    one that is said in a warning of the log.

    Args:
        random: is given the random states by name; torch's is set when omitted.
        check: of `state`, before anything is put back.

    Raises:
        TrainingError: when there is none, or it does not fit.
    """
    tensors, state = _read(folder)
    with sound(folder):
        if check is not None:
            check(state)
        try:
            _fill(model.state_dict(), _part(tensors, "model."))
            _fill(average, _part(tensors, "average."))
        except (RuntimeError, KeyError) as error:
            raise TrainingError(f"checkpoint in {folder} is of another model: {str(error).splitlines()[0]}") from None
        groups = optimizer.state_dict()["param_groups"]
        learnt = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in _part(tensors, "optimizer.").items():
            index, key = name.split(".", 1)
            parameter = learnt[int(index)]
            slots.setdefault(int(index), {})[key] = alike(value, parameter) if value.shape == parameter.shape else value
        optimizer.load_state_dict({"state": slots, "param_groups": groups})
        states = _part(tensors, "random.")
        if random is None:
            torch.set_rng_state(states["cpu.0"])
        else:
            random.update(states)
    return state


@contextmanager
def sound(folder: Path) -> Iterator[None]:
    """Whatever a state of wrong keys and types makes its readers raise becomes a TrainingError."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise TrainingError(
            f"the checkpoint in {folder} is damaged, or of another version ({type(error).__name__}: {reason})"
        ) from None


def has_checkpoint(folder: Path) -> bool:
    """Whether a run in this folder can be resumed."""
    return (folder / _FILE).is_file() or (folder / _BEFORE).is_file()


def check_resume(folder: Path, resume: bool) -> None:
    """TrainingError when there is a checkpoint and `resume` is not given, or none and it is."""
    if resume != has_checkpoint(folder):
        again = "there is a run already; go on with --resume (resume=True in Python), or give this one another name"
        wrong = "nothing to resume" if resume else again
        raise TrainingError(f"{folder}: {wrong}")


def _read(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    problems = []
    for name in (_FILE, _BEFORE):
        try:
            tensors, state = _checked((folder / name).read_bytes())
        except FileNotFoundError:
            continue
        except (OSError, SafetensorError, ValueError, TypeError, LookupError, RecursionError) as error:
            problems.append(f"{name} is damaged ({str(error)[:200]})")
            continue
        if problems:
            _log.warning("%s: %s; using the previous checkpoint, of step %s", folder, problems[0], state["step"])
        return tensors, state
    if problems:
        raise TrainingError(f"cannot resume from {folder}: {'; '.join(problems)}")
    raise TrainingError(f"nothing to resume: no checkpoint in {folder}")


def _checked(data: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read and check a file; SafetensorError, ValueError and similar when it is damaged."""
    tensors = load(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    state = json.loads(header["state"])
    if not isinstance(state, dict) or not isinstance(state.get("step"), int) or state["step"] < 0:
        raise ValueError("it has no step")
    if "random.cpu.0" not in tensors:
        raise ValueError("it has no random states")
    if (state.get(_HASHED) or "sha256" in header) and header.get("sha256") != _digest(tensors, header["state"]):
        raise ValueError("its SHA-256 is another")
    return tensors, state


def _digest(tensors: Mapping[str, Tensor], state: str) -> str:
    """SHA-256 of the state, and of names, types, shapes and bytes of all tensors, by name."""
    found = sha256(state.encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def _fill(targets: Mapping[str, Tensor], wholes: Mapping[str, Tensor]) -> None:
    """RuntimeError or KeyError when they are not of the same names and shapes."""
    if targets.keys() != wholes.keys():
        raise KeyError(*sorted(targets.keys() ^ wholes.keys())[:1])
    for name, target in targets.items():
        fill(target, wholes[name])


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
