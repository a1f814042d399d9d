"""What tests of attention share: the definition, random arguments in float64, and gradients with respect to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from symbolic_music.models.attention import block_sizes
from symbolic_music.models.attention.relative_terms import Buckets, Differences, Relation

DOUBLE = {"dtype": torch.float64}


def random(*shape: int, seed: int = 0, **options: Any) -> Tensor:
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(*shape, generator=generator, **{**DOUBLE, **options})


def some_relations(batch: int, heads: int, length: int, keys: int, width: int) -> list[Relation]:
    times = random(batch, keys, seed=3).abs().cumsum(1)
    pitches = torch.randint(40, 80, (batch, keys), generator=torch.Generator().manual_seed(0))
    return [
        Relation(random(heads, 5, width, seed=1), Differences(times[:, keys - length :], times, 0.7, 2)),
        Relation(random(heads, 25, width, seed=2), Differences(pitches[:, keys - length :], pitches, 1, 12)),
        Relation(random(heads, 3, width), Buckets((pitches[:, keys - length :, None] + pitches[:, None]) % 3)),
    ]


def arguments(batch: int, heads: int, length: int, keys: int, reach: int, width: int = 4) -> list[Tensor]:
    shapes = [(batch, heads, length, width), (batch, heads, keys, width), (batch, heads, keys, width)]
    return [random(*shape, seed=i) for i, shape in enumerate(shapes)] + [random(heads, reach, width)]


def gradients(attention: Callable[..., Tensor], tensors: list[Tensor], **options: Any) -> list[Tensor]:
    """Of q, k, v, embeddings, extra and the relations' embeddings, of a sum with fixed random weights."""
    leaves = [t.clone().requires_grad_() for t in tensors]
    relations = options.pop("relations", [])
    tables = [r.embeddings.clone().requires_grad_() for r in relations]
    related = [Relation(table, r.buckets) for table, r in zip(tables, relations, strict=True)]
    out = attention(*leaves, relations=related, **options)
    return list(torch.autograd.grad((out * random(*out.shape)).sum(), leaves + tables))


def defined_attention(
    q: Tensor, k: Tensor, v: Tensor, embeddings: Tensor, extra: Tensor | None = None,
    relations: Sequence[Relation] = (), first: Callable[[int], int] = lambda at: 0,
) -> Tensor:  # fmt: skip
    """Shaw et al. 2018, pair by pair; the query at a position sees the keys from first(position) up to its own."""
    (batch, heads, length, width), keys = q.shape, k.shape[2]
    out = torch.zeros_like(q)
    for b in range(batch):
        for h in range(heads):
            for i in range(length):
                at = keys - length + i
                logits = []
                for j in range(first(at), at + 1):
                    vector = k[b, h, j] + embeddings[h, min(at - j, embeddings.shape[1] - 1)]
                    for relation in relations:
                        bucket = relation.buckets.of(slice(b, b + 1), slice(i, i + 1), slice(j, j + 1))
                        vector = vector + relation.embeddings[h, bucket.item()]
                    logits.append(q[b, h, i] @ vector + (0 if extra is None else extra[b, h, i, j]))
                weights = (torch.stack(logits) / width**0.5).softmax(0)
                out[b, h, i] = weights @ v[b, h, first(at) : at + 1]
    return out


def cut_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of three rows, a few logits in a go, so that small examples have many of each."""
    monkeypatch.setattr(block_sizes, "CPU", block_sizes.Sizes((3, 3), 200, False))
