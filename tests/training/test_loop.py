"""The training step keeps an accelerator busy: nothing is read from it before it has to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from symbolic_music.errors import TrainingError
from symbolic_music.models.architectures import anticipatory
from symbolic_music.training.config import parse_config
from symbolic_music.training.data import chorale_grids
from symbolic_music.training.loop import Loop
from symbolic_music.training.run.weight_average import Average
from symbolic_music.training.task import Share
from symbolic_music.training.trainer import begin, train
from tests.training.test_trainer import losses, same, weights
from tests.training.tiny_runs import edits, grid


class Calls(TorchDispatchMode):
    """The operators that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def plain(make: Any, folder: Path, **optim: Any) -> Any:
    """A run without dropout, whose seed is read on the CPU."""
    tree = make(folder, **optim)
    return parse_config(tree | {"model": {**tree["model"], "dropout": 0.0}})


@pytest.mark.parametrize("make", [edits, grid])
def test_a_step_reads_no_value_and_changes_all_weights_at_once(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anticipatory, "may_check", lambda tensor: False)  # as on an accelerator
    loop = begin(plain(make, tmp_path, accumulate=2, steps=50))
    batches = loop.task.batches(0, Share(parts=2))
    loop.update(next(batches))
    batch = next(batches)  # made on the CPU
    with Calls() as found:
        loop.update(batch)
    waits = ("_local_scalar_dense", "nonzero", "aten.equal", "masked_select")
    assert not [name for name in found.names if any(wait in name for wait in waits)]
    assert "aten._fused_adamw_.default" in found.names
    assert found.names.count("aten._foreach_lerp_.Scalar") == 1
    assert not [name for name in found.names if name.startswith("aten.lerp")]
    with Calls() as read:
        loop.settle()
    assert len([name for name in read.names if "copy" in name or "_local_scalar" in name]) <= 2


def test_losses_that_are_read_later_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(parse_config(grid(tmp_path / "a", steps=7)))
    seen: list[float] = []
    loop = begin(parse_config(grid(tmp_path / "b", steps=7)))
    loop._ahead = 2
    loop.go(lambda row: seen.append(row["step"]))
    assert seen == list(range(1, 8))
    assert same(*(weights(tmp_path / place / "runs/tiny") for place in "ab"))
    assert losses(tmp_path / "a/runs/tiny") == losses(tmp_path / "b/runs/tiny")


def test_a_loss_that_is_not_finite_is_found_before_anything_is_kept(tmp_path: Path) -> None:
    loop = begin(parse_config(grid(tmp_path, learning_rate=1e30, warmup=0, steps=20) | {"checkpoint_every": 1}))
    loop._ahead = 5
    with pytest.raises(TrainingError, match=r"of step \d+ is not finite, on chorales"):
        loop.go()
    again = Loop(loop.task, loop.fabric)
    again.load()
    assert all(torch.isfinite(value).all() for value in again.network.state_dict().values())


def test_the_average_is_that_of_each_weight() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    average = Average(network)
    expected = {name: value.clone() for name, value in network.state_dict().items()}
    for _ in range(3):
        for parameter in network.parameters():
            parameter.data.add_(torch.randn_like(parameter))
        average.follow(0.9)
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                expected[name].lerp_(value, 0.1)
    assert all(torch.equal(average.tensors[name], value) for name, value in expected.items())
    own = {name: value.clone() for name, value in network.state_dict().items()}
    with average.swapped():
        assert torch.equal(network[0].weight, expected["0.weight"])
    assert all(torch.equal(value, own[name]) for name, value in network.state_dict().items())
    assert torch.equal(average.tensors["0.weight"], expected["0.weight"])


def test_the_task_of_a_run_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    own = chorale_grids.GridSource
    monkeypatch.setattr(chorale_grids, "GridSource", lambda *args: made.append(1) or own(*args))
    train(parse_config(grid(tmp_path)))
    assert made == [1]
