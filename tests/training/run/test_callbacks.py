import sys
from types import SimpleNamespace

import pytest

from symbolic_music.errors import MissingExtraError
from symbolic_music.training.run.callbacks import Callback, WeightsAndBiases, numbers
from symbolic_music.training.run.run_log import Records, columns_of, log_rows


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


def test_one_s_own_callback_hears_of_each_row(tmp_path):
    rows = []

    class Mine(Callback):
        def on_log(self, row):
            rows.append(row["learning_rate"])

    records = Records(tmp_path, columns_of("nats_per_token", "rate", ()), [Mine()])
    records.add(step=1, split="train", nats_per_token=1.0, learning_rate=1e-3, gradient_norm=0.5)
    assert rows == [1e-3]
    head, line = (tmp_path / "log.csv").read_text().splitlines()
    assert "learning_rate,gradient_norm" in head
    assert "0.001,0.5" in line


@pytest.mark.parametrize("rows", [None, 3, {}, [1], [{"step": 1, "other": 2}]])
def test_rows_that_are_none_are_refused(rows):
    with pytest.raises(ValueError, match="no log"):
        log_rows(rows, columns_of("loss", "rate", ()))
