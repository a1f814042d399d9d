"""fadtk and kadtk are not installed here: small modules with the names that theirs have stand in for them."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symbolic_music.errors import EmptyScoreError, MissingExtraError, UnknownNameError
from symbolic_music.evaluation.distances import rendered_distance
from symbolic_music.score import Score, note_table

LOW, HIGH = (Score(notes=note_table([(0, 240, pitch, 80)])) for pitch in (40, 90))


def levels(folder: str) -> float:
    """Zero crossings a second of all sounds of a folder: higher notes have more."""
    import soundfile

    sounds = [soundfile.read(path) for path in sorted(Path(folder).glob("*.wav"))]
    assert all(rate == 48000 for _, rate in sounds)
    return float(np.mean([(np.diff(np.sign(sound[:, 0])) != 0).mean() for sound, _ in sounds]))


@pytest.fixture(params=["fadtk", "kadtk"])
def tool(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    cached: list[str] = []

    class Distance:
        def __init__(self, model: Any, device: str = "", audio_load_worker: int = 8, load_model: bool = True) -> None:
            assert model.name == "clap-laion-music"
            assert (device == "cpu") if name == "kadtk" else not load_model

        def score(self, baseline: str, eval: str) -> float:
            assert cached[-2:] == [baseline, eval]
            return levels(eval) - levels(baseline)

    def cache_embedding_files(files: str, model: Any, workers: int) -> None:
        cached.append(files)

    model = types.SimpleNamespace(name="clap-laion-music")
    parts: dict[str, dict[str, Any]] = {
        "": {"__path__": []},
        ".model_loader": {"get_all_models": lambda: [model]},
        ".fad_batch" if name == "fadtk" else ".emb_loader": {"cache_embedding_files": cache_embedding_files},
        ".fad" if name == "fadtk" else ".kad": {
            "FrechetAudioDistance" if name == "fadtk" else "KernelAudioDistance": Distance
        },
    }
    for part, names in parts.items():
        module = types.ModuleType(name + part)
        vars(module).update(names)
        monkeypatch.setitem(sys.modules, name + part, module)
    return name


def test_rendered_sets_are_measured(tool: str) -> None:
    pytest.importorskip("soundfile")
    assert rendered_distance([LOW], [LOW], tool) == 0
    assert rendered_distance([HIGH, HIGH], [LOW], tool) > 0


def test_what_the_tool_does_not_have_is_told(tool: str) -> None:
    with pytest.raises(UnknownNameError, match="clap-laion-music"):
        rendered_distance([LOW], [LOW], tool, "vggish")
    with pytest.raises(EmptyScoreError, match="generated"):
        rendered_distance([], [LOW], tool)


@pytest.mark.parametrize("name", ["fadtk", "kadtk"])
def test_a_missing_tool_is_told_before_anything_is_rendered(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, f"{name}.model_loader", None)
    with pytest.raises(MissingExtraError, match=f"{name} is not installed; run: pip install {name}"):
        rendered_distance([LOW], [LOW], name)


def test_another_tool_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="fadtk"):
        rendered_distance([LOW], [LOW], "visqol")
