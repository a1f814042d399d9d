"""Read the tensors of a checkpoint one at a time, from safetensors or from torch.save.

A file is mapped into memory only while tensors are taken from it, and is let go of from time to time: what has been
copied out of it does not count twice. Nothing is unpickled but tensors, by torch's restricted reader.
"""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from symbolic_music.errors import ModelError
from symbolic_music.models.checkpoints.config_and_weights import open_weights, read_json

# In this order: what is looked for in a folder.
WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
# Of another file that is taken where it is the only one.
LONE_SUFFIXES = (".safetensors", ".ckpt", ".bin", ".pth", ".pt")
# A pickle is mapped anew after this many bytes: the pages that were read are given back.
_MOST_MAPPED = 16 << 20
# Keys under which training scripts keep the weights, beside an optimizer's state, which is not needed here.
_NESTED = ("model", "model_state_dict", "state_dict")


class CheckpointTensors:
    """Tensors of some files by name; shapes are known at once, numbers are read on access.

    Args:
        files: .safetensors, or what torch.save wrote.
        rename: from a file's name of a tensor to the one that it is requested by; None leaves it out.
        where: named in errors.

    Raises:
        ModelError: when a file is broken, a pickle of more than tensors, or has a name twice.
    """

    def __init__(
        self, files: Sequence[Path], rename: Callable[[str], str | None] = lambda name: name, where: Path | None = None
    ) -> None:
        self.where = where or files[0].parent
        self._places: dict[str, tuple[Path, str]] = {}  # name -> (file, its name there)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._open: tuple[Path, dict[str, Tensor]] | None = None
        self._mapped = 0
        for path in files:
            for key, shape in self._shapes(path):
                name = rename(key)
                if name is None:
                    continue
                if name in self._places:
                    raise ModelError(f"{self.where} has {name} more than once")
                self._places[name] = (path, key)
                self.shapes[name] = shape

    @classmethod
    def of_folder(cls, folder: Path, rename: Callable[[str], str | None] = lambda name: name) -> CheckpointTensors:
        """The tensors of a folder, in the first kind of file that exists: see `WEIGHT_FILES`."""
        return cls(list(weight_files(folder)), rename, folder)

    def tensor(self, name: str) -> Tensor:
        """A tensor of floats, on the CPU. ModelError for one of other numbers."""
        path, key = self._places[name]
        if path.suffix == ".safetensors":
            with open_weights(path) as file:
                tensor: Tensor = file.get_tensor(key)
        else:
            tensor = self._pickled(path)[key]
            self._mapped += tensor.numel() * tensor.element_size()
        if not tensor.is_floating_point():
            raise ModelError(f"{self.where}: {name} is of {str(tensor.dtype).removeprefix('torch.')}, not of floats")
        return tensor

    def check(self, wanted: Mapping[str, tuple[int, ...]], kind: str, optional: Mapping[str, tuple[int, ...]]) -> None:
        """ModelError unless the names and shapes are those wanted, and at most the optional ones besides.

        Args:
            wanted: shape of each name.
            kind: what the tensors are of, as in "no GPT-2 of its config has".
            optional: shape of each name that may be there.
        """
        missing = [name for name in wanted if name not in self.shapes]
        if missing:
            raise ModelError(f"{self.where} lacks {some(missing)}")
        unknown = [name for name in self.shapes if name not in wanted and name not in optional]
        if unknown:
            raise ModelError(f"{self.where} has tensors that no {kind} of its config has: {some(unknown)}")
        for name, shape in (*wanted.items(), *optional.items()):
            found = self.shapes.get(name, shape)
            if found != shape:
                raise ModelError(f"{self.where}: {name} has shape {found}, its config.json makes it {shape}")

    def check_joined(
        self,
        network: nn.Module,
        names: Mapping[str, Sequence[str]],
        kind: str,
        others: Mapping[str, tuple[int, ...]] | None = None,
        optional: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        """`check` for a network whose matrices are each the rows of some of the checkpoint's, one after the other.

        Args:
            network: may be of the meta device.
            names: for its parameters those of the checkpoint; parameters without a name are left aside.
            kind: as in `check`.
            others, optional: shapes of further tensors of the checkpoint, that must and that may be there.
        """
        wanted: dict[str, tuple[int, ...]] = {}
        for name, parameter in network.named_parameters():
            own, shape = names.get(name, ()), tuple(parameter.shape)
            for theirs in own:
                # Of several together the sum is compared below.
                rows = self.shapes.get(theirs, shape)[0] if len(own) > 1 else shape[0]
                wanted[theirs] = (rows, *shape[1:])
            joined = sum(wanted[theirs][0] for theirs in own)
            if len(own) > 1 and all(theirs in self.shapes for theirs in own) and joined != shape[0]:
                raise ModelError(
                    f"{self.where}: {', '.join(own)} have {joined} rows, its config.json makes it {shape[0]}"
                )
        self.check({**wanted, **(others or {})}, kind, optional or {})

    def _shapes(self, path: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
        if path.suffix == ".safetensors":
            with open_weights(path) as file:
                yield from [(str(key), tuple(file.get_slice(key).get_shape())) for key in file.keys()]  # noqa: SIM118
        else:
            yield from [(key, tuple(tensor.shape)) for key, tensor in self._pickled(path).items()]

    def _pickled(self, path: Path) -> dict[str, Tensor]:
        if self._open is None or self._open[0] != path or self._mapped > _MOST_MAPPED:
            self._open, self._mapped = None, 0
            self._open = path, unpickled(path)
        return self._open[1]


@torch.no_grad()
def copy_into(parameter: Tensor, tensor: Tensor, name: str, where: Path) -> None:
    """Fill a parameter. ModelError when a number is not finite.

    The sum is looked at, which takes no memory: any number that is not finite shows in it.
    """
    if not parameter.copy_(tensor).sum().isfinite():
        raise ModelError(f"{where}: {name} is not finite")


def weight_files(folder: Path) -> Iterator[Path]:
    """The files with the tensors, of the first kind that exists, else the only one; ModelError if there are none."""
    for name in WEIGHT_FILES:
        if not (folder / name).is_file():
            continue
        if not name.endswith(".json"):
            yield folder / name
            return
        placed = read_json(folder / name).get("weight_map")
        if not isinstance(placed, dict) or not placed:
            raise ModelError(f"{folder / name} has no weight_map")
        for part in sorted({str(part) for part in placed.values()}):
            # An index must not lead out of its folder.
            if Path(part).name != part or not (folder / part).is_file():
                raise ModelError(f"{folder / name} names {part}, which is not in its folder")
            yield folder / part
        return
    others = [path for path in sorted(folder.glob("*")) if path.suffix in LONE_SUFFIXES and path.is_file()]
    if len(others) != 1:
        raise ModelError(f"{folder} has no weights: none of {', '.join(WEIGHT_FILES)}")
    yield others[0]


def unpickled(path: Path) -> dict[str, Tensor]:
    """The tensors of a file that torch.save wrote; nothing else in it is let in.

    Of a training script's file, in which they lie under `model` or a like key, the other keys are left alone: they are
    mapped with the file and never read.
    """
    try:
        with warnings.catch_warnings():
            # Of a pickle that torch did not write: it is read or refused all the same.
            warnings.simplefilter("ignore")
            tensors = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError:
        raise ModelError(
            f"{path} is a pickle of more than tensors and might run code, or it is damaged: it is not loaded; "
            "use the model as safetensors"
        ) from None
    except Exception as error:  # of what a damaged one raises there is no list: struct.error, AssertionError, ...
        reason = " ".join(str(error).split())[:120]
        raise ModelError(f"{path} is broken ({type(error).__name__}: {reason})") from None
    if isinstance(tensors, dict):
        tensors = next((tensors[key] for key in _NESTED if isinstance(tensors.get(key), dict)), tensors)
    if not isinstance(tensors, dict) or not all(map(_is_plain, tensors.values())):
        raise ModelError(f"{path} holds no table of plain tensors")
    # The output matrix may be the embedding once more; else a small file would ask for much memory.
    if sum(x.numel() * x.element_size() for x in tensors.values()) > 2 * path.stat().st_size:
        raise ModelError(f"{path} has tensors of more numbers than it holds")
    return {str(key): tensor for key, tensor in tensors.items()}


def some(names: Sequence[str]) -> str:
    """The first few of some names."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _is_plain(value: object) -> bool:
    """Whether a value is a tensor that holds all of its numbers."""
    return isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu"


class ConfigReader:
    """Fields of another project's config.json; ModelError names the file, the field and what it should be."""

    def __init__(self, theirs: Mapping[str, Any], folder: Path) -> None:
        self._theirs, self._folder = theirs, folder

    def whole(self, name: str, *others: str, default: int | None = None) -> int:
        """A whole number of at least 1, under the first of some names that is there."""
        value = next((self._theirs[key] for key in (name, *others) if self._theirs.get(key) is not None), default)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 1 << 31:
            raise ModelError(f"{self._folder}/config.json: {name} is a whole number of at least 1, not {value!r:.60}")
        return value

    def share(self, name: str, default: float) -> float:
        """A number from 0 to below 1."""
        value = self._theirs.get(name, default)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < 1:
            raise ModelError(f"{self._folder}/config.json: {name} is a number from 0 to 1, not {value!r:.60}")
        return float(value)

    def known(self, **values: Any) -> None:
        """Fields that, where they are, may have one value alone."""
        for name, only in values.items():
            found = self._theirs.get(name, only)
            if type(found) is not type(only) or found != only:
                raise ModelError(f"{self._folder}/config.json has {name} = {found!r:.60}; only {only!r} is known here")
