"""Training a region model on note stores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from symbolic_music import generation, read
from symbolic_music.corpora.preparation.pipeline import prepare
from symbolic_music.errors import TrainingError
from symbolic_music.generation import bars
from symbolic_music.models import load_model
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.harmony import KEY_BIT
from symbolic_music.training.config import RegionsData, parse_config
from symbolic_music.training.data.store_regions import StoreRegions
from symbolic_music.training.run.optimizers import MuonWithAdamW, optimizer_of
from symbolic_music.training.run.schedules import plateau
from symbolic_music.training.tasks.regions import RegionsTask, sample_request
from symbolic_music.training.trainer import train
from tests.generation.sessions.test_region_edit import song

MODEL = {"architecture": "region-transformer", "width": 64, "layers": 1, "note_layers": 1, "hidden": 32, "window": 96}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    folder.mkdir()
    for i in range(12):
        song(6 + i).write(folder / f"{i}.mid")
    prepare("folder", folder, tmp_path / "store", splits="60/20/20")
    return tmp_path / "store"


def config(tmp_path: Path, store: Path, **optim: Any) -> Any:
    return parse_config({
        "name": "tiny",
        "out": str(tmp_path / "runs"),
        "evaluate_every": 4,
        "checkpoint_every": 2,
        "model": MODEL,
        "data": {"kind": "regions", "stores": {str(store): 1.0}, "validation_sequences": 4},
        "optim": {"steps": 8, "batch": 4, "warmup": 1, "muon": 0.02, "schedule": "plateau", **optim},
    })  # fmt: skip


def test_batches_depend_on_the_generator_alone(store: Path) -> None:
    source = StoreRegions(RegionsData(kind="regions", stores={str(store): 1.0}), 96)
    one, same, other = (source.training(6, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert all(len(rows) <= 96 for rows in one)
    kinds = {int(kind) for rows in one + other for kind in rows[:, r.KIND]}
    assert {r.START, r.TRACK, r.NOTE, r.REGION, r.END} <= kinds


def test_a_run_learns_resumes_and_writes(tmp_path: Path, store: Path) -> None:
    whole = train(config(tmp_path / "a", store))
    train(config(tmp_path / "b", store, steps=8), report=_stop_at(5))
    resumed = train(config(tmp_path / "b", store), resume=True)
    assert whole.step == resumed.step == 8
    a, b = (load_model(result.folder).network.state_dict() for result in (whole, resumed))
    assert all(torch.equal(a[name], b[name]) for name in a)
    log = (tmp_path / "a" / "runs" / "tiny" / "log.csv").read_text().splitlines()
    valid = [float(line.split(",")[2]) for line in log if ",valid," in line]
    assert valid[-1] < valid[0]
    model = load_model(whole.folder)
    assert model.tokenizer.name == "region"
    assert len(generation.edit(song(), [bars(4, 5)], [0], model, seed=1).finish()[0].notes)


def test_samples_have_the_tracks_and_the_pace_of_the_data(tmp_path: Path, store: Path) -> None:
    tree = config(tmp_path, store).model_copy(update={"sample_seconds": 2.0})
    task = RegionsTask(tree, tree.data)
    asked, piece = sample_request(task.source.validation_piece()), song(6)
    assert not len(asked)
    assert [track.program for track in asked.tracks] == [track.program for track in piece.tracks]
    assert asked.tempos.tolist() == piece.tempos[:1].tolist()
    assert asked.meters.tolist() == piece.meters[:1].tolist()
    torch.manual_seed(1)
    task.sample(task.network(), 4, tmp_path)
    assert {track.program for track in read(tmp_path / "step-000004.mid").tracks} <= {
        track.program for track in piece.tracks
    }


def _stop_at(step: int) -> Any:
    def report(found: dict[str, float]) -> None:
        if found["step"] == step:
            import signal

            signal.raise_signal(signal.SIGTERM)

    return report


def test_written_notes_count_more(tmp_path: Path, store: Path) -> None:
    tree = config(tmp_path, store)
    losses = []
    for weight in (1.0, 5.0):
        data = tree.data.model_copy(update={"written_weight": weight})
        task = RegionsTask(tree, data)
        torch.manual_seed(1)
        network = task.network()
        (batch,) = next(task.batches(0, _whole()))
        losses.append((float(task.loss(network, *batch.tensors).detach()), batch.tokens))
    assert losses[1][0] > losses[0][0]
    assert losses[1][1] > losses[0][1]


def _whole() -> Any:
    from symbolic_music.training.task import Share

    return Share()


def test_another_architecture_is_refused(tmp_path: Path, store: Path) -> None:
    tree = config(tmp_path, store).model_copy(update={"model": parse_config_model()})
    with pytest.raises(TrainingError, match="region-transformer"):
        RegionsTask(tree, tree.data)


def parse_config_model() -> Any:
    from symbolic_music.training.config import ModelConfig

    return ModelConfig(architecture="anticipatory")


def test_matrices_of_blocks_are_learnt_by_muon(tmp_path: Path, store: Path) -> None:
    tree = config(tmp_path, store)
    network = RegionsTask(tree, tree.data).network()
    optimizer = optimizer_of(network, tree.optim)
    assert isinstance(optimizer, MuonWithAdamW)
    matrices, others = (group["params"] for group in optimizer.param_groups)
    names = {id(p): name for name, p in network.named_parameters()}
    assert {names[id(p)] for p in matrices} >= {"blocks.0.up.weight", "note_blocks.0.attention.kv.weight"}
    assert {names[id(p)] for p in others} >= {"key_head.weight", "slot.weight", "pointers.0.query.weight"}
    assert len(matrices) + len(others) == len(names)


def test_a_plateau_falls_at_its_end() -> None:
    rate = plateau(10, 0.5, 0.1)
    assert [round(rate(step), 2) for step in (0, 4, 5, 8, 10)] == [1, 1, 1, 0.46, 0.1]


def test_examples_have_the_chords_and_keys_of_their_pieces(store: Path) -> None:
    data = RegionsData(kind="regions", stores={str(store): 1.0}, chords=0.5, keys=0.5, variations=True)
    rows = np.concatenate(StoreRegions(data, 200).training(40, np.random.default_rng(1)))
    codes = rows[rows[:, r.KIND] == r.REGION, r.HARMONY]
    assert 0 in codes
    assert (codes & 4095).any()
    assert set((codes >> KEY_BIT).tolist()) <= set(range(13)), "all are in C major, transposed"
    assert len(set(rows[rows[:, r.KIND] == r.START, r.ABOUT].tolist())) == 3


def test_chords_are_for_networks_that_read_them(tmp_path: Path, store: Path) -> None:
    settings = config(tmp_path, store).model_dump()
    settings["data"]["chords"] = 0.5
    with pytest.raises(TrainingError, match="harmony: true"):
        train(parse_config(settings))
    settings["model"]["harmony"] = True
    folder = train(parse_config(settings)).folder
    assert load_model(folder).network.config.harmony
