"""Flow decoders are trained: they get better, resume exactly, are saved with a card, and name what is wrong."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from symbolic_music.codec.flow.checkpoint import load_flow
from symbolic_music.codec.flow.decoder import HARMONICS, FlowConfig
from symbolic_music.codec.language_models.tone_features import plain_tones
from symbolic_music.errors import ConfigError, TrainingError
from symbolic_music.score import Score, note_table
from symbolic_music.synthesis.audio import Audio
from symbolic_music.training.flow.config import FlowTraining, load_flow_config
from symbolic_music.training.flow.pairs import Pair, Pairs
from symbolic_music.training.flow.task import FlowTask, Learner, flow_loss, shortcut_loss
from symbolic_music.training.loop import Loop
from symbolic_music.training.task import Share
from symbolic_music.training.trainer import begin, train

pytest.importorskip("librosa")
SHAPE = {"sample_rate": 8_000, "size": 128, "hop": 32, "bands": 16, "width": 16, "hidden": 32, "condition_blocks": 1,
         "blocks": 2, "head_width": 16, "head_hidden": 32, "head_blocks": 2}  # fmt: skip
OPTIM = {"steps": 8, "batch": 2, "frames": 80, "head_batch": 2, "head_frames": 70, "warmup": 1, "shortcut_from": 4,
         "critic_from": 2, "critic_width": 2}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pairs of a scale and its tones, a little softer."""
    folder = tmp_path_factory.mktemp("pairs")
    for i in range(6):
        score = Score(notes=note_table([(240 * k, 240, 60 + i + 2 * k) for k in range(5)]))
        score.write(folder / f"{i}.mid")
        sound = 0.5 * plain_tones(score, 8_000, 12_000, most=HARMONICS)
        Audio(sound[None], 8_000).write(folder / f"{i}.flac")
    return folder


def config(folder: Path, out: Path, **optim: Any) -> FlowTraining:
    return FlowTraining.model_validate(
        {
            "name": "tiny", "out": str(out), "pairs": {str(folder): 1.0}, "held_out": 3, "data": "tones",
            "model": SHAPE, "optim": {**OPTIM, **optim}, "evaluate_every": 4, "checkpoint_every": 2, "threads": 1,
        }
    )  # fmt: skip


def test_an_interrupted_run_resumes_to_the_same_weights_and_log(folder: Path, tmp_path: Path) -> None:
    whole = begin(config(folder, tmp_path / "a"))
    assert whole.go().finished

    def interrupt(row: dict[str, float]) -> None:
        if row["step"] == 5:  # past the step at which the flow stays
            os.kill(os.getpid(), signal.SIGINT)

    assert not begin(config(folder, tmp_path / "b")).go(interrupt).finished
    torch.randn(7)
    again = begin(config(folder, tmp_path / "b"), True)
    assert again.go().finished
    a, b = whole.network.state_dict(), again.network.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert rows(again) == rows(whole)


def rows(run: Loop) -> list[dict[str, Any]]:
    """Rows of the log that say nothing of time."""
    assert run.records is not None
    return [{name: value for name, value in row.items() if "second" not in name} for row in run.records.rows]


def test_a_run_gets_better_and_leaves_a_decoder(folder: Path, tmp_path: Path) -> None:
    settings = config(
        folder, tmp_path, steps=240, shortcut_from=180, critic_from=1_000, learning_rate=5e-3, average=0.9
    )  # fmt: skip
    result = train(settings.model_copy(update={"evaluate_every": 60}))
    valid = [row for row in rows_of(result.folder.parent) if row["split"] == "valid"]
    first, last = valid[0], valid[-1]
    assert float(last["sound"]) < 0.8 * float(first["sound"])
    assert float(last["by flow"]) < 0.8 * float(first["by flow"])
    assert last["by flow"] == valid[-2]["by flow"]  # it stays while the shortcut learns
    assert float(last["by shortcut"]) < 0.8 * float(first["by flow"])
    decoder, card = load_flow(result.folder, "cpu")
    assert (card.name, card.data, decoder.config.hop) == ("tiny", "tones", 32)
    assert card.figures["by shortcut"] == round(float(last["by shortcut"]), 4)


def rows_of(folder: Path) -> list[dict[str, str]]:

    with (folder / "log.csv").open() as file:
        return list(csv.DictReader(file))


def test_in_its_phase_the_flow_stays_and_only_its_shortcut_learns(folder: Path, tmp_path: Path) -> None:
    task = FlowTask(config(folder, tmp_path, shortcut_from=0))
    network = task.network()
    task.before(network, network.decoder.state_dict(), 0)
    loss, parts = task.loss(network, *next(task.batches(0, Share()))[0].tensors)
    loss.backward()
    assert "shortcut" in parts
    assert "flow" not in parts
    decoder = network.decoder
    assert all(weights.grad is None for part in (decoder.field, decoder.condition) for weights in part.parameters())
    assert any(weights.grad is not None for weights in decoder.shortcut.parameters())


def test_the_exact_field_has_no_loss() -> None:
    """Where there is one spectrogram alone, the velocity is known, and its shortcut is consistent."""
    mel, noise, times = torch.randn(1, 6, 16).expand(3, -1, -1), torch.randn(3, 6, 16), torch.tensor([0.0, 0.3, 0.7])

    class Exact(torch.nn.Module):
        def forward(self, x: torch.Tensor, time: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
            return (mel - x) / (1 - time)[:, None, None]

    learner = Learner(FlowTraining.model_validate({"name": "a", "pairs": {"a": 1.0}, "model": SHAPE}))
    learner.decoder.field, learner.decoder.shortcut = Exact(), Exact()  # type: ignore[assignment]
    condition = torch.zeros(3, 6, 16)
    assert float(flow_loss(learner.decoder, mel, noise, times, condition)) < 1e-9
    assert float(shortcut_loss(learner.decoder, mel, noise, times, condition, 0.1, 1.5)) < 1e-9


def test_examples_are_cut_from_the_whole(folder: Path) -> None:
    shape = FlowTraining.model_validate({"name": "a", "pairs": {"a": 1.0}, "model": SHAPE})
    pair = Pair(folder / "0.flac", FlowConfig(**shape.model.model_dump()))
    assert pair.frames == 12_000 // 32
    rolls, tones, sound = pair.example(10, 20)
    assert rolls.shape[0] == 20
    assert tones.shape == sound.shape == (128 + 19 * 32,)
    begin = 10 * 32 - 64
    assert np.allclose(sound.numpy(), pair.sound[begin : begin + 128 + 19 * 32] / 32768)
    assert np.allclose(sound, 0.5 * tones, atol=1e-4)
    _, _, first = pair.example(0, 4)
    assert not first[:64].any()  # before the beginning is silence
    _, _, last = pair.example(pair.frames - 2, 20)
    assert not last[-128:].any()


def test_every_so_many_pairs_are_held_out(folder: Path) -> None:
    found = Pairs({str(folder): 1.0}, FlowConfig(**SHAPE), 3)
    assert [pair.path.stem for pair in found.held] == ["0", "3"]
    drawn = found.drawn(50, 80, np.random.default_rng(0))
    assert {pair.path.stem for pair, _ in drawn} == {"1", "2", "4", "5"}
    assert all(0 <= first <= pair.frames - 80 for pair, first in drawn)


def test_what_is_wrong_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="has 0 pairs"):
        begin(config(tmp_path / "empty", tmp_path))
    path = tmp_path / "run.yaml"
    path.write_text(json.dumps({"name": "a", "pairs": {}}))
    with pytest.raises(ConfigError, match="pairs"):
        load_flow_config(path)


@pytest.mark.parametrize("shares", [{"a": 0.0}, {"a": -1.0}, {"a": 1e308, "b": 1e308}, {}])
def test_shares_of_nothing_are_refused(shares: dict[str, float], tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text(json.dumps({"name": "tiny", "pairs": shares}))
    with pytest.raises(ConfigError, match="pairs"):
        load_flow_config(path)
