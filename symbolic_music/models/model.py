"""A model: a network, its tokenizer, its view of a piece, and its card; a folder holds all of it.

config.json names the architecture and its shape, the tokenizer with its options and the SHA-256 of what its ids mean
(`tokenizers.fingerprint`), the view, and the card. Nothing is unpickled.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic

import torch
from torch import nn
from typing_extensions import TypeVar

from symbolic_music import tokenizers
from symbolic_music.errors import ModelError
from symbolic_music.models.architectures.anticipatory import AnticipatoryTransformer
from symbolic_music.models.config_checks import Number, Numbers, Sizes, Texts, checked
from symbolic_music.models.protocol import Reads
from symbolic_music.tokenizers.anticipation import vocabulary as v

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


def _sizes(network: nn.Module) -> tuple[int, ...]:
    """Number of ids of a network, by field."""
    config = network.config
    sizes = getattr(config, "sizes", None)
    return tuple(sizes) if sizes is not None else (getattr(config, "vocabulary", v.SIZE),)


def _told(sizes: tuple[int, ...]) -> str:
    return f"{sizes[0]:,}" if len(sizes) == 1 else " + ".join(map(str, sizes))
