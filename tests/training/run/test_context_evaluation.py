"""Edits in context while a model is trained."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from symbolic_music import plotting
from symbolic_music.corpora.preparation.pipeline import prepare
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.errors import TrainingError
from symbolic_music.training.config import ContextConfig, RegionsData, parse_config
from symbolic_music.training.run.context_evaluation import chosen_cases, means
from symbolic_music.training.run.run_log import CONTEXT
from symbolic_music.training.trainer import train
from tests.generation.sessions.test_region_edit import song
from tests.training.data.test_store_regions import MODEL
from tests.training.test_trainer import Stop, same, stop_at, weights
from tests.training.tiny_runs import grid


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    folder.mkdir()
    for i in range(9):
        song(16 + i).write(folder / f"{i}.mid")
    prepare("folder", folder, tmp_path / "store", splits="40/10/50")
    return tmp_path / "store"


def config(folder: Path, store: Path, context: dict[str, int] | None = None, **changes: Any) -> Any:
    return parse_config({
        "name": "tiny",
        "out": str(folder),
        "evaluate_every": 2,
        "checkpoint_every": 1,
        "context": context,
        "model": MODEL,
        "data": {"kind": "regions", "stores": {str(store): 1.0}, "validation": "test", "validation_sequences": 2},
        "optim": {"steps": 4, "batch": 2, "warmup": 1},
        **changes,
    })  # fmt: skip


def test_regions_are_of_the_validation_split_and_always_the_same(store: Path) -> None:
    data = RegionsData(kind="regions", stores={str(store): 1.0}, validation="test")
    one, two = (chosen_cases(data, ContextConfig(regions=3, bars=2)) for _ in range(2))
    assert [case.region for case in one] == [case.region for case in two]
    assert [case.is_drums for case in one] == [False, False, True]
    names = [case.piece for case in one]
    assert len(set(names)) == 3
    held_out = NoteStore(store).splits["test"].tolist()
    assert {int(name.rsplit(":", 1)[1]) for name in names} <= set(held_out)
    with pytest.raises(TrainingError, match="no piece of split 'test' has 16 bars"):
        chosen_cases(data, ContextConfig(regions=1, bars=16))


def test_the_log_and_the_picture_have_the_context_beside_the_loss(store: Path, tmp_path: Path) -> None:
    train(config(tmp_path / "runs", store, {"regions": 3, "bars": 2}))
    rows = plotting.read_log(tmp_path / "runs/tiny/log.csv")
    found = [row for row in rows if row["split"] == "context"]
    assert [row["step"] for row in found] == ["2", "4"]
    assert all(0 <= float(row[name]) <= 1 for row in found for name in CONTEXT if row[name])
    beside = {row["split"]: row for row in rows if row["split"].startswith("context, ")}
    assert [row["split"] for row in rows].count("context, copy") == 1
    # The song repeats itself: its bars are as those before, and a copy of these is the original.
    for name in ("likeness", "likeness_rhythm", "on_grid", "in_key", "density_kept"):
        assert float(beside["context, original"][name]) == float(beside["context, copy"][name]) == 1
    svg = plotting.loss_curve(rows, tmp_path / "a.svg").read_text()
    assert "likeness rhythm" in svg
    assert "copy of the bars before" in svg
    plain = [row for row in rows if not row["split"].startswith("context")]
    assert "copy of the bars before" not in plotting.loss_curve(plain, tmp_path / "b.svg").read_text()


def test_context_changes_no_weight_and_resumes_to_the_same_log(store: Path, tmp_path: Path) -> None:
    asked = {"regions": 2, "bars": 2}
    train(config(tmp_path / "a", store))
    train(config(tmp_path / "b", store, asked))
    with pytest.raises(Stop):
        train(config(tmp_path / "c", store, asked), report=stop_at(3))
    train(config(tmp_path / "c", store, asked), resume=True)
    assert same(weights(tmp_path / "a/tiny"), weights(tmp_path / "b/tiny"))
    assert same(weights(tmp_path / "a/tiny"), weights(tmp_path / "c/tiny"))
    kept = [
        [row[name] for name in ("step", "split", *CONTEXT)] for row in plotting.read_log(tmp_path / "b/tiny/log.csv")
    ]
    assert kept == [
        [row[name] for name in ("step", "split", *CONTEXT)] for row in plotting.read_log(tmp_path / "c/tiny/log.csv")
    ]


def test_means_are_over_the_regions_that_have_a_value() -> None:
    drums = dict.fromkeys((*CONTEXT, "likeness_rhythm_pitch"), math.nan) | {"likeness": 0.5, "on_grid": 1.0}
    pitched = drums | {"likeness": math.nan, "likeness_rhythm_pitch": 0.1, "on_grid": 0.5, "in_key": 0.9}
    found = means([drums, pitched])
    assert found["likeness"] == pytest.approx(0.3)
    assert (found["on_grid"], found["in_key"]) == (0.75, 0.9)
    assert math.isnan(found["clashes"])


def test_other_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="edits or regions, not chorale-grid"):
        train(parse_config({**grid(tmp_path), "context": {}}))
