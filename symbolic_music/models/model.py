"""Model folders: model.safetensors, config.json and a card; loading one is enough to use it.

config.json names the architecture and its shape, the tokenizer with its options and the SHA-256 of what its ids mean
(`tokenizers.fingerprint`), the view, and the card. Nothing is unpickled.
"""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic

import torch
from torch import nn
from typing_extensions import TypeVar

from symbolic_music import tokenizers
from symbolic_music.bundled import bundled_folder, bundled_folders
from symbolic_music.errors import ModelError, OptionError, TokenError, UnknownNameError
from symbolic_music.models import registry
from symbolic_music.models.architectures.anticipatory import AnticipatoryTransformer
from symbolic_music.models.checkpoints import public
from symbolic_music.models.checkpoints.safetensors_folder import (
    WEIGHTS,
    Undrawn,
    check_weights,
    fill,
    open_weights,
    read_config,
    stored,
    write_folder,
)
from symbolic_music.models.config_checks import Number, Numbers, Sizes, Texts, checked
from symbolic_music.models.protocol import Reads
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.version import __version__

DEFAULT_MODEL = "chorales"
Network = TypeVar("Network", bound=nn.Module, default=AnticipatoryTransformer)


@checked
@dataclass(frozen=True)
class Card:
    """The description of a model: size, licence, training data, figures.

    Examples:
        >>> sm.models.Card("mine", 1_000_000, "CC0-1.0", "my own pieces").license
        'CC0-1.0'
    """

    name: str
    parameters: int
    license: str
    data: str
    description: str = ""
    command: str = ""
    figures: dict[str, Number] = field(default_factory=dict)
    renamed: ClassVar[Mapping[str, str]] = {"licence": "license"}

    @property
    def licence(self) -> str:
        """Now `license`, as SPDX and the hub spell it."""
        warnings.warn("Card.licence is now Card.license", DeprecationWarning, stacklevel=2)
        return self.license

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Card:
        """A card as files and `--json` have it, where the licence is spelt `licence`. TypeError when it is none."""
        return cls(**{"license" if key == "licence" else key: value for key, value in dict(record).items()})

    def record(self) -> dict[str, Any]:
        """The card as files and `--json` have it."""
        return {"licence" if key == "license" else key: value for key, value in dataclasses.asdict(self).items()}


@checked
@dataclass(frozen=True)
class View:
    """How a score is converted for a model, and new notes back to the score.

    For an anticipatory transformer of musical time, every score is encoded at a constant tempo, and new notes take the
    tempo of the score. With parts, a note that is struck again at once is encoded as one held note.

    Args:
        quarters_per_minute: that tempo.
        parts: instruments that stand for the tracks of a score, highest first; each sounds one note at a time. None
            if the model uses the instruments of tracks.
        names: of the parts, for scores written from nothing.
        centres: mean pitch of each part in the training data, by which tracks are assigned to parts.

    Raises:
        ModelError: for fields of other types or lengths.
    """

    quarters_per_minute: Number
    parts: Sizes
    names: Texts = ()
    centres: Numbers = ()

    def __post_init__(self) -> None:
        if self.quarters_per_minute <= 0:
            raise ModelError(f"the tempo of a view is above 0, not {self.quarters_per_minute}")
        if not len(self.parts) == len(self.names) == len(self.centres):
            raise ModelError("a view has as many names and centres as parts")


@dataclass(frozen=True)
class Model(Generic[Network]):
    """A network with its card, its tokenizer, and its view of scores.

    Args:
        network: of the ids of `tokenizer`.
        card: what it is.
        view: the conversion of scores; without parts if there is none.
        tokenizer: the anticipatory ids when omitted.

    Raises:
        ModelError: when network and tokenizer have vocabularies of different sizes.

    Examples:
        >>> model = sm.load_model("chorales")
        >>> model.card.name, model.tokenizer.name
        ('chorales', 'anticipation')
    """

    network: Network
    card: Card
    view: View = View(120.0, ())
    tokenizer: tokenizers.Tokenizer = field(default_factory=lambda: tokenizers.get("anticipation"))

    def __post_init__(self) -> None:
        known, spoken = self.tokenizer.vocabulary.sizes, _sizes(self.network)
        if known != spoken:
            name = f"{self.tokenizer.name} ({self.tokenizer.preset})"
            raise ModelError(f"the network has a vocabulary of {_told(spoken)} ids, tokenizer {name} {_told(known)}")

    def __repr__(self) -> str:
        kind, tokenizer = type(self.network).__name__, self.tokenizer
        return (
            f"Model({self.card.name}, {kind}, {self.card.parameters:,} parameters, "
            f"tokenizer {tokenizer.name} ({tokenizer.preset}), {self.device})"
        )

    @property
    def reads(self) -> Reads:
        """The inputs and outputs of the network; see `protocol.Reads`."""
        found: Reads = getattr(self.network, "reads", "ids")
        return found

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(self.network.parameters()).device


def save_model(model: Model[Any], folder: str | Path, dtype: torch.dtype = torch.float16) -> Path:
    """Write a model folder atomically.

    Args:
        model: what to write.
        folder: created if missing; other files in it stay.
        dtype: of the weights in the file. They are loaded as float32.

    Raises:
        ModelError: when weights are not finite, or too large for the type.
        UnknownNameError: when the network is not of a registered architecture.
        FileError: when it cannot be written.

    Examples:
        >>> folder = sm.models.save_model(sm.load_model("chorales"), "copy")
        >>> sm.load_model(folder).card.name
        'chorales'
    """
    named = model.tokenizer.to_config()
    name, preset = named.pop("name"), named.pop("preset")
    config = {
        "architecture": registry.name_of(model.network),
        "library_version": __version__,
        "tokenizer": {
            "name": name,
            "preset": preset,
            "options": named,
            "sha256": tokenizers.fingerprint(model.tokenizer),
        },
        "network": dataclasses.asdict(model.network.config),
        "view": dataclasses.asdict(model.view),
        "card": model.card.record(),
    }
    return write_folder(folder, config, {k: stored(k, x, dtype) for k, x in model.network.state_dict().items()})


def load_model(name_or_path: str | Path | None = None, device: str = "auto", offline: bool = False) -> Model[Any]:
    """Load a model; the default is the bundled chorale model.

        sm.load_model("song")

    Public checkpoints come from the Hugging Face hub on first use and stay in its cache; their size and licence are
    logged before, and a licence for non-commercial use whenever the model is loaded.

    Args:
        name_or_path: name of a bundled model; a model folder, one of ours or in the layout of one of the public
            families; the short name of a public model (`amt-small`, see `checkpoints.catalogue`); or the id of a
            repository on the hub, owner/name.
        device: auto (CUDA, then MPS, then the CPU), cpu, cuda or mps.
        offline: do not use the network; the variable HF_HUB_OFFLINE does the same.

    Raises:
        UnknownNameError: for an unknown name.
        ModelError: when the folder's parts are missing, broken, or do not fit each other; when the ids of the
            tokenizer that it names have changed since; when the hub cannot be reached or does not have it; when the
            memory does not suffice.
        MissingExtraError: when its tokenizer or architecture, or the hub, needs a package that is not installed.
        MissingWeightsError: when it is a bundled model of the package of models, which is not installed.
    """
    name = str(name_or_path) if name_or_path is not None else DEFAULT_MODEL
    where = resolve_device(device)
    folder = bundled_folder(name) or Path(name)
    # Not Path.is_dir, which raises of a name too long.
    is_lone = os.path.isdir(folder) and public.lone_file(folder) is not None
    config = read_config(folder) if os.path.isdir(folder) and not is_lone else None
    if config is not None and "architecture" not in config and os.path.isfile(folder / "best" / "config.json"):
        raise ModelError(f"{name} is the folder of a run; its model is {name}/best")
    if config is None or public.is_theirs(config):
        return _public(name, where, offline)
    model = _of_folder(folder, config, where)
    public.say_licence(model.card.name, model.card.license)
    return model


def _public(name: str, where: torch.device, offline: bool) -> Model[Any]:
    """A checkpoint of others."""
    opened, known = public.open_public(name, [*bundled_folders()], offline)
    public.say_licence(known.name, known.license)
    count = public.parameters_of(opened.network)
    card = Card(known.name, count, known.license, known.data, f"public checkpoint of the family {known.family}")
    return Model(opened.network.to(where), card, View(120.0, ()), opened.tokenizer)


def _of_folder(folder: Path, config: dict[str, Any], where: torch.device) -> Model[Any]:
    """A model folder of ours."""
    architecture, shape = _shape(folder, config)
    tokenizer = _tokenizer(folder, config)
    with _fitting(folder):
        view = View(**config["view"]) if "view" in config else View(120.0, ())
        card = Card.of_record(config["card"])
    path = folder / WEIGHTS
    if not path.is_file():
        raise ModelError(f"{folder} has no {WEIGHTS} (pickles such as .bin, .pt and .ckpt are not read)")
    with open_weights(path) as weights:
        model: Model[Any] = Model(_outline(architecture, shape, weights, folder), card, view, tokenizer)
        check_weights(model.network, weights, folder)
        with Undrawn():
            network = architecture.model(shape)
        fill(network, weights, folder)
    return dataclasses.replace(model, network=network.eval().to(where))


@contextmanager
def _fitting(folder: Path) -> Iterator[None]:
    """ModelError for what a part of a config cannot be made of."""
    try:
        yield
    except (ModelError, KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise ModelError(f"{folder}/config.json does not fit this version ({error})") from None


def _shape(folder: Path, config: dict[str, Any]) -> tuple[registry.Architecture, Any]:
    """The architecture of a folder, and the config of its network."""
    name, shape = config.get("architecture"), config.get("network")
    try:
        architecture = registry.get(name) if isinstance(shape, dict) else None  # type: ignore[arg-type]
    except UnknownNameError:
        architecture = None
    if architecture is None:
        raise ModelError(f"{folder}/config.json names no architecture of {', '.join(registry.names())} and its network")
    with _fitting(folder):
        return architecture, architecture.shaped(shape)


def _outline(architecture: registry.Architecture, shape: Any, weights: Any, folder: Path) -> nn.Module:
    """The network of a config without memory for its weights."""
    count = len(weights.keys())
    for name, value in dataclasses.asdict(shape).items():
        # Every layer has a weight; objects alone for what a config may ask would fill the memory.
        if name.endswith("layers") and value > count:
            raise ModelError(f"{folder / WEIGHTS} has {count} tensors; that is too few for {value:,} {name}")
    with _fitting(folder), torch.device("meta"), Undrawn():
        return architecture.model(shape)


def _tokenizer(folder: Path, config: dict[str, Any]) -> tokenizers.Tokenizer:
    """The tokenizer of a config. One without a hash is taken as it is: the first model folders had none."""
    named = config.get("tokenizer")
    if not isinstance(named, dict) or not isinstance(named.get("options", {}), dict):
        raise ModelError(f"{folder}/config.json names no tokenizer")
    try:
        tokenizer = tokenizers.get(str(named.get("name")), preset=named.get("preset"), **named.get("options", {}))
    except (UnknownNameError, OptionError, TokenError, TypeError, ValueError) as error:
        raise ModelError(f"{folder}/config.json names a tokenizer that this version does not have: {error}") from None
    if "sha256" in named and named["sha256"] != tokenizers.fingerprint(tokenizer):
        version = config.get("library_version", "another version")
        raise ModelError(
            f"{folder} has ids that tokenizer {tokenizer.name} ({tokenizer.preset}) no longer produces: "
            f"use symbolic-music {version}, which saved it, or train it again"
        )
    return tokenizer


def _sizes(network: nn.Module) -> tuple[int, ...]:
    """Number of ids of a network, by field."""
    config = network.config
    sizes = getattr(config, "sizes", None)
    return tuple(sizes) if sizes is not None else (getattr(config, "vocabulary", v.SIZE),)


def _told(sizes: tuple[int, ...]) -> str:
    return f"{sizes[0]:,}" if len(sizes) == 1 else " + ".join(map(str, sizes))


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


def list_models() -> list[Card]:
    """Cards of the models that come with the package.

    Examples:
        >>> free = [card.name for card in sm.list_models() if "NC" not in card.license]
    """
    return [Card.of_record(read_config(folder)["card"]) for folder in bundled_folders().values()]
