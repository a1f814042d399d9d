from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from symbolic_music import tokenizers
from symbolic_music.models import AnticipatoryConfig, Card, Model, registry, save_model
from symbolic_music.models.architectures.anticipatory import AnticipatoryTransformer
from tests.cli.conftest import Outcome
from tests.evaluation.context.test_baselines import ROOTS, song
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
    assert ".html" in mistake("evaluate", model, tmp_path / "store", "--report", tmp_path / "page.pdf")
    # No edits by a model of whole pieces; and none in pieces of four bars.
    assert "four bars" in mistake("evaluate", model, tmp_path / "store", "--edits", 2).replace("4 bars", "four bars")


def test_edits_stand_beside_copies(run: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "songs").mkdir()
    for seed in range(6):
        song(seed, ROOTS * 2).write(tmp_path / "songs" / f"a <b> & {seed}.mid")
    run("prepare", "folder", tmp_path / "songs", "-o", tmp_path / "store", "--splits", "20/10/70")
    network = AnticipatoryTransformer(AnticipatoryConfig(width=16, layers=1, heads=2, hidden=32)).eval()
    save_model(Model(network, Card("tiny", 1, "none", "none")), tmp_path / "model")
    verb = ("evaluate", tmp_path / "model", tmp_path / "store", "--edits", 3, "--seed", 1)
    found = json.loads(run(*verb, "--json").out)["edits"]
    assert (found["n"], found["pieces"], found["seed"], found["errors"]) == (3, 3, 1, [])
    values = {row["metric"]: row["ours"] for row in found["rows"]}
    assert values["pitched same_as_original: original"] == 1
    assert values["pitched lost: tiny"] == 0
    assert values["drums likeness: original"] == 1
    assert {name.split(": ")[1] for name in values} == {"tiny", "original", "copy", "retrieval", "random"}
    done = run(*verb, "--report", tmp_path / "page.html")
    assert "in_chord" in done.out
    assert "retrieval" in done.out
    page = (tmp_path / "page.html").read_text()
    assert "evaluate" in page
    assert page.count("<audio") == 3 * 5
    assert "<b>" not in page
    data = json.loads((tmp_path / "page.json").read_text())
    assert (data["split"], data["regions"], data["seed"]) == ("test", 3, 1)
    assert data["command"].startswith("symbolic-music evaluate")
    assert [section["title"].split(" ")[0] for section in data["sections"][:3]] == ["Likelihood", "Drums", "Pitched"]
