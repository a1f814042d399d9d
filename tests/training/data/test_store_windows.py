"""Training on windows of a store, for each kind of ids."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from symbolic_music.errors import TrainingError
from symbolic_music.models import load_model
from symbolic_music.training import train
from symbolic_music.training.config import TrainConfig, parse_config
from symbolic_music.training.task import Share
from symbolic_music.training.tasks.factory import task_of
from tests.corpora.example_stores import mixed_store

SMALL = {"width": 16, "layers": 1, "heads": 2, "hidden": 16}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(mixed_store(tmp_path_factory.mktemp("store")).path)


def config(store: Path, out: Path, model: dict[str, Any], data: dict[str, Any], **optim: Any) -> TrainConfig:
    return parse_config(
        {
            "name": "tiny",
            "out": str(out),
            "evaluate_every": 3,
            "checkpoint_every": 2,
            "model": model,
            "data": {
                "kind": "windows", "path": str(store), "train": "train", "validation": "train", "validation_windows": 4,
                **data,
            },
            "optim": {"steps": 3, "batch": 2, "warmup": 1, **optim},
        }
    )  # fmt: skip


KINDS = {
    "performance": ({"architecture": "music-transformer", **SMALL, "window": 64, "distances": 8}, {"length": 64}),
    "lstm": ({"architecture": "lstm", "width": 16, "layers": 1, "embedding": 8}, {"length": 64}),
    "remi": (
        {"architecture": "sinusoid-transformer", **SMALL, "window": 64},
        {"tokenizer": "remi", "windows": "bars", "length": 64},
    ),
    "compound": (
        {"architecture": "compound-transformer", **SMALL, "window": 32, "widths": [4] * 7},
        {"tokenizer": "compound", "preset": "original", "windows": "bars", "length": 32},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_ids_is_learnt_and_saved_with_its_tokenizer(kind: str, store: Path, tmp_path: Path) -> None:
    model, data = KINDS[kind]
    result = train(config(store, tmp_path, model, data))
    assert result.finished
    assert load_model(result.folder).tokenizer.name == data.get("tokenizer", "performance")


def batches(settings: TrainConfig, first: int, count: int, share: Share | None = None) -> list[list[Any]]:
    return [
        [part.tensors[0] for part in parts]
        for parts in islice(task_of(settings).batches(first, share or Share()), count)
    ]


def test_what_a_step_holds_depends_on_seed_and_step_alone(store: Path, tmp_path: Path) -> None:
    model, data = KINDS["performance"]
    settings = config(store, tmp_path, model, data)
    whole = [parts[0] for parts in batches(settings, 0, 9)]
    for first in (1, 4):
        resumed = [parts[0] for parts in batches(settings, first, 9 - first)]
        assert all(torch.equal(a, b) for a, b in zip(whole[first:], resumed, strict=True))
    with_workers = [parts[0] for parts in batches(config(store, tmp_path, model, {**data, "workers": 1}), 0, 9)]
    assert all(torch.equal(a, b) for a, b in zip(whole, with_workers, strict=True))


def test_ranks_and_parts_share_the_batch_of_one(store: Path, tmp_path: Path) -> None:
    model, data = KINDS["performance"]
    settings = config(store, tmp_path, model, data, batch=4)

    def rows(share: Share) -> list[list[int]]:
        return [ids.tolist() for parts in batches(settings, 2, 1, share) for part in parts for ids in part]

    whole = sorted(rows(Share()))
    assert sorted(rows(Share(0, 2)) + rows(Share(1, 2))) == whole
    assert sorted(rows(Share(parts=2))) == whole
    with pytest.raises(TrainingError, match="does not divide"):
        rows(Share(0, 3))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"architecture": "anticipatory"}, "init="),
        ({"architecture": "lstm", "vocabulary": 5}, "model.vocabulary is 5, and performance has 388 ids"),
    ],
)
def test_a_model_of_other_ids_is_refused(model: dict[str, Any], said: str, store: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=said):
        train(config(store, tmp_path, model, {"tokenizer": "performance", "length": 32}))
    assert not any(tmp_path.iterdir())
