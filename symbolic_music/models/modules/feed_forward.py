"""Feed-forward layers of the blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.models.modules.few_rows_linear import FewRowsLinear


class FeedForward(nn.Module):
    """W2 activation(W1 x + b1) + b2."""

    def __init__(self, width: int, hidden: int, activation: nn.Module | None = None) -> None:
        super().__init__()
        self.inner = nn.Linear(width, hidden)
        self.activation = activation or nn.ReLU()
        self.out = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) to the same."""
        return torch.as_tensor(self.out(self.activation(self.inner(x))))


class GatedFeedForward(nn.Module):
    """SwiGLU (Shazeer 2020), without biases: W3 (silu(W1 x) * W2 x), W1 and W2 as one matrix."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, 2 * hidden, bias=False)
        self.out = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) to the same."""
        gate, value = self.gate(x).chunk(2, dim=-1)
        return torch.as_tensor(self.out(functional.silu(gate) * value))


class LlamaFeedForward(nn.Module):
    """SwiGLU with the two matrices apart, as the Llama family names its weights."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate = FewRowsLinear(width, hidden, bias=False)
        self.up = FewRowsLinear(width, hidden, bias=False)
        self.out = FewRowsLinear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) to the same."""
        return torch.as_tensor(self.out(functional.silu(self.gate(x)) * self.up(x)))
