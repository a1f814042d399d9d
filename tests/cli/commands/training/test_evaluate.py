from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from symbolic_music import tokenizers
from symbolic_music.models import Card, Model, registry, save_model
from tests.cli.conftest import Outcome
from tests.training.tiny_runs import grid_file


@pytest.fixture
def model(tmp_path: Path) -> Path:
    network = registry.get("lstm").build({"width": 4, "embedding": 4, "layers": 1, "vocabulary": 388})
    return save_model(
        Model(network, Card("tiny", 1, "none", "none"), tokenizer=tokenizers.get("performance")), tmp_path / "model"
    )


def test_it_names_what_it_measured(run: Callable[..., Outcome], model: Path, tmp_path: Path) -> None:
    run("prepare", "chorales", grid_file(tmp_path), "-o", tmp_path / "store")
    facts = json.loads(run("evaluate", model, tmp_path / "store", "--split", "validation", "--json").out)
    assert {"nll_per_token", "nll_per_note", "bits_per_second", "tokens", "notes", "seconds"} <= facts.keys()
    assert (facts["tokenizer"], facts["vocabulary"], facts["split"]) == ("performance", 388, "validation")
    assert "nats a note" in run("evaluate", model, tmp_path / "store", "--split", "validation").out


def test_mistakes(mistake: Callable[..., str], run: Callable[..., Outcome], model: Path, tmp_path: Path) -> None:
    assert "nowhere" in mistake("evaluate", model, tmp_path / "nowhere")
    run("prepare", "chorales", grid_file(tmp_path), "-o", tmp_path / "store")
    assert "no split 'none'" in mistake("evaluate", model, tmp_path / "store", "--split", "none")
    assert "no-model" in mistake("evaluate", tmp_path / "no-model", tmp_path / "store")
