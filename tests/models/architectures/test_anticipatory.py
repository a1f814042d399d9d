from __future__ import annotations

import numpy as np
import pytest
import torch

from symbolic_music.errors import ModelError, TokenError, UnknownNameError
from symbolic_music.models import AnticipatoryConfig, AnticipatoryTransformer, list_models, load_model, save_model
from symbolic_music.models.architectures.anticipatory import table_of_ids
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.events import arrange, choose_controls, to_ids


@pytest.fixture(scope="module")
def network() -> AnticipatoryTransformer:
    torch.manual_seed(0)
    shape = AnticipatoryConfig(
        width=16, layers=2, heads=2, hidden=24, instruments=(40, 41, 42), window=64, distances=16, dropout=0.0
    )
    network = AnticipatoryTransformer(shape).eval()
    for parameter in network.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    return network


@pytest.fixture(scope="module")
def ids() -> torch.Tensor:
    rng = np.random.default_rng(0)
    times, notes = np.sort(rng.integers(0, 700, 20)), 128 * rng.integers(40, 43, 20) + rng.integers(30, 90, 20)
    events = np.stack([times, rng.integers(0, 900, 20), notes], axis=1).astype(np.int32)
    arranged = arrange(events, choose_controls(events, 3, rng))
    return torch.tensor(np.concatenate([[v.ANTICIPATE], to_ids(*arranged), [v.SEPARATOR] * 3]))[None].long()


@torch.no_grad()
def test_step_equals_forward(network: AnticipatoryTransformer, ids: torch.Tensor) -> None:
    whole, cache = network(ids), network.new_cache()
    for position in range(ids.shape[1]):
        step = network.step(ids[:, position : position + 1], cache)
        finite = torch.isfinite(whole[:, position])
        assert torch.equal(finite, torch.isfinite(step))
        assert torch.allclose(step[finite], whole[:, position][finite], atol=1e-4)


@torch.no_grad()
def test_forward_is_a_distribution_and_agrees_with_the_losses(
    network: AnticipatoryTransformer, ids: torch.Tensor
) -> None:
    log_probabilities = network(ids)
    assert torch.allclose(log_probabilities.exp().sum(-1), torch.ones(ids.shape), atol=1e-4)
    chosen = log_probabilities[0, :-1].gather(-1, ids[0, 1:, None])[:, 0]
    predicted = ids[0, 1:] <= v.REST
    predicted[-3] = True  # the first separator ends the piece
    losses = network.losses(table_of_ids(ids))
    total = losses["time"] + losses["duration"] + losses["note"]
    assert float(total.sum()) == pytest.approx(-float(chosen[predicted].sum()), abs=1e-3)


def test_unknown_instruments_are_refused(network: AnticipatoryTransformer) -> None:
    with pytest.raises(ModelError, match="does not have instruments"):
        network(torch.tensor([[v.AUTOREGRESS, v.TIME, v.DURATION + 1, v.NOTE + 60]]))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([v.TIME, v.DURATION, v.NOTE + 40 * 128], "begin with a flag, 55026 or 55027, not"),
        ([v.AUTOREGRESS, v.DURATION, v.TIME, v.NOTE], r"ids \[10000, 0, 11000\] are no time, duration and note"),
        ([v.AUTOREGRESS, v.TIME, v.DURATION, v.CONTROL + v.NOTE], "no time, duration and note"),
        ([v.AUTOREGRESS, v.SEPARATOR, v.SEPARATOR, 3], "no time, duration and note"),
        ([v.AUTOREGRESS, v.AUTOREGRESS, v.DURATION, v.NOTE], "no time, duration and note"),
        ([v.AUTOREGRESS, -1, v.DURATION, v.NOTE], "no time, duration and note"),
        ([v.AUTOREGRESS, v.TIME, v.DURATION, 10**6], "no time, duration and note"),
    ],
)
def test_ids_that_are_no_rows_are_refused(network: AnticipatoryTransformer, wrong: list[int], message: str) -> None:
    ids = torch.tensor([wrong])
    with pytest.raises(TokenError, match=message):
        network(ids)
    with pytest.raises(TokenError, match=message):
        network.step(ids, network.new_cache())


def test_the_bundled_model_and_its_card(tmp_path) -> None:
    model = load_model()
    assert "chorales" in [card.name for card in list_models()]
    assert model.card.parameters == sum(p.numel() for p in model.network.parameters())
    again = load_model(save_model(model, tmp_path / "copy"))
    assert all(torch.equal(a, b) for a, b in zip(model.network.parameters(), again.network.parameters(), strict=True))
    (tmp_path / "copy" / "model.safetensors").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="broken"):
        load_model(tmp_path / "copy")
    with pytest.raises(UnknownNameError, match="no model named"):
        load_model("nothing")
