"""The definition, the paper's skew and the fast path are the same function."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from symbolic_music.errors import ModelError
from symbolic_music.models import blocked_attention
from symbolic_music.models.attention import (
    distance_logits,
    reference_relative_attention,
    relative_attention,
    skewed_distance_logits,
)
from symbolic_music.models.relations import Buckets, Differences, Relation

DOUBLE = {"dtype": torch.float64}


def random(*shape: int, seed: int = 0, **options: Any) -> Tensor:
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(*shape, generator=generator, **{**DOUBLE, **options})


def defined_attention(
    q: Tensor, k: Tensor, v: Tensor, embeddings: Tensor, extra: Tensor | None = None, dropout: float = 0.0,
    relations: Any = (), window: int | None = None,
) -> Tensor:  # fmt: skip
    """Pair by pair: Shaw et al. 2018's definition, one query at a time."""
    assert dropout == 0
    (batch, heads, length, width), keys = q.shape, k.shape[2]
    out = torch.zeros_like(q)
    for b in range(batch):
        for h in range(heads):
            for i in range(length):
                at = keys - length + i
                first = 0 if window is None else max(0, at - window + 1)
                logits = []
                for j in range(first, at + 1):
                    vector = k[b, h, j] + embeddings[h, min(at - j, embeddings.shape[1] - 1)]
                    for relation in relations:
                        bucket = relation.buckets.of(slice(b, b + 1), slice(i, i + 1), slice(j, j + 1))
                        vector = vector + relation.embeddings[h, bucket.item()]
                    logits.append(q[b, h, i] @ vector + (0 if extra is None else extra[b, h, i, j]))
                weights = (torch.stack(logits) / width**0.5).softmax(0)
                out[b, h, i] = weights @ v[b, h, first : at + 1]
    return out


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of three rows, parts of a few logits, so that small examples have many of each."""
    monkeypatch.setattr(blocked_attention, "LOGITS", 200)
    monkeypatch.setattr(blocked_attention.causal_blocks, "__defaults__", (3,))
    monkeypatch.setattr(blocked_attention.windowed_blocks, "__defaults__", (3,))


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


def test_three_tokens_by_hand() -> None:
    # One head of width 1, all keys 0: the logit of a key is the embedding of its distance.
    q, k = torch.ones(1, 1, 3, 1), torch.zeros(1, 1, 3, 1)
    v = torch.tensor([1.0, 10.0, 100.0]).view(1, 1, 3, 1)
    embeddings = torch.tensor([0.0, 1.0, 2.0]).log().clamp(min=-99).view(1, 3, 1)  # weights 0, 1, 2
    mixed = relative_attention(q, k, v, embeddings).flatten()
    # The first sees itself alone, the second the first, the third both before it, the farther one twice.
    assert torch.allclose(mixed, torch.tensor([1.0, 1.0, (10.0 + 2 * 1.0) / 3]))


@pytest.mark.parametrize(("length", "keys", "reach"), [(5, 5, 5), (5, 5, 3), (3, 7, 16), (1, 9, 4)])
def test_the_skew_equals_the_definition(length: int, keys: int, reach: int) -> None:
    q, e = random(2, 3, length, 4), random(3, reach, 4)
    past = torch.ones(length, keys, dtype=torch.bool).tril(keys - length)
    slow, fast = distance_logits(q, e, keys), skewed_distance_logits(q, e, keys)
    assert torch.allclose(slow[..., past], fast[..., past], rtol=0, atol=1e-12)


@pytest.mark.usefixtures("small_blocks")
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_reference_and_fast_path_equal_the_definition(data: st.DataObject) -> None:
    batch, heads, length = (data.draw(st.integers(1, n)) for n in (3, 3, 8))
    keys, reach = length + data.draw(st.integers(0, 6)), data.draw(st.integers(1, 16))
    args = arguments(batch, heads, length, keys, reach)
    options: dict[str, Any] = {"window": data.draw(st.none() | st.integers(1, 16))}
    if data.draw(st.booleans()):
        options["extra"] = random(batch, heads, length, keys)
    if data.draw(st.booleans()):
        options["relations"] = some_relations(batch, heads, length, keys, 4)
    expected = defined_attention(*args, **options)
    for attention in (reference_relative_attention, relative_attention):
        assert torch.allclose(attention(*args, **options), expected, rtol=0, atol=1e-12), attention
