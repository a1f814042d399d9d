from __future__ import annotations

import pytest
import torch

from symbolic_music.generation.inference.weight_formats import (
    BFloat16,
    Float16,
    Float32,
    Int8,
    Matrix,
    packed_where_possible,
)

KINDS = {
    "float32": (Float32, 1e-5),
    "packed": (packed_where_possible, 1e-5),
    "float16": (Float16, 2e-3),
    "bfloat16": (BFloat16, 1.5e-2),
    "int8": (Int8, 1.5e-2),
}


def example(count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(count)
    # Rows of very different sizes, as embeddings have them.
    sizes = torch.logspace(-2, 1, 96)[:, None]
    return (torch.randn(count, 64, generator=random), torch.randn(96, 64, generator=random) * sizes,
            torch.randn(96, generator=random))  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 3, 23, 24, 60])
def test_products_of_few_and_of_many_vectors(kind: str, count: int) -> None:
    make, error = KINDS[kind]
    x, weight, bias = example(count)
    matrix: Matrix = make(weight, bias)
    expected = x @ weight.T + bias
    size = (x.norm(dim=1)[:, None] * weight.norm(dim=1)) + 1e-3
    assert ((matrix(x) - expected).abs() / size).max() < error
    index = torch.tensor([5, 90, 5])
    assert torch.allclose(matrix.take(index)(x), matrix(x)[:, index], atol=1e-5)
    assert torch.allclose(make(weight)(x) + bias, matrix(x), atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_vector_is_multiplied_by_itself(kind: str) -> None:
    """Beside a vector a thousand times as large."""
    x, weight, _ = example(3)
    x[1] *= 1000
    matrix = KINDS[kind][0](weight)
    assert torch.allclose(matrix(x)[:1], matrix(x[:1]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("width", [2, 16, 48])
def test_rows_of_int8_keep_their_own_scale(width: int) -> None:
    weight = torch.zeros(3, width)
    weight[:2, :2] = torch.tensor([[1e-3, -5e-4], [100.0, 50.0]])
    found = Int8(weight)(torch.eye(width))
    assert torch.allclose(found.T, weight, rtol=1e-2)
