"""Networks of public families with lighter weights: each linear layer in a format that is read faster."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from symbolic_music.generation.inference.linear import MakeMatrix, Matrix
from symbolic_music.models.architectures.aria import Aria
from symbolic_music.models.architectures.gpt2 import GPT2
from symbolic_music.models.architectures.midi_llm import MidiLlm
from symbolic_music.models.architectures.skytnt import SkyTnt

FAMILIES = (Aria, GPT2, MidiLlm, SkyTnt)
_HEAD = "head"


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
