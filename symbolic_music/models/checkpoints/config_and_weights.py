"""Model folders: config.json and model.safetensors, written together, read without unpickling."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from typing_extensions import override

from symbolic_music.errors import FileError, ModelError

CONFIG, WEIGHTS = "config.json", "model.safetensors"
# A config that is larger is not a config.
_MOST_CONFIG_BYTES = 16 << 20


def write_folder(folder: str | Path, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Path:
    """Write both files of a model folder, which is made if need be. Other files in it stay.

    Both are written beside their places and then renamed. A config that is there is taken away before the weights
    change, so that at no time a config stands beside weights that are not its own.

    Raises:
        FileError: when that cannot be done; a model that was there before is then still whole, or has no config.
    """
    folder, beside = Path(folder), None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=folder, prefix=".saving."))
        (beside / CONFIG).write_text(json.dumps(config, indent=2) + "\n")
        # transformers refuses files that do not say what framework they are of.
        save_file(dict(weights), beside / WEIGHTS, metadata={"format": "pt"})
        (folder / CONFIG).unlink(missing_ok=True)
        os.replace(beside / WEIGHTS, folder / WEIGHTS)
        os.replace(beside / CONFIG, folder / CONFIG)
    except (OSError, SafetensorError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise FileError(f"cannot write a model to {folder}: {reason or error}") from None
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)
    return folder


def read_config(folder: Path) -> dict[str, Any]:
    """Read config.json. ModelError when it is missing or not a JSON object."""
    path = folder / CONFIG
    return read_json(path)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. ModelError when the file is missing, or not a JSON object."""
    check_regular(path)
    try:
        if path.stat().st_size > _MOST_CONFIG_BYTES:
            raise ModelError(f"{path} is too large for a config (over {_MOST_CONFIG_BYTES >> 20} MiB)")
        content = json.loads(path.read_bytes())
    except OSError:
        raise ModelError(f"{path.parent} has no {path.name}") from None
    except (ValueError, RecursionError):
        raise ModelError(f"{path} is not JSON") from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} is not a JSON object")
    return content


def check_regular(path: Path) -> None:
    """ModelError for a pipe or a device in the place of a file of a model folder: reading it would wait without end."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ModelError(f"{path} is no regular file")


@contextmanager
def open_weights(path: Path) -> Iterator[Any]:
    """A safetensors file, as `safetensors.safe_open` gives it: tensors are read on access.

    Raises:
        ModelError: when it is missing or broken; also for what is found broken while it is open.
    """
    check_regular(path)
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except FileNotFoundError:
        raise ModelError(f"{path.parent} has no {path.name}") from None
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is broken, or not safetensors ({error})") from None


def stored(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """A tensor as a file keeps it. ModelError when it is not finite."""
    if not tensor.is_floating_point():
        return tensor.detach().cpu().contiguous()
    kept = tensor.detach().to("cpu", dtype).contiguous()
    if not torch.isfinite(kept).all():
        raise ModelError(f"weights of {name} are not finite as {str(dtype).removeprefix('torch.')}: nothing is saved")
    return kept


def check_weights(network: nn.Module, weights: Any, folder: Path) -> None:
    """ModelError unless a file holds exactly the weights of a network."""
    found = {str(name): tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    for name in (*wanted, *found):
        if found.get(name) != wanted.get(name):
            raise ModelError(
                f"{folder / WEIGHTS} does not fit its config.json: {name} is {found.get(name, 'missing')} there, "
                f"{wanted.get(name, 'unknown')} here"
            )


@torch.no_grad()
def fill(network: nn.Module, weights: Any, folder: Path) -> None:
    """Copy the weights of a file into a network, one at a time."""
    for name, own in network.state_dict().items():
        tensor = weights.get_tensor(name)
        if tensor.is_floating_point() != own.is_floating_point() or tensor.is_complex():
            kinds = [str(x.dtype).removeprefix("torch.") for x in (tensor, own)]
            raise ModelError(f"{folder / WEIGHTS}: {name} is of {kinds[0]} there, {kinds[1]} here")
        if not own.copy_(tensor).sum().isfinite():
            raise ModelError(f"{folder / WEIGHTS}: {name} is not finite")


class Undrawn(TorchFunctionMode):
    """Networks that are made within draw no random weights: for those that get a file's weights afterwards.

    It saves the time, leaves torch's generator alone, and on the meta device the import of torch's compiler (3 s),
    by which torch draws there and multiplies.
    """

    _RANDOM = frozenset(
        getattr(Tensor, name)
        for name in ("normal_", "uniform_", "trunc_normal_", "bernoulli_", "exponential_", "cauchy_", "log_normal_")
        if hasattr(Tensor, name)
    )

    @override
    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func in self._RANDOM or getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else named["tensor"]
        if func is torch.randn:
            return torch.empty(*args, **{name: value for name, value in named.items() if name != "generator"})
        if func is Tensor.mul and args[0].is_meta and isinstance(args[1], float):
            return args[0]
        return func(*args, **named)
