from __future__ import annotations

import dataclasses

import pytest
import torch

from symbolic_music.errors import ModelError
from symbolic_music.models import registry
from symbolic_music.models.architectures.gpt2 import GPT2, PRESETS, GPT2Config
from symbolic_music.tokenizers.anticipation import vocabulary as v

TINY = GPT2Config(vocabulary=50, context=16, width=24, layers=3, heads=2, dropout=0.0, attention_dropout=0.0)


def lively(config: GPT2Config = TINY, dtype: torch.dtype = torch.float32) -> GPT2:
    """A random network whose attention is far from uniform."""
    torch.manual_seed(0)
    network = GPT2(config).to(dtype).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return network


def some_ids(batch: int, length: int) -> torch.Tensor:
    return torch.randint(0, TINY.vocabulary, (batch, length), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("preset", "millions"), [("small", 128), ("medium", 360), ("large", 780)])
def test_the_published_shapes(preset: str, millions: int) -> None:
    config = PRESETS[preset]
    with torch.device("meta"):
        network = GPT2(config)
    assert config.vocabulary == v.SIZE == 55_028
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, -1) == round(millions, -1)


def test_attention_of_one_head_by_hand() -> None:
    """The second layer's attention: softmax(q k / sqrt(D) / 2) over the past alone."""
    network = lively(GPT2Config(vocabulary=5, context=4, width=6, layers=2, heads=1, dropout=0, attention_dropout=0))
    attention = network.blocks[1].attention
    x = torch.randn(1, 3, 6, generator=torch.Generator().manual_seed(2))
    q, k, value = attention.query_key_value(x)[0].chunk(3, dim=-1)
    rows = []
    for i in range(3):
        weights = torch.stack([q[i] @ k[j] / 6**0.5 / 2 for j in range(i + 1)]).softmax(0)
        rows.append(weights @ value[: i + 1])
    expected = attention.out(torch.stack(rows))
    assert torch.allclose(attention(x)[0], expected, atol=1e-5)


def test_scaling_by_layer_changes_all_layers_but_the_first() -> None:
    for layers, same in ((1, True), (2, False)):
        config = dataclasses.replace(TINY, layers=layers)
        plain, scaled = lively(dataclasses.replace(config, scale_by_layer=False)), lively(config)
        assert torch.allclose(plain(some_ids(1, 9)), scaled(some_ids(1, 9)), atol=1e-4) == same


@torch.no_grad()
def test_nothing_is_seen_ahead() -> None:
    network, ids = lively(), some_ids(2, 12)
    changed = ids.clone()
    changed[:, 7:] = (changed[:, 7:] + 1) % TINY.vocabulary
    before, after = network(ids), network(changed)
    assert torch.allclose(before[:, :7], after[:, :7], atol=1e-6)
    assert not torch.allclose(before[:, 7:], after[:, 7:], atol=1e-2)


@torch.no_grad()
@pytest.mark.parametrize("pieces", [[1] * 40, [16, 1, 1, 22], [5, 1, 7, 3, 24], [40]])
def test_step_equals_forward_past_the_window(pieces: list[int]) -> None:
    network, ids = lively(), some_ids(2, 40)
    whole, cache, at = network(ids), network.new_cache(2), 0
    for length in pieces:
        logits = network.step(ids[:, at : at + length], cache)
        at += length
        assert cache.length == at
        assert torch.allclose(logits, whole[:, at - 1], atol=1e-4)


@torch.no_grad()
def test_past_the_window_half_of_it_is_seen_at_least() -> None:
    """Of 16 positions, the id after 27 is predicted from the last 11, that after 24 from 16."""
    network, ids = lively(), some_ids(1, 27)
    whole = network(ids)
    for end, seen in ((16, 16), (17, 9), (24, 16), (25, 9), (27, 11)):
        assert torch.allclose(network.states(ids[:, end - seen : end])[:, -1] @ network.embedding.weight.T,
                              whole[:, end - 1], atol=1e-4)  # fmt: skip


@torch.no_grad()
def test_logits_of_a_block_are_a_slice_of_all() -> None:
    network = lively()
    states = network.states(some_ids(2, 6))
    assert torch.allclose(network.logits(states, 10, 20), network.logits(states)[..., 10:20], atol=1e-5)


def test_dropout_in_training_alone() -> None:
    network = lively(dataclasses.replace(TINY, dropout=0.5))
    ids = some_ids(1, 8)
    assert torch.equal(network(ids), network(ids))
    assert not torch.equal(network.train()(ids), network(ids))
    attention_alone = lively(dataclasses.replace(TINY, attention_dropout=0.5)).train()
    assert not torch.equal(attention_alone(ids), attention_alone(ids))


def test_the_inner_width_follows_the_width() -> None:
    assert registry.get("gpt2").shaped({"width": 24}).inner == 96
    assert dataclasses.replace(GPT2Config(hidden=5), width=24).inner == 5
    assert GPT2(dataclasses.replace(GPT2Config(), width=24, layers=1)).blocks[0].feed_forward.inner.out_features == 96


def test_too_many_ids_and_impossible_shapes_are_refused() -> None:
    with pytest.raises(ModelError, match="16 positions; 17 ids are too many"):
        lively().states(some_ids(1, 17))
    with pytest.raises(ModelError, match="not a multiple of 5 heads"):
        GPT2Config(width=24, heads=5)
    with pytest.raises(ModelError, match="layers of a GPT2Config is at least 1"):
        GPT2Config(layers=0)
