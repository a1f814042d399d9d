"""Models of the public families with weights in another format: float16, bfloat16, int8, or packed float32."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from symbolic_music.errors import OptionError
from symbolic_music.generation.inference.fastest_weights import fastest_weights
from symbolic_music.generation.inference.prepared_gpt2 import PreparedGPT2
from symbolic_music.generation.inference.weight_formats import MakeMatrix, Matrix, matrix_maker, packed_where_possible
from symbolic_music.models import Model
from symbolic_music.models.architectures.aria import Aria
from symbolic_music.models.architectures.gpt2 import GPT2
from symbolic_music.models.architectures.midi_llm import MidiLlm
from symbolic_music.models.architectures.skytnt import SkyTnt
from symbolic_music.tokenizers.anticipation import vocabulary as v

FAMILIES = (Aria, GPT2, MidiLlm, SkyTnt)
_HEAD = "head"


def with_weights(model: Model[Any], weights: str) -> Model[Any]:
    """A model of a public family with weights in another format, for sampling: see `PreparedGPT2`.

    Args:
        model: not changed; it need not be kept.
        weights: float32, in the order that is read fastest; float16, bfloat16 or int8; auto for the fastest on this
            machine, which is measured once for these shapes (`fastest_weights`). What is drawn then depends on the
            machine.

    Raises:
        OptionError: when its network is of none of these families, and as `PreparedGPT2`.

    Examples:
        >>> network = sm.models.GPT2(sm.models.GPT2Config(width=32, layers=2, heads=2)).eval()
        >>> model = sm.models.Model(network, sm.models.Card("small", 1, "CC0-1.0", "none"))
        >>> sm.generation.with_weights(model, "int8").card.name
        'small'
    """
    network = model.network
    if not isinstance(network, FAMILIES):
        raise OptionError(
            f"model {model.card.name!r} has no {weights} weights: they are for models of the public families"
        )
    if weights == "auto":
        weights = fastest_weights(network)
    make = matrix_maker(weights, network.embedding.weight)
    make = packed_where_possible if weights == "float32" else make
    if isinstance(network, GPT2) and network.config.vocabulary == v.SIZE:
        return replace(model, network=PreparedGPT2(network, make))
    return replace(model, network=lightened(network, make))


def packed(model: Model[Any]) -> Model[Any]:
    """The model, of a public family that edits by its ids, with float32 weights in the order that is read fastest.

    Its network is changed: nothing but sampling can be done with it afterwards.
    """
    network = model.network
    if isinstance(network, FAMILIES) and not (isinstance(network, GPT2) and network.config.vocabulary == v.SIZE):
        lighten(network, packed_where_possible)
    return model


class LightLinear(nn.Module):
    """A linear layer as a `Matrix`; it has no parameters and gives no gradient."""

    def __init__(self, matrix: Matrix) -> None:
        super().__init__()
        self._matrix = matrix

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        return self._matrix(x.flatten(0, -2)).view(*x.shape[:-1], -1)


def lightened(network: nn.Module, make: MakeMatrix) -> nn.Module:
    """A network whose linear layers are made anew; embeddings, norms and the head are those of the first.

    The head stays what it is because samplers ask it for some of the ids alone.

    Args:
        network: of one of the `FAMILIES`; it is not changed.
        make: of a weight (out, in) and a bias.
    """
    twin = copy.copy(network)
    twin._modules = {
        name: child if child is None or name == _HEAD else _copied(child, make)
        for name, child in network._modules.items()
    }
    return twin


def _copied(module: nn.Module, make: MakeMatrix) -> nn.Module:
    if isinstance(module, nn.Linear):
        return _light(module, make)
    twin = copy.copy(module)
    twin._modules = {name: child and _copied(child, make) for name, child in module._modules.items()}
    return twin


def lighten(network: nn.Module, make: MakeMatrix) -> None:
    """As `lightened`, but the network itself, layer by layer: it takes little more memory meanwhile."""
    for module in list(network.modules()):
        for name, child in module._modules.items():
            if isinstance(child, nn.Linear) and name != _HEAD:
                module._modules[name] = _light(child, make)


def _light(linear: nn.Linear, make: MakeMatrix) -> LightLinear:
    return LightLinear(make(linear.weight.detach(), None if linear.bias is None else linear.bias.detach()))
