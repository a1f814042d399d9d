"""Checkpoints: safetensors for tensors, JSON for the rest, written whole or not at all; nothing is unpickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from symbolic_music.errors import TrainingError
from symbolic_music.io.atomic import write_bytes

_FILE = "checkpoint.safetensors"


def save_checkpoint(
    folder: Path, model: nn.Module, average: dict[str, Tensor], optimizer: torch.optim.Optimizer, state: dict[str, Any]
) -> None:
    """Write weights, averaged weights, optimizer and torch's random state in one file.

    Args:
        state: step, config and whatever else is JSON; kept in the file's metadata.
    """
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in values.items()}
    tensors["rng"] = torch.get_rng_state()
    contiguous = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    write_bytes(folder / _FILE, save(contiguous, metadata={"state": json.dumps(state)}))


def load_checkpoint(
    folder: Path, model: nn.Module, average: dict[str, Tensor], optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    """Put a checkpoint back into model, average, optimizer and torch's random state; returns `state`.

    Raises:
        TrainingError: when there is none, or it does not fit.
    """
    path = folder / _FILE
    try:
        data = path.read_bytes()
        tensors = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        state: dict[str, Any] = json.loads(header["__metadata__"]["state"])
    except OSError:
        raise TrainingError(f"nothing to resume: no checkpoint in {folder}") from None
    except (SafetensorError, ValueError, KeyError) as error:
        raise TrainingError(f"checkpoint {path} is broken ({error})") from None
    try:
        model.load_state_dict(_part(tensors, "model."))
    except RuntimeError as error:
        raise TrainingError(f"checkpoint {path} is of another model: {str(error).splitlines()[0]}") from None
    for name, value in _part(tensors, "average.").items():
        average[name].copy_(value)
    groups = optimizer.state_dict()["param_groups"]
    slots: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(tensors, "optimizer.").items():
        index, key = name.split(".", 1)
        slots.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": slots, "param_groups": groups})
    torch.set_rng_state(tensors["rng"])
    return state


def has_checkpoint(folder: Path) -> bool:
    """Whether a run in this folder can be resumed."""
    return (folder / _FILE).is_file()


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
