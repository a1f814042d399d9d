"""Model folders: model.safetensors, config.json and a card; loading one is enough to use it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from symbolic_music.errors import FileError, ModelError, OptionError, UnknownNameError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.models.anticipatory import AnticipatoryConfig, AnticipatoryTransformer

DEFAULT_MODEL = "chorales"
_ARCHITECTURE = "anticipatory"
_TOKENIZER = "anticipation"


@dataclass(frozen=True)
class Card:
    """What a model is: for people and for `symbolic-music models`."""

    name: str
    parameters: int
    licence: str
    data: str
    description: str = ""
    command: str = ""
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """How a score is shown to a model, and how what the model writes is put back.

    The model lives in musical time: every score is laid at a constant tempo before it is encoded, and what is
    written takes the score's own tempo. A note struck again at once is shown as one held note.

    Args:
        quarters_per_minute: that tempo.
        parts: instruments that stand for the tracks of a score, highest first; each sounds one note at a time.
        names: of the parts, for scores written from nothing.
        centres: mean pitch of each part in the training data, by which tracks are told to be which part.
    """

    quarters_per_minute: float
    parts: tuple[int, ...]
    names: tuple[str, ...] = ()
    centres: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("parts", "names", "centres"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not len(self.parts) == len(self.names) == len(self.centres):
            raise TypeError("a view has as many names and centres as parts")


@dataclass(frozen=True)
class Model:
    """A network with its card and its view of scores. `network` speaks the ids of `tokenizer`."""

    network: AnticipatoryTransformer
    card: Card
    view: View
    tokenizer: str = _TOKENIZER

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device


def save_model(model: Model, folder: str | Path) -> Path:
    """Write a model folder: weights in float16, config, card. FileError when it cannot be written."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make folder {folder}: {error.strerror}") from None
    weights = {k: v.detach().cpu().half().contiguous() for k, v in model.network.state_dict().items()}
    config = {
        "architecture": _ARCHITECTURE,
        "tokenizer": {"name": model.tokenizer, "preset": "default"},
        "network": dataclasses.asdict(model.network.config),
        "view": dataclasses.asdict(model.view),
        "card": dataclasses.asdict(model.card),
    }
    write_bytes(folder / "model.safetensors", save(weights))
    write_bytes(folder / "config.json", (json.dumps(config, indent=2) + "\n").encode())
    return folder


def load_model(name_or_path: str | Path | None = None, device: str = "auto") -> Model:
    """Load a bundled model by name, or a model folder by path; the default is the bundled chorale model.

    Raises:
        UnknownNameError: when it is neither.
        ModelError: when the folder's parts are missing, broken, or do not fit each other.
    """
    name = str(name_or_path) if name_or_path is not None else DEFAULT_MODEL
    folder = Path(name)
    if name in _bundled_folders():
        folder = _bundled_folders()[name]
    elif not folder.is_dir():
        known = ", ".join(sorted(_bundled_folders())) or "none"
        raise UnknownNameError(f"no model named {name!r} and no such folder; bundled models: {known}")
    config = _read_config(folder)
    try:
        network = AnticipatoryTransformer(AnticipatoryConfig(**config["network"]))
        card, view = Card(**config["card"]), View(**config["view"])
        weights = load((folder / "model.safetensors").read_bytes())
        network.load_state_dict({k: v.float() for k, v in weights.items()})
    except (TypeError, KeyError) as error:
        raise ModelError(f"{folder}/config.json does not fit this version ({error})") from None
    except OSError:
        raise ModelError(f"{folder} has no model.safetensors") from None
    except SafetensorError as error:
        raise ModelError(f"{folder}/model.safetensors is broken ({error})") from None
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{folder}/model.safetensors does not fit its config.json ({reason})") from None
    return Model(network.eval().to(resolve_device(device)), card, view)


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text())
    except OSError:
        raise ModelError(f"{folder} has no config.json") from None
    except ValueError:
        raise ModelError(f"{folder}/config.json is not JSON") from None
    if not isinstance(config, dict) or config.get("architecture") != _ARCHITECTURE:
        raise ModelError(f"{folder}/config.json does not name the architecture {_ARCHITECTURE!r}")
    if config.get("tokenizer", {}).get("name") != _TOKENIZER:
        raise ModelError(f"{folder}/config.json names another tokenizer than {_TOKENIZER!r}")
    return config


def resolve_device(device: str) -> torch.device:
    """auto (CUDA, then MPS, then the CPU), cpu, cuda or mps; OptionError for one that is not there."""
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return torch.device(next(d for d in ("cuda", "mps", "cpu") if available[d]))
    if device not in available:
        raise OptionError(f"unknown device {device!r}: choose from auto, cpu, cuda, mps")
    if not available[device]:
        raise OptionError(f"device {device} is not available here; use --device auto")
    return torch.device(device)


def bundled() -> list[Card]:
    """Cards of the models that come with the package."""
    return [Card(**_read_config(folder)["card"]) for _, folder in sorted(_bundled_folders().items())]


def _bundled_folders() -> dict[str, Path]:
    root = Path(str(resources.files("symbolic_music") / "weights"))
    return {path.name: path for path in root.iterdir() if (path / "config.json").is_file()} if root.is_dir() else {}
