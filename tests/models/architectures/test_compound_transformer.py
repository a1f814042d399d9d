from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from symbolic_music import tokenizers
from symbolic_music.errors import ModelError
from symbolic_music.models.architectures.compound_transformer import (
    PRESETS,
    CompoundTransformer,
    CompoundTransformerConfig,
)
from tests.models import token_models as ask

TINY = CompoundTransformerConfig(
    sizes=(7, 3, 11), widths=(6, 4, 10), leading=1, width=16, layers=2, heads=2, hidden=24, window=8, dropout=0.0
)


def model_of(config: CompoundTransformerConfig = TINY) -> CompoundTransformer:
    return ask.lively(CompoundTransformer(config))


def words(batch: int, length: int, config: CompoundTransformerConfig = TINY) -> Tensor:
    columns = [ask.some_ids(batch, length, size, seed) for seed, size in enumerate(config.sizes)]
    return torch.stack(columns, dim=-1)


@torch.no_grad()
def test_the_leading_field_is_drawn_first_and_the_others_are_told() -> None:
    model, ids = model_of(), words(2, 6)
    states, logits = model.states(ids), model(ids, leading=torch.full((2, 6), 2))
    assert torch.allclose(logits[1], model.heads[1](states))
    kind = model.fields[1](torch.tensor(2)).expand(2, 6, -1)
    told = model.told(torch.cat([states, kind], dim=-1))
    for field in (0, 2):
        assert torch.allclose(logits[field], model.heads[field](told))
    other = model(ids, leading=torch.zeros(2, 6, dtype=torch.long))
    assert torch.equal(other[1], logits[1])
    assert not any(torch.allclose(other[field], logits[field], atol=1e-2) for field in (0, 2))


@torch.no_grad()
def test_by_default_the_leading_field_is_that_of_the_next_word_and_then_the_likeliest() -> None:
    model, ids = model_of(), words(2, 6)
    likeliest = model(ids)[1][:, -1].argmax(-1)
    leading = torch.cat([ids[:, 1:, 1], likeliest[:, None]], dim=1)
    assert ask.close(model(ids), model(ids, leading), 0.0)


@pytest.mark.parametrize("pieces", [[1] * 31, [31], [5, 1, 1, 20, 4], [8, 1, 22], [3, 4, 24]])
@torch.no_grad()
def test_steps_are_forward_past_the_window(pieces: list[int]) -> None:
    model, ids = model_of(), words(2, 32)
    whole, held, position = model(ids), model.new_cache(2), 0
    for length in pieces:
        now = ids[:, position : position + length]
        position += length
        step = model.step(now, held, leading=ids[:, position, 1])
        assert ask.close(step, ask.at(whole, position - 1))
        assert ask.close(step, model.logits(held.state, ids[:, position, 1]), 0.0)
    likeliest = model.step(ids[:, 31:], held)
    assert ask.close(likeliest, ask.at(whole, 31))


@torch.no_grad()
def test_positions_count() -> None:
    model, ids = model_of(), words(1, 1).expand(-1, 8, -1)
    states = model.states(ids)[0]
    assert not any(torch.allclose(a, b, atol=1e-2) for a, b in pairwise(states))


@torch.no_grad()
def test_past_the_window_is_the_definition() -> None:
    """Each position by itself, from the smallest multiple of 4 that is among the last 8."""
    model, ids = model_of(), words(2, 30)
    whole = model.states(ids)
    for position in range(30):
        start = next(s for s in range(0, 30, 4) if s > position - 8)
        assert torch.allclose(whole[:, position], model.states(ids[:, start : position + 1])[:, -1], atol=1e-4)


@pytest.mark.parametrize("field", range(3))
def test_nothing_is_seen_ahead(field: int) -> None:
    model, ids = model_of(), words(1, 11)
    changed = ids.clone()
    changed[..., field] = (ids[..., field] + 1) % TINY.sizes[field]

    class States(torch.nn.Module):
        def forward(self, ids: Tensor) -> Tensor:
            return model.states(ids)

    ask.check_causal(States(), ids, changed)


@torch.no_grad()
def test_losses_are_mean_cross_entropies() -> None:
    model, ids = model_of(), words(2, 7)
    mask = torch.tensor([[True] * 7, [True] * 4 + [False] * 3])
    logits = model(ids)
    counted = [(b, t) for b in range(2) for t in range(1, 7) if mask[b, t]]
    for field, loss in enumerate(model.losses(ids, mask)):
        each = [functional.cross_entropy(logits[field][b, t - 1], ids[b, t, field]) for b, t in counted]
        assert torch.allclose(loss, torch.stack(each).mean(), atol=1e-5)
    assert ask.close(model.losses(ids), model.losses(ids, torch.ones(2, 7, dtype=torch.bool)), 1e-6)


@pytest.mark.parametrize("length", [8, 13], ids=["inside the window", "beyond the window"])
def test_gradients_reach_all_weights(length: int) -> None:
    torch.manual_seed(0)
    model = CompoundTransformer(TINY)
    ask.check_gradients(model, model.losses(words(3, length + 1)).mean())


def test_it_learns_bach() -> None:
    ids = ask.bach("compound", preset="original")[:, :96]
    torch.manual_seed(0)
    shape = dataclasses.replace(PRESETS["original"], width=32, layers=2, heads=2, hidden=64, window=64)
    ask.check_learns(CompoundTransformer(shape), lambda m: m.losses(ids).mean())


@pytest.mark.parametrize("preset", ["default", "miditok"])
def test_words_of_other_presets(preset: str) -> None:
    """Any vocabulary of fields makes a model; what kind of word it is stands first in these."""
    sizes = tokenizers.get("compound", preset=preset).vocabulary.sizes
    shape = dataclasses.replace(TINY, sizes=sizes, widths=(8,) * len(sizes), leading=0)
    logits = CompoundTransformer(shape)(ask.bach("compound", preset=preset)[:, :9])
    assert [field.shape for field in logits] == [(1, 9, size) for size in sizes]


def test_dropout() -> None:
    ask.check_dropout(model_of(dataclasses.replace(TINY, dropout=0.3)), words(2, 9))


def test_seeds() -> None:
    ask.check_seeds(lambda: CompoundTransformer(TINY))


def test_the_published_shape() -> None:
    shape = PRESETS["original"]
    assert shape.sizes == tokenizers.get("compound", preset="original").vocabulary.sizes
    assert PRESETS["released"].sizes == (56, 135, 18, 3, 87, 18, 25)
    assert tokenizers.get("compound", preset="original").vocabulary.fields[shape.leading][-1] == "Type_Note"
    with torch.device("meta"):
        model = CompoundTransformer(shape)
    assert [field.embedding_dim for field in model.fields] == [128, 256, 64, 32, 512, 128, 128]
    assert model.word.weight.shape == (512, 1248)
    assert model.told.weight.shape == (512, 512 + 32)
    assert (len(model.blocks), shape.heads) == (12, 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": 3}, "not a multiple of 3 heads"),
        ({"widths": (4, 4)}, "every field has a size and a width"),
        ({"sizes": (4, 0, 4)}, "every field has a size and a width"),
        ({"leading": 3}, "no leading field 3: there are 3 fields"),
        ({"width": 9, "heads": 3}, "width 9 is odd"),
    ],
)
def test_impossible_shapes_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        dataclasses.replace(TINY, **change)
