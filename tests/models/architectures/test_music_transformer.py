from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from symbolic_music.errors import ModelError
from symbolic_music.models.architectures.music_transformer import PRESETS, MusicTransformer, MusicTransformerConfig
from tests.models import token_models as ask

TINY = MusicTransformerConfig(
    vocabulary=19, width=16, layers=2, heads=2, hidden=24, window=6, distances=4, parts=4, dropout=0.0
)
LABELLED = dataclasses.replace(TINY, positions="concatenated")
RELATIONAL = dataclasses.replace(TINY, time_reach=2, pitch_reach=3)
every = pytest.mark.parametrize("config", [TINY, LABELLED, RELATIONAL], ids=["plain", "labelled", "relational"])


def model_of(config: MusicTransformerConfig = TINY) -> MusicTransformer:
    return ask.lively(MusicTransformer(config))


@torch.no_grad()
def logits_by_definition(model: MusicTransformer, ids: Tensor) -> Tensor:
    """(L,) to (L, vocabulary), position by position, head by head and key by key."""
    c = model.config
    x = model.input(ids[None])[0]
    for block in model.blocks:
        attention = block.attention
        heads = attention.query_key_value(block.attention_norm(x)).view(len(ids), 3, c.heads, -1)
        mixed = torch.zeros(len(ids), c.heads, c.width // c.heads)
        for i in range(len(ids)):
            keys = range(max(0, i - c.window + 1), i + 1)
            for h in range(c.heads):
                moved = []
                for j in keys:
                    key = heads[j, 1, h] + attention.distance[h, min(i - j, c.distances - 1)]
                    tables = iter(attention.related)
                    if c.time_reach:
                        apart = i // c.parts - j // c.parts
                        key = key + next(tables)[h, clamped(apart, c.time_reach)]
                    if c.pitch_reach:
                        key = key + next(tables)[h, clamped(int(ids[i] - ids[j]), c.pitch_reach)]
                    moved.append(key)
                weights = torch.stack([heads[i, 0, h] @ key for key in moved]).div((c.width // c.heads) ** 0.5)
                mixed[i, h] = weights.softmax(0) @ heads[keys.start : keys.stop, 2, h]
        x = x + attention.out(mixed.flatten(1))
        x = x + block.feed_forward.out(block.feed_forward.inner(block.feed_forward_norm(x)).relu())
    return model.out(model.norm(x))


def clamped(apart: int, reach: int) -> int:
    return min(max(apart, -reach), reach) + reach


@every
def test_forward_is_its_definition(config: MusicTransformerConfig) -> None:
    """Inside the window and past it."""
    model, ids = model_of(config), ask.some_ids(2, 19, 19)
    for logits, own in zip(model(ids), ids, strict=True):
        assert torch.allclose(logits, logits_by_definition(model, own), atol=1e-4)


@torch.no_grad()
def test_ids_without_a_pitch_are_far_from_all_pitches() -> None:
    """Silence (128) is to any pitch as pitches beyond the reach are, and to itself as a pitch to itself."""
    shape = dataclasses.replace(RELATIONAL, vocabulary=130, pitch_reach=3, time_reach=0)
    model = MusicTransformer(shape)
    (apart,) = model._differences(torch.tensor([[60, 127, 128, 128, 129, 61]]), 6, 6)
    assert apart.of(slice(0, 1), slice(0, 6), slice(0, 6))[0].tolist() == [
        [3, 0, 0, 0, 0, 2],
        [6, 3, 0, 0, 0, 6],
        [6, 6, 3, 3, 2, 6],
        [6, 6, 3, 3, 2, 6],
        [6, 6, 4, 4, 3, 6],
        [4, 0, 0, 0, 0, 3],
    ]


def test_steps_are_forward_over_a_window_longer_than_a_piece() -> None:
    """More ids at once than the cache has room for, in a window that is not a multiple of it."""
    model = model_of(dataclasses.replace(RELATIONAL, window=300, distances=40))
    ask.check_steps(model, ask.some_ids(1, 700, 19), [20, 561, *[1] * 119])


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


@every
def test_nothing_is_seen_ahead(config: MusicTransformerConfig) -> None:
    ids = ask.some_ids(1, 11, 19)
    ask.check_causal(model_of(config), ids, (ids + 3) % 19)


@every
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


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_have_the_papers_shape(name: str) -> None:
    shape = PRESETS[name]
    with torch.device("meta"):
        model = MusicTransformer(shape)
    assert (shape.width, shape.heads) == (512, 8)
    layers, hidden, distances = (6, 1024, 2048) if name == "piano" else (5, 512, 256)
    related = (129 + 97) if name == "chorales-relational" else 0
    attention = 4 * 512**2 + 8 * (distances + related) * 64
    feed_forward = 2 * 512 * hidden + hidden + 512
    blocks = sum(p.numel() for block in model.blocks for p in block.parameters())
    assert blocks == layers * (attention + feed_forward + 4 * 512)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 18, "heads": 4}, "not a multiple of 4 heads"),
        ({"window": 0}, "window of a MusicTransformerConfig is at least 1 "),
        ({"pitch_reach": -1}, "at least 0"),
        ({"positions": "added"}, "none or concatenated, not 'added'"),
    ],
)
def test_impossible_shapes_are_refused(change: dict[str, int | str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        dataclasses.replace(TINY, **change)
