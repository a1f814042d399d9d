import sys
from types import SimpleNamespace

import pytest

from symbolic_music.errors import MissingExtraError
from symbolic_music.training.run.tensorboard_and_wandb import WeightsAndBiases, numbers


def test_numbers_are_what_can_be_drawn():
    row = {"step": 3, "split": "train", "nats_per_token": 1.5, "bits_per_second": float("nan"), "x": float("inf")}
    assert numbers(row) == {"nats_per_token": 1.5}


def test_weights_and_biases_gets_each_row(monkeypatch):
    said = []
    run = SimpleNamespace(log=lambda values, step: said.append((values, step)), finish=lambda: said.append("end"))
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=lambda **options: said.append(options) or run))
    callback = WeightsAndBiases("project", "tiny", {"seed": 1})
    callback.on_log({"step": 4, "split": "valid", "nats_per_token": 2.0})
    callback.on_end()
    assert said == [
        {"project": "project", "name": "tiny", "id": "tiny", "resume": "allow", "config": {"seed": 1}},
        ({"valid/nats_per_token": 2.0}, 4),
        "end",
    ]


def test_without_wandb_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingExtraError, match="wandb"):
        WeightsAndBiases("project", "tiny", {})
