"""The precision that is faster is measured once, told, kept, and stays that of a run that goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from symbolic_music.errors import TrainingError
from symbolic_music.training.config import parse_config
from symbolic_music.training.run import precision
from symbolic_music.training.run.precision import FLOAT, HALF, chosen_precision
from symbolic_music.training.tasks.factory import task_of
from symbolic_music.training.trainer import train
from tests.training.tiny_runs import grid

CPU = torch.device("cpu")


def test_it_is_measured_once_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    task = task_of(parse_config(grid(tmp_path)))
    torch.manual_seed(5)
    first = chosen_precision(task, CPU, tmp_path / "cache")
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert drawn == torch.rand(1)  # nothing is drawn from the generator of the run
    (found,) = json.loads((tmp_path / "cache/precision.json").read_text()).values()
    assert found[FLOAT] > 0
    assert found[HALF] > 0
    assert found["agree"]
    assert first == min((FLOAT, HALF), key=lambda name: found[name])
    assert f"precision {first}: a step takes" in caplog.text
    caplog.clear()
    assert chosen_precision(task, CPU, tmp_path / "cache") == first
    assert "measured before" in caplog.text
    other = task_of(parse_config(grid(tmp_path, batch=4)))
    chosen_precision(other, CPU, tmp_path / "cache")
    assert len(json.loads((tmp_path / "cache/precision.json").read_text())) == 2


@pytest.mark.parametrize(
    ("seconds", "agree", "expected"), [((2, 1), True, HALF), ((1, 2), True, FLOAT), ((2, 1), False, FLOAT)]
)
def test_the_faster_one_counts_where_losses_agree(
    seconds: tuple[int, int], agree: bool, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {FLOAT: seconds[0], HALF: seconds[1], "losses": [1.0, 1.0], "agree": agree}
    monkeypatch.setattr(precision, "_measured", lambda *args: found)
    assert chosen_precision(task_of(parse_config(grid(tmp_path))), CPU, tmp_path) == expected
    (tmp_path / "precision.json").write_text("broken")
    assert chosen_precision(task_of(parse_config(grid(tmp_path))), CPU, tmp_path) == expected


def test_a_run_keeps_what_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from symbolic_music.training import trainer

    def auto(**optim: Any) -> Any:
        return parse_config(grid(tmp_path, **optim) | {"engine": {"precision": "auto"}})

    monkeypatch.setattr(trainer, "chosen_precision", lambda *args: HALF)
    train(auto())
    kept = json.loads((tmp_path / "runs/tiny/config.json").read_text())
    assert kept["engine"]["precision"] == HALF
    monkeypatch.setattr(trainer, "chosen_precision", lambda *args: FLOAT)
    assert train(auto(steps=5), resume=True).step == 5
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingError, match="one process"):
        train(auto(steps=6), resume=True)
