"""Codecs are trained: they get better, resume exactly, are saved with a card, and name what is wrong."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from symbolic_music.codec import Codec
from symbolic_music.codec.autoencoder.checkpoint import save_codec
from symbolic_music.codec.registry import load_codec
from symbolic_music.errors import ConfigError, ModelError, TrainingError, UnknownNameError
from symbolic_music.models.loading import load_model
from symbolic_music.models.model import Card
from symbolic_music.synthesis.audio import Audio
from symbolic_music.training.codec.config import CodecTraining, load_codec_config
from symbolic_music.training.codec.task import CodecTask, Learner
from symbolic_music.training.loop import Loop
from symbolic_music.training.run.checkpoints import save_checkpoint
from symbolic_music.training.task import Share
from symbolic_music.training.trainer import begin

pytest.importorskip("vector_quantize_pytorch")
pytest.importorskip("librosa")

TINY: dict[str, Any] = {
    "codec": {"sample_rate": 8_000, "width": 4, "widest": 8, "ratios": [4, 5], "dilations": [1], "dim": 8,
              "codebooks": 2, "size": 16},
    "optim": {"steps": 6, "batch": 2, "seconds": 0.3, "warmup": 1, "quantise_from": 1, "critic_from": 3,
              "critic_width": 2},
    "evaluate_every": 3, "checkpoint_every": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    time = np.arange(8_000) / 16_000
    for i in range(6):
        tone = 0.4 * np.sin(2 * np.pi * 220 * 2 ** (i / 6) * time) * np.exp(-3 * time)
        Audio(tone[None].astype(np.float32), 16_000).write(folder / f"{i}.wav")
    return folder


def config(sounds: Path, out: Path, **optim: Any) -> CodecTraining:
    tree = {**TINY, "name": "tiny", "out": str(out), "sounds": {str(sounds): 1.0}, "data": "tones"}
    return CodecTraining.model_validate({**tree, "optim": {**TINY["optim"], **optim}, "held_out": 3})


def learner(run: Loop) -> Learner:
    assert isinstance(run.network, Learner)
    return run.network


def examples(run: Loop, count: int, length: int) -> torch.Tensor:
    assert isinstance(run.task, CodecTask)
    return run.task.sounds.examples(count, length)


def held_out(run: Loop) -> list[dict[str, Any]]:
    """Rows of the log that say nothing of time."""
    assert run.records is not None
    return [{k: v for k, v in row.items() if "second" not in k} for row in run.records.rows]


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_an_interrupted_run_resumes_to_the_same_weights_and_log(sounds: Path, tmp_path: Path, precision: str) -> None:
    def mixed(folder: str) -> CodecTraining:
        tree = config(sounds, tmp_path / folder).model_dump()
        return CodecTraining.model_validate({**tree, "engine": {"precision": precision}})

    whole = begin(mixed("a"))
    assert whole.go().finished

    def interrupt(row: dict[str, float]) -> None:
        if row["step"] == 5:
            os.kill(os.getpid(), signal.SIGINT)

    assert not begin(mixed("b")).go(interrupt).finished
    torch.randn(7)
    again = begin(mixed("b"), True)
    assert again.step == 5
    assert again.go().finished
    a, b = whole.network.state_dict(), again.network.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert [(row["step"], row["split"]) for row in held_out(again)] == [
        (3, "train"), (3, "valid"), (6, "train"), (6, "valid")
    ]  # fmt: skip
    assert held_out(again) == held_out(whole)


def test_a_checkpoint_of_before_goes_on(sounds: Path, tmp_path: Path) -> None:
    """Codecs kept no losses but in their log, a row an evaluation; `optim` had half precision."""
    whole = begin(config(sounds, tmp_path / "a"))
    whole.go()
    half = begin(config(sounds, tmp_path / "b"))

    class Stop(Exception):
        pass

    def stop(row: dict[str, float]) -> None:
        if row["step"] == 4:
            raise Stop

    with pytest.raises(Stop):
        half.go(stop)
    settings = half.config.model_dump(mode="json", exclude={"engine"})
    settings["optim"]["bfloat16"] = False
    log = [{"step": 3, "mel": 0.5, "held out mel": 0.25}]
    state = {"step": 4, "log": log, "config": settings}
    save_checkpoint(half.config.folder, half.network, half.average.tensors, half.optimizer, state)
    again = begin(config(sounds, tmp_path / "b"), True)
    again.go()
    a, b = whole.network.state_dict(), again.network.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert [(row["step"], row["split"], row["mel"]) for row in held_out(again)[:2]] == [
        (3, "train", 0.5), (3, "valid", 0.25)
    ]  # fmt: skip
    settings["optim"]["bfloat16"] = True
    save_checkpoint(half.config.folder, half.network, half.average.tensors, half.optimizer, state)
    with pytest.raises(TrainingError, match=r"another engine\.precision"):
        begin(config(sounds, tmp_path / "b"), True)


def test_codes_stay_what_they_are_while_the_decoder_alone_learns(sounds: Path, tmp_path: Path) -> None:
    run = begin(config(sounds, tmp_path, decoder_from=4, average=0.9))
    seen: list[torch.Tensor] = []
    made: list[torch.Tensor] = []

    def watch(row: dict[str, float]) -> None:
        with run.averaged():
            codec = learner(run).finished()
        seen.append(codec.encode(examples(run, 4, 8_000)))
        made.append(codec.decode(seen[-1]))

    run.go(watch)
    assert (seen[1] != seen[2]).any()
    assert torch.equal(seen[4], seen[5])
    assert (made[4] != made[5]).any()


def test_learning_brings_the_sound_nearer_and_the_codec_is_saved(sounds: Path, tmp_path: Path) -> None:
    optim = {"steps": 60, "quantise_from": 10, "critic_from": 40, "learning_rate": 3e-3, "average": 0.8}
    run = begin(config(sounds, tmp_path, **optim))
    before = run.task.evaluate(run.network, Share(), float).row["mel"]
    assert run.go().folder == tmp_path / "tiny/codec"
    rows = held_out(run)
    assert rows[-1]["mel"] < 0.8 * before
    assert rows[-2]["critic"] > 0
    codec = load_codec(tmp_path / "tiny/codec")
    assert codec.config == learner(run).codec.config
    card = json.loads((tmp_path / "tiny/codec/config.json").read_text())["card"]
    assert card["figures"]["step"] == 60
    assert card["figures"]["held out mel"] == pytest.approx(rows[-1]["mel"], abs=1e-4)
    real = examples(run, 2, 4_000)
    with run.averaged():
        made = learner(run).finished()
    assert (codec.encode(real) == made.encode(real)).float().mean() > 0.95  # saved as float16
    with pytest.raises(TrainingError, match="--resume"):
        begin(config(sounds, tmp_path))


def test_the_critic_starts_late(sounds: Path, tmp_path: Path) -> None:
    run = begin(config(sounds, tmp_path, steps=2, quantise_from=0, critic_from=2))
    before = {k: v.clone() for k, v in learner(run).critic.state_dict().items()}
    run.go()
    assert all(torch.equal(v, before[k]) for k, v in learner(run).critic.state_dict().items())


def test_what_is_wrong_is_named(sounds: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nothing to resume"):
        begin(config(sounds, tmp_path), True)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(TrainingError, match="0 sound files"):
        begin(config(empty, tmp_path))
    for name in ("a.wav", "b.wav"):
        (empty / name).write_bytes(b"not sound")
    with pytest.raises(TrainingError, match=r"a\.wav cannot be used for training"):
        begin(config(empty, tmp_path))
    path = tmp_path / "codec.yaml"
    path.write_text("name: x\nsounds: {a: 1}\noptim: {setps: 3}\n")
    with pytest.raises(ConfigError, match=r"optim\.setps"):
        load_codec_config(path)


def test_folders_that_hold_no_codec_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="no codec named 'nothing'"):
        load_codec("nothing")
    with pytest.raises(ModelError, match="no codec of ours"):
        load_codec("chorales")
    shape = CodecTraining.model_validate({**TINY, "name": "x", "sounds": {"a": 1}}).codec
    from symbolic_music.codec import CodecConfig

    codec = Codec(CodecConfig(**shape.model_dump()))
    save_codec(codec, Card("tiny", 1, "x", "y"), tmp_path / "c")
    with pytest.raises(ModelError, match="architecture"):
        load_model(tmp_path / "c")
    with torch.no_grad():
        codec.quantiser.codebooks.fill_(float("inf"))
    with pytest.raises(ModelError, match="not finite"):
        save_codec(codec, Card("tiny", 1, "x", "y"), tmp_path / "d")
    (tmp_path / "c/model.safetensors").write_bytes(b"broken")
    with pytest.raises(ModelError, match="broken"):
        load_codec(tmp_path / "c")
