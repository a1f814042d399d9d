from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from symbolic_music.errors import ConfigError, TrainingError
from symbolic_music.models import load_model
from symbolic_music.training import TrainConfig, load_config, train
from symbolic_music.training.config import parse_config


def config(folder: Path, **optim: int) -> TrainConfig:
    chords = [[72, 67, 64, 48], [72, 69, 65, 53], [71, 67, 62, 55], [72, 67, 64, 48]]
    piece = [chord for chord in chords * 4 for _ in range(4)]
    grid = folder / "grid.json"
    grid.write_text(json.dumps({"train": [piece], "valid": [piece], "test": [piece]}))
    return parse_config(
        {
            "name": "tiny",
            "out": str(folder / "runs"),
            "evaluate_every": 4,
            "checkpoint_every": 2,
            "model": {"width": 16, "layers": 1, "heads": 2, "hidden": 16, "window": 128},
            "data": {"path": str(grid)},
            "optim": {"steps": 4, "batch": 2, "warmup": 1, **optim},
        }
    )


def test_a_run_writes_a_model_and_a_log(tmp_path: Path) -> None:
    result = train(config(tmp_path))
    assert result.finished
    assert load_model(result.folder).card.name == "tiny"
    assert (tmp_path / "runs/tiny/log.csv").read_text().count("\n") == 3
    with pytest.raises(TrainingError, match="--resume"):
        train(config(tmp_path))


def test_an_interrupted_run_resumes_to_the_same_weights(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = train(config(tmp_path / "a"))

    class Stop(Exception):
        pass

    def stop(row: dict[str, float]) -> None:
        if row["step"] == 3:  # after the checkpoint of step 2
            raise Stop

    with pytest.raises(Stop):
        train(config(tmp_path / "b"), report=stop)
    resumed = train(config(tmp_path / "b"), resume=True)
    one, other = (load_model(r.folder).network.state_dict() for r in (whole, resumed))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_misspelt_setting_names_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("name: x\ndata: {path: y}\noptim: {learning_rat: 1}\n")
    with pytest.raises(ConfigError, match="did you mean learning_rate"):
        load_config(file)
    file.write_text("name: x\ndata: {path: y}\n")
    assert load_config(file, ["optim.steps=7"]).optim.steps == 7
