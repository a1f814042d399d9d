"""Attention by blocks: as all rows at once, forward and backward, also under autocast."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from symbolic_music.models.attention.causal_blocks import blockwise_attention


def example(count: int, dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(count)
    return [torch.randn(3, count, 16, generator=generator, dtype=dtype, requires_grad=True) for _ in range(3)]


# Within a block, at its end, and beyond one and two.
@pytest.mark.parametrize("count", [2, 127, 128, 129, 300])
def test_it_is_causal_attention(count: int) -> None:
    found, expected = example(count, torch.float64), example(count, torch.float64)
    weights = torch.linspace(-1, 1, 3 * count * 16, dtype=torch.float64).view(3, count, 16)
    ours = blockwise_attention(*found)
    its = functional.scaled_dot_product_attention(*expected, is_causal=True)
    assert torch.allclose(ours, its, rtol=0, atol=1e-12)
    (ours * weights).sum().backward()  # type: ignore[no-untyped-call]
    (its * weights).sum().backward()  # type: ignore[no-untyped-call]
    for a, b in zip(found, expected, strict=True):
        assert a.grad is not None
        assert b.grad is not None
        assert torch.allclose(a.grad, b.grad, rtol=0, atol=1e-12)


def test_under_autocast_it_has_the_precision_of_matrix_products() -> None:
    found, exact = example(200, torch.float32), example(200, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        ours = blockwise_attention(*found)
    assert ours.dtype == torch.bfloat16
    its = blockwise_attention(*exact)
    assert (ours.float() - its).norm() < 0.01 * its.norm()
    ours.float().square().sum().backward()  # type: ignore[no-untyped-call]
    its.square().sum().backward()  # type: ignore[no-untyped-call]
    for a, b in zip(found, exact, strict=True):
        assert a.grad is not None
        assert b.grad is not None
        assert a.grad.dtype == torch.float32
        assert (a.grad - b.grad).norm() < 0.02 * b.grad.norm()
