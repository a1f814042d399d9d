from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from symbolic_music.errors import ModelError
from symbolic_music.models.decoder import banded_attention
from symbolic_music.models.music_transformer import PRESETS, MusicTransformer, MusicTransformerConfig
from symbolic_music.models.protocol import TokenModel
from tests.models import token_models as ask

TINY = MusicTransformerConfig(
    vocabulary=19, width=16, layers=2, heads=2, hidden=24, window=6, distances=4, parts=4, dropout=0.0
)
LABELLED = dataclasses.replace(TINY, positions="concatenated")
both = pytest.mark.parametrize("config", [TINY, LABELLED], ids=["plain", "labelled"])


def model_of(config: MusicTransformerConfig = TINY) -> MusicTransformer:
    return ask.lively(MusicTransformer(config))


def attention_by_definition(q: Tensor, k: Tensor, v: Tensor, embeddings: Tensor, window: int) -> Tensor:
    """Query by query: softmax over the last `window` keys of q . (k + e[distance]) / sqrt(D)."""
    out = torch.zeros_like(q)
    before = k.shape[2] - q.shape[2]
    for b, h, i in torch.cartesian_prod(*(torch.arange(n) for n in q.shape[:3])).tolist():
        newest = before + i
        keys = range(max(0, newest - window + 1), newest + 1)
        moved = [k[b, h, j] + embeddings[h, min(newest - j, embeddings.shape[1] - 1)] for j in keys]
        weights = torch.stack([q[b, h, i] @ key for key in moved]).div(q.shape[-1] ** 0.5).softmax(0)
        out[b, h, i] = weights @ v[b, h, keys.start : keys.stop]
    return out


@pytest.mark.parametrize(("length", "keys", "window"), [(5, 5, 5), (5, 5, 2), (3, 9, 4), (1, 9, 9), (7, 7, 1)])
def test_banded_attention_is_its_definition(length: int, keys: int, window: int) -> None:
    q, (k, v) = torch.randn(2, 2, length, 4).double(), torch.randn(2, 2, 2, keys, 4).double()
    embeddings = torch.randn(2, 3, 4).double()
    expected = attention_by_definition(q, k, v, embeddings, window)
    assert torch.allclose(banded_attention(q, k, v, embeddings, window), expected)


def test_banded_attention_in_several_blocks() -> None:
    q, k, v = torch.randn(3, 1, 1, 600, 4).double()
    embeddings = torch.randn(1, 9, 4).double()
    expected = attention_by_definition(q, k, v, embeddings, 50)
    assert torch.allclose(banded_attention(q, k, v, embeddings, 50), expected)


def test_it_is_a_token_model() -> None:
    assert isinstance(model_of(), TokenModel)


@both
@pytest.mark.parametrize("pieces", [[1] * 31, [31], [5, 1, 1, 20, 4]], ids=["one by one", "at once", "pieces"])
def test_steps_are_forward_past_the_window(config: MusicTransformerConfig, pieces: list[int]) -> None:
    ask.check_steps(model_of(config), ask.some_ids(2, 31, 19), pieces)


def test_steps_are_forward_over_a_window_longer_than_a_piece() -> None:
    """More ids at once than the cache has room for, in a window that is not a multiple of it."""
    model = model_of(dataclasses.replace(TINY, window=300, distances=40))
    ask.check_steps(model, ask.some_ids(1, 700, 19), [20, 560, *[1] * 120])


@torch.no_grad()
def test_what_is_seen_ends_after_a_window_a_layer() -> None:
    model, ids = model_of(), ask.some_ids(1, 20, 19)
    other = ids.clone()
    other[:, 0] = (ids[:, 0] + 1) % 19
    change = (model(ids) - model(other)).abs().amax(-1)[0]
    reach = TINY.layers * (TINY.window - 1)
    assert (change[: reach + 1] > 1e-4).all()
    assert (change[reach + 1 :] < 1e-6).all()


@torch.no_grad()
def test_only_distances_count_without_labels() -> None:
    ids = ask.some_ids(1, 12, 19)
    repeated = torch.cat([ids, ids], dim=1)
    for config, same in ((TINY, True), (LABELLED, False)):
        logits = model_of(config)(repeated)
        assert torch.allclose(logits[:, 11], logits[:, 23], atol=1e-4) == same


@both
def test_batches_are_independent(config: MusicTransformerConfig) -> None:
    ask.check_slices(model_of(config), ask.some_ids(3, 15, 19))


@both
def test_nothing_is_seen_ahead(config: MusicTransformerConfig) -> None:
    ids = ask.some_ids(1, 11, 19)
    ask.check_causal(model_of(config), ids, (ids + 3) % 19)


@both
@pytest.mark.parametrize("length", [6, 12], ids=["inside the window", "beyond the window"])
def test_gradients_reach_all_weights(config: MusicTransformerConfig, length: int) -> None:
    torch.manual_seed(0)
    model = MusicTransformer(config)
    ask.check_gradients(model, ask.next_loss(model, ask.some_ids(3, length + 1, 19)))


def test_it_learns_bach() -> None:
    ids = ask.bach("performance")[:, :96]
    torch.manual_seed(0)
    model = MusicTransformer(MusicTransformerConfig(width=32, layers=2, heads=2, hidden=64, window=64, distances=64))
    ask.check_learns(model, lambda m: ask.next_loss(m, ids))


def test_dropout() -> None:
    ask.check_dropout(model_of(dataclasses.replace(TINY, dropout=0.3)), ask.some_ids(2, 9, 19))


def test_seeds() -> None:
    ask.check_seeds(lambda: MusicTransformer(TINY))


def test_half_precision_caches() -> None:
    model = model_of().bfloat16()
    held = model.new_cache(2)
    assert model.step(ask.some_ids(2, 9, 19), held).dtype == torch.bfloat16


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_have_the_papers_shape(name: str) -> None:
    shape = PRESETS[name]
    with torch.device("meta"):
        model = MusicTransformer(shape)
    assert (shape.width, shape.heads) == (512, 8)
    layers, hidden, distances = (6, 1024, 2048) if name == "piano" else (5, 512, 256)
    attention = 4 * 512**2 + 8 * distances * 64
    feed_forward = 2 * 512 * hidden + hidden + 512
    blocks = sum(p.numel() for block in model.blocks for p in block.parameters())
    assert blocks == layers * (attention + feed_forward + 4 * 512)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 18, "heads": 4}, "not a multiple of 4 heads"),
        ({"window": 0}, "window of a Music Transformer is at least 1, not 0"),
        ({"positions": "added"}, "none or concatenated, not 'added'"),
    ],
)
def test_impossible_shapes_are_refused(change: dict[str, int | str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        dataclasses.replace(TINY, **change)
