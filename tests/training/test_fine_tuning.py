"""Training that begins from trained weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from symbolic_music.errors import ConfigError, TrainingError
from symbolic_music.models import GPT2, GPT2Config, load_model, save_pretrained
from symbolic_music.training import train
from symbolic_music.training.config import parse_config
from tests.corpora.example_stores import band, store_of
from tests.training.tiny_runs import grid


def still(tree: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A run whose weights hardly move."""
    return {**tree, "optim": {**tree["optim"], "learning_rate": 1e-9, "steps": 1}, **changes}


def test_a_run_goes_on_from_another_s_weights(tmp_path: Path) -> None:
    first = train(parse_config(grid(tmp_path / "a", learning_rate=1e-2, steps=8)))
    tree = still(grid(tmp_path / "b"), init=str(first.folder), model={"dropout": 0.0})
    second = train(parse_config(tree))
    before, after = (load_model(one.folder).network for one in (first, second))
    assert before.config.width == after.config.width == 16
    assert after.config.dropout == 0.0
    for a, b in zip(before.state_dict().values(), after.state_dict().values(), strict=True):
        assert torch.allclose(a, b, atol=1e-3)
    assert second.best == pytest.approx(first.best, abs=0.01)
    train(parse_config({**tree, "optim": {**tree["optim"], "steps": 1}}), resume=True)


def test_the_card_names_the_model_that_a_run_began_from(tmp_path: Path) -> None:
    first = train(parse_config({**grid(tmp_path / "a"), "name": "old", "license": "CC BY-NC-SA 4.0"}))
    tree = still(grid(tmp_path / "b"), init=str(first.folder), name="new", license="mine")
    card = load_model(train(parse_config(tree)).folder).card
    assert card.license == "mine; old, from which it was trained: CC BY-NC-SA 4.0"
    assert card.data == "grid.json, from the weights of old"
    same = {**tree, "name": "same", "license": "CC BY-NC-SA 4.0"}
    assert load_model(train(parse_config(same)).folder).card.license == "CC BY-NC-SA 4.0"


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    first = train(parse_config(grid(tmp_path / "a")))
    with pytest.raises(ConfigError, match="did you mean hidden"):
        train(parse_config(still(grid(tmp_path / "b"), init=str(first.folder), model={"hiden": 24})))
    with pytest.raises(
        TrainingError, match=r"does not fit the model: blocks\.0\.feed_forward[^,]* is \(32, 16\) there"
    ):
        train(parse_config(still(grid(tmp_path / "b"), init=str(first.folder), model={"hidden": 24})))
    other = {"architecture": "lstm"}
    with pytest.raises(TrainingError, match="frame-transformer, not lstm"):
        train(parse_config(still(grid(tmp_path / "c"), init=str(first.folder), model=other)))


def test_a_published_checkpoint_is_fine_tuned_on_a_folder_of_music(tmp_path: Path) -> None:
    network = GPT2(GPT2Config(width=8, layers=1, heads=2, dropout=0.0, attention_dropout=0.0))
    save_pretrained(network, tmp_path / "published")
    store = store_of(tmp_path / "store", [band(i, 900) for i in range(3)])
    tree = {
        "name": "tuned", "out": str(tmp_path / "runs"), "init": str(tmp_path / "published"),
        "data": {"kind": "windows", "path": str(store.path), "tokenizer": "anticipation", "windows": "packed",
                 "factor": 1, "validation": "train", "validation_windows": 1},
        "optim": {"steps": 2, "batch": 1, "warmup": 1},
        "model": {"dropout": 0.1},
    }  # fmt: skip
    result = train(parse_config(tree))
    tuned = load_model(result.folder)
    assert isinstance(tuned.network, GPT2)
    assert (tuned.network.config.width, tuned.network.config.dropout) == (8, 0.1)
    lstm = {
        **tree,
        "name": "other",
        "data": {**tree["data"], "tokenizer": "performance", "windows": "crops", "length": 64},
    }
    with pytest.raises(TrainingError):
        train(parse_config({**lstm, "init": str(result.folder)}))
