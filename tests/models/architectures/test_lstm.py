from __future__ import annotations

import dataclasses

import pytest
import torch

from symbolic_music.errors import ModelError
from symbolic_music.models.architectures.lstm import LSTM, PRESETS, LSTMConfig
from tests.models import token_models as ask

TINY = LSTMConfig(vocabulary=19, embedding=12, width=16, layers=2)


def model_of(config: LSTMConfig = TINY) -> LSTM:
    return ask.lively(LSTM(config))


@torch.no_grad()
def test_one_layer_by_hand() -> None:
    """Gates in the order input, forget, cell, output, as in Hochreiter & Schmidhuber 1997 with forgetting."""
    model = model_of(dataclasses.replace(TINY, layers=1))
    ids, hidden, cells = ask.some_ids(1, 5, 19), torch.zeros(16), torch.zeros(16)
    weights = model.lstm
    for x in model.input(ids)[0]:
        gates = weights.weight_ih_l0 @ x + weights.bias_ih_l0 + weights.weight_hh_l0 @ hidden + weights.bias_hh_l0
        enter, keep, new, show = gates.chunk(4)
        cells = keep.sigmoid() * cells + enter.sigmoid() * new.tanh()
        hidden = show.sigmoid() * cells.tanh()
    assert torch.allclose(model.out(hidden), model(ids)[0, -1], atol=1e-5)


def test_cells_begin_by_remembering() -> None:
    model = LSTM(TINY)
    assert all((getattr(model.lstm, f"bias_ih_l{layer}")[16:32] == 1).all() for layer in range(2))
    assert (model.lstm.bias_ih_l0[:16] != 1).all()


def test_nothing_is_seen_ahead() -> None:
    ids = ask.some_ids(1, 11, 19)
    ask.check_causal(model_of(), ids, (ids + 3) % 19)


def test_gradients_reach_all_weights() -> None:
    torch.manual_seed(0)
    model = LSTM(TINY)
    ask.check_gradients(model, ask.next_loss(model, ask.some_ids(3, 9, 19)))


def test_it_learns_bach() -> None:
    ids = ask.bach("performance")[:, :96]
    torch.manual_seed(0)
    ask.check_learns(LSTM(LSTMConfig(embedding=32, width=32, layers=2)), lambda m: ask.next_loss(m, ids), steps=30)


@pytest.mark.parametrize("layers", [1, 2])
def test_dropout(layers: int) -> None:
    ask.check_dropout(model_of(dataclasses.replace(TINY, dropout=0.3, layers=layers)), ask.some_ids(2, 9, 19))


def test_seeds() -> None:
    ask.check_seeds(lambda: LSTM(TINY))


@pytest.mark.parametrize(("name", "width"), [("performance-rnn", 512), ("piano", 1024)])
def test_presets_have_the_published_shape(name: str, width: int) -> None:
    with torch.device("meta"):
        model = LSTM(PRESETS[name])
    assert sum(p.numel() for p in model.lstm.parameters()) == 3 * (8 * width**2 + 8 * width)
    assert model.out.weight.shape == (388, width)


def test_impossible_shapes_are_refused() -> None:
    with pytest.raises(ModelError, match="layers of a LSTMConfig is at least 1 and at most 1,024, not 0"):
        LSTMConfig(layers=0)
