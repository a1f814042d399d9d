"""Matrices as a sampler multiplies by them: few vectors at a time, so that reading the weights is what takes time."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor
from torch.nn import functional


class Matrix(Protocol):
    """W x + b for rows of vectors."""

    def __call__(self, x: Tensor) -> Tensor:
        """(N, in) to (N, out)."""
        ...

    def rows(self, first: int, last: int) -> Matrix:
        """The outputs first..last - 1 alone; weights are shared, not copied."""
        ...

    def take(self, index: Tensor) -> Matrix:
        """The outputs of an index (n,) alone, copied."""
        ...


class Plain:
    """As the network has it.

    Args:
        weight: (out, in).
        bias: (out,) or None.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self.weight, self.bias = weight, bias

    def __call__(self, x: Tensor) -> Tensor:
        """(N, in) to (N, out)."""
        return functional.linear(x, self.weight, self.bias)

    def rows(self, first: int, last: int) -> Plain:
        """See `Matrix`."""
        return Plain(self.weight[first:last], None if self.bias is None else self.bias[first:last])

    def take(self, index: Tensor) -> Plain:
        """See `Matrix`."""
        index = index.to(self.weight.device)
        return Plain(self.weight[index], None if self.bias is None else self.bias[index])


def plain(weight: Tensor, bias: Tensor | None = None) -> Matrix:
    """A `Plain`, without gradients."""
    return Plain(weight.detach(), None if bias is None else bias.detach())
