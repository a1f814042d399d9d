from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from symbolic_music.errors import ModelError
from symbolic_music.models.architectures.sinusoid_transformer import (
    PRESETS,
    SinusoidTransformer,
    SinusoidTransformerConfig,
)
from symbolic_music.models.modules.embeddings import ConcatenatedSinusoids, sinusoids
from tests.models import token_models as ask

TINY = SinusoidTransformerConfig(vocabulary=19, width=16, layers=2, heads=2, hidden=24, window=8, parts=4, dropout=0.0)
LABELLED = dataclasses.replace(TINY, positions="concatenated")
both = pytest.mark.parametrize("config", [TINY, LABELLED], ids=["added", "labelled"])


def model_of(config: SinusoidTransformerConfig = TINY) -> SinusoidTransformer:
    return ask.lively(SinusoidTransformer(config))


def test_sinusoids_by_hand() -> None:
    waves = sinusoids(torch.tensor([0, 3]), 4)
    expected = [[0, 0, 1, 1], [math.sin(3), math.sin(3e-4), math.cos(3), math.cos(3e-4)]]
    assert torch.allclose(waves, torch.tensor(expected), atol=1e-6)


def test_concatenated_columns() -> None:
    torch.manual_seed(0)
    embed = ConcatenatedSinusoids(vocabulary=5, width=16, parts=3)
    x = embed(torch.tensor([[4, 0, 4, 4]]), start=2)
    assert torch.equal(x[0, 0, :8], embed.token(torch.tensor(4)))
    assert torch.equal(x[0, :, 8:14], sinusoids(torch.arange(2, 6), 6))
    assert torch.equal(x[0, :, 14:], embed.part(torch.tensor([2, 0, 1, 2])))


@both
@pytest.mark.parametrize("pieces", [[1] * 31, [31], [5, 1, 1, 20, 4], [8, 1, 22], [3, 4, 24]])
def test_steps_are_forward_past_the_window(config: SinusoidTransformerConfig, pieces: list[int]) -> None:
    ask.check_steps(model_of(config), ask.some_ids(2, 31, 19), pieces)


def test_steps_are_forward_in_an_odd_window() -> None:
    ask.check_steps(model_of(dataclasses.replace(TINY, window=9)), ask.some_ids(2, 31, 19), [1] * 31)


@both
@torch.no_grad()
@pytest.mark.parametrize("window", [8, 9])
def test_past_the_window_is_the_definition(config: SinusoidTransformerConfig, window: int) -> None:
    """Each position by itself, from the smallest multiple of the hop that is in the last window."""
    model, ids = model_of(dataclasses.replace(config, window=window)), ask.some_ids(2, 30, 19)
    whole, hop = model(ids), window // 2
    for position in range(30):
        start = next(s for s in range(0, 30, hop) if s > position - window)
        alone = model(ids[:, start : position + 1])
        assert torch.allclose(whole[:, position], alone[:, -1], atol=1e-4)


@both
def test_nothing_is_seen_ahead(config: SinusoidTransformerConfig) -> None:
    ids = ask.some_ids(1, 11, 19)
    ask.check_causal(model_of(config), ids, (ids + 3) % 19)


@both
@pytest.mark.parametrize("length", [8, 13], ids=["inside the window", "beyond the window"])
def test_gradients_reach_all_weights(config: SinusoidTransformerConfig, length: int) -> None:
    torch.manual_seed(0)
    model = SinusoidTransformer(config)
    ask.check_gradients(model, ask.next_loss(model, ask.some_ids(3, length + 1, 19)))


def test_it_learns_bach() -> None:
    ids = ask.bach("remi")[:, :96]
    torch.manual_seed(0)
    shape = SinusoidTransformerConfig(vocabulary=int(ids.max()) + 1, width=32, layers=2, heads=2, hidden=64, window=64)
    model = SinusoidTransformer(shape)
    ask.check_learns(model, lambda m: ask.next_loss(m, ids))


def test_dropout() -> None:
    ask.check_dropout(model_of(dataclasses.replace(TINY, dropout=0.3)), ask.some_ids(2, 9, 19))


def test_first_weights() -> None:
    """Matrices keep variances (Glorot & Bengio 2010, equation 12), embeddings times their scale have deviation 1."""
    torch.manual_seed(0)
    model = SinusoidTransformer(dataclasses.replace(TINY, vocabulary=900))
    feed_forward = model.blocks[0].feed_forward
    assert float(feed_forward.inner.weight.detach().abs().max()) == pytest.approx((6 / (16 + 24)) ** 0.5, rel=0.05)
    assert not feed_forward.inner.bias.any()
    assert float(model.input.token(torch.arange(900)).detach().std()) == pytest.approx(1, rel=0.05)
    assert float(model.input.token.weight.detach().std()) == pytest.approx(0.25, rel=0.05)


def test_seeds() -> None:
    ask.check_seeds(lambda: SinusoidTransformer(TINY))


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_have_the_papers_shape(name: str) -> None:
    shape = PRESETS[name]
    with torch.device("meta"):
        model = SinusoidTransformer(shape)
    width, layers = (512, 6) if name == "piano" else (256, 5)
    blocks = sum(p.numel() for block in model.blocks for p in block.parameters())
    assert blocks == layers * (4 * width**2 + 2 * width * 1024 + 1024 + width + 4 * width)
    assert shape.heads == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": 3}, "not a multiple of 3 heads"),
        ({"layers": 0}, "layers of a SinusoidTransformerConfig is at least 1 "),
        ({"positions": "none"}, "added or concatenated, not 'none'"),
        ({"width": 9, "heads": 3}, "width 9 is odd"),
        ({"parts": 3}, "half of window 8 is not a multiple of 3 parts"),
    ],
)
def test_impossible_shapes_are_refused(change: dict[str, int | str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        dataclasses.replace(TINY, **change)
