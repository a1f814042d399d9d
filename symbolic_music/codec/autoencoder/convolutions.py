"""Causal convolutions of audio, with equal results whole or in blocks.

A layer looks back, never ahead. What it looks back on is zeros at first; with a `State`, what the last piece left.

Shapes: B batch, C channels, n samples or frames.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

_GAIN = 1.25  # what an ELU takes away
# What each layer keeps from one piece to the next.
State = dict[nn.Module, Tensor]


class CausalConv(nn.Module):
    """Convolution (B, C, n) to (B, C', n / stride); n is a multiple of the stride."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1, gain: float = _GAIN
    ) -> None:
        super().__init__()
        conv = nn.Conv1d(inputs, outputs, kernel, stride, dilation=dilation)
        self.conv: Any = weight_norm(_loud(conv, inputs * kernel, gain))
        self.back, self.stride = (kernel - 1) * dilation - (stride - 1), stride

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        before = _kept(self, x, self.back, state)
        return torch.as_tensor(self.conv(torch.cat([before, x], dim=-1)))


class CausalTransposedConv(nn.Module):
    """Convolution (B, C, n) to (B, C', n stride), by a kernel of two strides."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv: Any = weight_norm(_loud(nn.ConvTranspose1d(inputs, outputs, 2 * stride, stride), 2 * inputs, _GAIN))
        self.stride = stride

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        before = _kept(self, x, 1, state)
        spread = self.conv(torch.cat([before, x], dim=-1))
        return torch.as_tensor(spread[..., self.stride : self.stride * (x.shape[-1] + 1)])


def _loud(conv: nn.Module, inputs: int, gain: float) -> nn.Module:
    """Weights that keep the level of what `inputs` numbers bring, times `gain`, and no bias.

    With PyTorch's own the sound is lost among biases after a few layers, and nothing is learnt for long.
    """
    weight, bias = conv.weight, conv.bias
    assert isinstance(weight, Tensor)
    assert isinstance(bias, Tensor)
    nn.init.normal_(weight, std=gain / inputs**0.5)
    nn.init.zeros_(bias)
    return conv


def _kept(layer: nn.Module, x: Tensor, count: int, state: State | None) -> Tensor:
    """The last `count` frames before x; those of x are kept for the next piece."""
    before = x.new_zeros(*x.shape[:-1], count)
    if state is None:
        return before
    before = state.get(layer, before)
    state[layer] = torch.cat([before, x], dim=-1)[..., x.shape[-1] :].detach()
    return before


class Residual(nn.Module):
    """x + convolutions: ELU, kernel 3 dilated, ELU, kernel 1 (Défossez et al. 2022, section 3.1)."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.first = CausalConv(channels, channels // 2, 3, dilation=dilation)
        self.second = CausalConv(channels // 2, channels, 1, gain=0.5)

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        inner = functional.elu(self.first(functional.elu(x), state))
        return x + torch.as_tensor(self.second(inner, state))


class Chain(nn.Module):
    """Layers one after the other; an ELU stands before those that change the rate, and before the last."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        for i, layer in enumerate(self.layers):
            if i and not isinstance(layer, Residual):
                x = functional.elu(x)
            x = layer(x, state)
        return x
