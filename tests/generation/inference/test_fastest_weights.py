"""The fastest format of weights is measured once, told and kept; one that is far off float32 is not taken."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import torch
from torch import nn

from symbolic_music.generation.inference import fastest_weights as module
from symbolic_music.generation.inference.fastest_weights import fastest_weights
from symbolic_music.generation.inference.weight_formats import WEIGHTS


def network(width: int = 32) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(width, 48), nn.ReLU(), nn.Linear(48, width))


def test_it_is_measured_once_for_the_shapes_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    first = fastest_weights(network(), tmp_path)
    (found,) = json.loads((tmp_path / "weights.json").read_text()).values()
    assert found.keys() == WEIGHTS.keys()
    assert first == min(WEIGHTS, key=lambda name: found[name][0])
    assert found["float32"][1] == 0
    assert all(0 < found[name][1] < 0.02 for name in WEIGHTS if name != "float32")
    assert f"weights in {first}; a vector by all of them takes float32" in caplog.text
    caplog.clear()
    assert fastest_weights(network(), tmp_path) == first
    assert "measured before" in caplog.text
    fastest_weights(network(64), tmp_path)
    assert len(json.loads((tmp_path / "weights.json").read_text())) == 2


def test_what_is_far_off_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"float32": (4.0, 0.0), "float16": (3.0, 0.001), "bfloat16": (2.0, 0.004), "int8": (1.0, 0.03)}
    monkeypatch.setattr(module, "_measured", lambda matrices: found)
    assert fastest_weights(network(), tmp_path) == "bfloat16"
    (tmp_path / "weights.json").write_text("broken")
    assert fastest_weights(network(), tmp_path) == "bfloat16"


def test_other_types_stay_as_they_are(tmp_path: Path) -> None:
    assert fastest_weights(network().double(), tmp_path) == "float32"
    assert fastest_weights(nn.Embedding(3, 4), tmp_path) == "float32"
    assert not (tmp_path / "weights.json").exists()
