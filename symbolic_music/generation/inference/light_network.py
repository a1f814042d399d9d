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


class LightLinear(nn.Module):
    """A linear layer as a `Matrix`; it has no parameters and gives no gradient."""

    def __init__(self, matrix: Matrix) -> None:
        super().__init__()
        self._matrix = matrix

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        return self._matrix(x.flatten(0, -2)).view(*x.shape[:-1], -1)


def lightened(network: nn.Module, make: MakeMatrix) -> nn.Module:
    """A network whose linear layers are made anew; embeddings and norms are those of the first.

    Args:
        network: of one of the `FAMILIES`; it is not changed.
        make: of a weight (out, in) and a bias.
    """
    light = _copied(network, make)
    if isinstance(light, (GPT2, MidiLlm)) and light.head is None:
        # As a table of ids it stays what it is.
        light._modules["head"] = LightLinear(make(light.embedding.weight.detach(), None))
    return light


def _copied(module: nn.Module, make: MakeMatrix) -> nn.Module:
    if isinstance(module, nn.Linear):
        bias = None if module.bias is None else module.bias.detach()
        return LightLinear(make(module.weight.detach(), bias))
    twin = copy.copy(module)
    twin._modules = {name: child and _copied(child, make) for name, child in module._modules.items()}
    return twin
