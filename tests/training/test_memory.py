"""Runs that need more memory than there is end with a line."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from symbolic_music.errors import ConfigError, TrainingError
from symbolic_music.training import load_config, memory, train
from symbolic_music.training.config import parse_config
from symbolic_music.training.flow.config import load_flow_config
from symbolic_music.training.memory import bounded_memory, memory_errors
from tests.training.tiny_runs import edits

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux bounds private data")
CONFIGS = Path(__file__).parents[2] / "configs"


def allocate(bytes_: int) -> torch.Tensor:
    return torch.ones(bytes_, dtype=torch.uint8)


@linux
def test_memory_beyond_what_is_free_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    monkeypatch.setattr(memory, "_free", lambda: 1 << 28)
    with bounded_memory():
        assert len(allocate(1 << 26)) == 1 << 26
        with pytest.raises(TrainingError, match=r"not enough memory .*lower optim\.batch"), memory_errors():
            allocate(1 << 29)
        with pytest.raises(TrainingError, match=r"not enough memory .*lower optim\.batch"), memory_errors():
            np.ones(1 << 29, np.uint8)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert len(allocate(1 << 29)) == 1 << 29


@linux
def test_a_batch_that_does_not_fit_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = parse_config(edits(tmp_path, batch=1 << 16))
    monkeypatch.setattr(memory, "_free", lambda: 1 << 28)
    with pytest.raises(TrainingError, match="not enough memory"):
        train(config)


def test_other_errors_stay() -> None:
    with pytest.raises(RuntimeError, match="shape"), memory_errors():
        torch.zeros(3).reshape(2)


@linux
def test_what_is_free_is_known() -> None:
    free = memory._free()
    assert free is not None
    assert 1 << 20 < free < 1 << 50


def test_a_control_group_bounds_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if memory._free() is None:
        pytest.skip("no /proc/meminfo here")
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.stat").write_text("anon 400000\nfile 9999999\n")
    assert memory._free() == 600_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._free() != 600_000


@pytest.mark.parametrize(
    "override", ["optim.batch=100000", "optim.steps=10000000000", "optim.accumulate=99999999", "data.length=99999999",
                 "data.validation_windows=99999999", "data.workers=99999", "optim.warmup=99999999999"],
)  # fmt: skip
def test_a_slip_of_the_keyboard_is_a_line(override: str) -> None:
    with pytest.raises(ConfigError, match=f"setting {override.partition('=')[0]}: .*less than or equal"):
        load_config(CONFIGS / "maestro-lstm.yaml", [override])


@pytest.mark.parametrize(
    "override", ["optim.frames=99999999", "optim.critic_width=100000", "optim.shortcut_steps=9999"]
)
def test_a_slip_in_a_config_of_sound_is_a_line(override: str) -> None:
    with pytest.raises(ConfigError, match="less than or equal"):
        load_flow_config(CONFIGS / "flow.yaml", [override])
