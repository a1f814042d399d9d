"""Fine-tuning by low-rank changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from symbolic_music.errors import TrainingError
from symbolic_music.models import load_model
from symbolic_music.training import train
from symbolic_music.training.config import parse_config
from symbolic_music.training.lora import adapt, merged
from tests.training.tiny_runs import grid


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.outside = nn.Linear(6, 6)
        self.blocks = nn.ModuleList([nn.Linear(6, 4)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.blocks[0](self.outside(x)))


def test_nothing_changes_before_it_is_learnt_and_the_merged_network_computes_the_same() -> None:
    torch.manual_seed(0)
    net, x = Net(), torch.randn(3, 6)
    before = net(x)
    adapt(net, 2, 2.0)
    assert torch.equal(net(x), before)
    learnt = [p for p in net.parameters() if p.requires_grad]
    assert sorted(tuple(p.shape) for p in learnt) == [(2, 6), (4, 2)]
    torch.nn.init.normal_(learnt[1])
    torch.nn.init.normal_(learnt[0])
    plain = merged(net)
    assert sorted(plain.state_dict()) == sorted(Net().state_dict())
    torch.testing.assert_close(plain(x), net(x))
    assert merged(plain) is plain


def test_a_network_without_matrices_or_of_lower_rank_is_refused() -> None:
    with pytest.raises(TrainingError, match="no blocks"):
        adapt(nn.Linear(3, 3), 1, 1.0)
    with pytest.raises(TrainingError, match="below 4"):
        adapt(Net(), 4, 1.0)


def run(folder: Path, start: Path, **optim: Any) -> dict[str, Any]:
    tree = grid(folder, learning_rate=1e-2, **optim)
    return {**tree, "init": str(start), "model": {}, "lora": {"rank": 3}}


def test_a_run_changes_the_matrices_of_the_blocks_by_its_rank_and_nothing_else(tmp_path: Path) -> None:
    first = train(parse_config(grid(tmp_path / "a", learning_rate=1e-2)))
    second = train(parse_config(run(tmp_path / "b", first.folder)))
    before, after = (load_model(one.folder).network for one in (first, second))
    # A tiny model may get no better; then there is nothing to compare.
    assert second.best < first.best
    matrices = {n for n, m in before.blocks.named_modules(prefix="blocks") if isinstance(m, nn.Linear)}
    weights = {f"{name}.weight" for name in matrices}
    changed = 0
    for name, a in before.state_dict().items():
        difference = after.state_dict()[name] - a
        if name in weights:
            # Rounded to float16 in the file, so that small singular values are left.
            values = torch.linalg.svdvals(difference)
            assert values[3:].max() < 0.1 * values[0]
            changed += bool(values[0] > 1e-3)
        else:
            assert torch.equal(difference, torch.zeros_like(a))
    assert changed > len(weights) // 2


def test_it_is_resumed_to_the_same_weights(tmp_path: Path) -> None:
    first = train(parse_config(grid(tmp_path / "a")))
    whole = train(parse_config(run(tmp_path / "b", first.folder, steps=4)))
    config = parse_config(run(tmp_path / "c", first.folder, steps=4))

    def stop(report: dict[str, float]) -> None:
        if report["step"] == 3:  # after the checkpoint of step 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, report=stop)
    again = train(config, resume=True)
    for a, b in zip(
        load_model(whole.folder).network.state_dict().values(),
        load_model(again.folder).network.state_dict().values(),
        strict=True,
    ):
        assert torch.equal(a, b)


def test_only_a_trained_model_is_changed(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="name it by init="):
        train(parse_config({**grid(tmp_path), "lora": {}}))
