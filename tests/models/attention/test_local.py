"""Local attention: stretches that see themselves and the stretch before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from symbolic_music.errors import ModelError
from symbolic_music.models.attention.block_masks import Block, causal_blocks, local_blocks, windowed_blocks
from symbolic_music.models.attention.local import local_attention
from symbolic_music.models.attention.relative import reference_relative_attention, relative_attention
from symbolic_music.models.attention.relative_terms import Relation
from tests.models.attention.attention_arguments import (
    arguments,
    cut_small,
    defined_attention,
    gradients,
    some_relations,
)


def reference_local_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    embeddings: Tensor,
    size: int,
    dropout: float = 0.0,
    relations: Sequence[Relation] = (),
) -> Tensor:
    """`local_attention` as global attention that sees two stretches, with all of its logits."""
    length, keys = q.shape[-2], k.shape[-2]
    stretch = torch.arange(keys, device=q.device) // size
    unseen = stretch[keys - length :, None] - stretch > 1
    extra = q.new_zeros(length, keys).masked_fill(unseen, float("-inf"))
    return reference_relative_attention(q, k, v, embeddings, extra, dropout, relations)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_small(monkeypatch)


@pytest.mark.usefixtures("small_blocks")
def test_blocks() -> None:
    assert causal_blocks(7, 7) == [Block(0, 3, 0, 3), Block(3, 6, 0, 6), Block(6, 7, 0, 7)]
    assert causal_blocks(4, 9) == [Block(0, 3, 0, 8), Block(3, 4, 0, 9)]
    assert windowed_blocks(7, 7, 2) == [Block(0, 3, 0, 3, 2), Block(3, 6, 2, 6, 2), Block(6, 7, 5, 7, 2)]
    # Stretches of four: the first sees itself, each other the one before too, in blocks of at most three rows.
    assert local_blocks(10, 10, 4) == [
        Block(0, 3, 0, 3), Block(3, 4, 0, 4), Block(4, 7, 0, 7), Block(7, 8, 0, 8), Block(8, 10, 4, 10)
    ]  # fmt: skip
    # The first query of three stands at position 7, the last of the second stretch.
    assert local_blocks(3, 10, 4) == [Block(0, 1, 0, 8), Block(1, 3, 4, 10)]


@pytest.mark.usefixtures("small_blocks")
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_reference_and_fast_path_equal_the_definition(data: st.DataObject) -> None:
    batch, heads, length = (data.draw(st.integers(1, n)) for n in (2, 3, 9))
    keys, size = length + data.draw(st.integers(0, 6)), data.draw(st.integers(1, 8))
    tensors = arguments(batch, heads, length, keys, data.draw(st.integers(1, 2 * size)))
    options: dict[str, Any] = {"size": size}
    if data.draw(st.booleans()):
        options["relations"] = some_relations(batch, heads, length, keys, 4)
    expected = defined_attention(
        *tensors, relations=options.get("relations", ()), first=lambda at: max(0, at // size - 1) * size
    )
    for attention in (reference_local_attention, local_attention):
        assert torch.allclose(attention(*tensors, **options), expected, rtol=0, atol=1e-12), attention
    slow = gradients(reference_local_attention, tensors, **options)
    for ours, theirs in zip(gradients(local_attention, tensors, **options), slow, strict=True):
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.usefixtures("small_blocks")
def test_gradcheck() -> None:
    tensors = tuple(t.requires_grad_() for t in arguments(1, 2, 6, 8, 4, 2))
    assert torch.autograd.gradcheck(lambda *tensors: local_attention(*tensors, size=2), tensors)


def test_one_stretch_is_global_attention() -> None:
    tensors = arguments(2, 2, 90, 90, 90)
    assert torch.allclose(local_attention(*tensors, size=90), relative_attention(*tensors), rtol=0, atol=1e-12)


def test_a_batch_of_one_equals_a_slice_of_a_batch() -> None:
    q, k, v, e = arguments(3, 2, 70, 80, 40)
    whole = local_attention(q, k, v, e, 20)
    for b in range(3):
        alone = local_attention(q[b : b + 1], k[b : b + 1], v[b : b + 1], e, 20)
        assert torch.allclose(whole[b : b + 1], alone, rtol=0, atol=1e-12)


def test_a_stretch_without_positions_is_refused() -> None:
    with pytest.raises(ModelError, match="stretch"):
        local_attention(*arguments(1, 1, 3, 3, 3), size=0)
