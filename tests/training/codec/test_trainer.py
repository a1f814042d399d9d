"""Codecs are trained: they get better, resume exactly, are saved with a card, and name what is wrong."""

from __future__ import annotations

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
from symbolic_music.models.model import Card, load_model
from symbolic_music.synthesis.audio import Audio
from symbolic_music.training.codec import trainer as codecs
from symbolic_music.training.codec.config import CodecTraining, load_codec_config
from symbolic_music.training.run.checkpoints import load_checkpoint

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


def weights(folder: Path, like: codecs.CodecRun) -> dict[str, torch.Tensor]:
    load_checkpoint(folder, like.learner, like.average, like.optimizer)
    return {**like.learner.state_dict(), **{f"average.{k}": v for k, v in like.average.items()}}


def test_an_interrupted_run_resumes_to_the_same_weights(sounds: Path, tmp_path: Path) -> None:
    whole = codecs.begin(config(sounds, tmp_path / "a"), False)
    assert codecs.go(whole)
    stopped = codecs.begin(config(sounds, tmp_path / "b"), False)

    def interrupt(row: dict[str, float]) -> None:
        if row["step"] == 5:
            os.kill(os.getpid(), signal.SIGINT)

    assert not codecs.go(stopped, interrupt)
    torch.randn(7)
    again = codecs.begin(config(sounds, tmp_path / "b"), True)
    assert again.step == 5
    assert codecs.go(again)
    a, b = whole.learner.state_dict(), again.learner.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert [row["step"] for row in again.log] == [3, 6]
    assert {k: v for k, v in whole.log[-1].items() if k.startswith("held")} == {
        k: v for k, v in again.log[-1].items() if k.startswith("held")
    }


def test_codes_stay_what_they_are_while_the_decoder_alone_learns(sounds: Path, tmp_path: Path) -> None:
    run = codecs.begin(config(sounds, tmp_path, decoder_from=4, average=0.9), False)
    seen: list[torch.Tensor] = []
    made: list[torch.Tensor] = []

    def watch(row: dict[str, float]) -> None:
        codec = codecs.finished(run)
        sound = run.sounds.examples(4, 8_000)
        seen.append(codec.encode(sound))
        made.append(codec.decode(seen[-1]))

    codecs.go(run, watch)
    assert (seen[1] != seen[2]).any()
    assert torch.equal(seen[4], seen[5])
    assert (made[4] != made[5]).any()


def test_learning_brings_the_sound_nearer_and_the_codec_is_saved(sounds: Path, tmp_path: Path) -> None:
    optim = {"steps": 60, "quantise_from": 10, "critic_from": 40, "learning_rate": 3e-3, "average": 0.8}
    run = codecs.begin(config(sounds, tmp_path, **optim), False)
    before = codecs.evaluate(run)["held out mel"]
    assert codecs.go(run)
    assert run.log[-1]["held out mel"] < 0.8 * before
    assert run.log[-1]["critic"] > 0
    codec = load_codec(tmp_path / "tiny/codec")
    assert codec.config == run.learner.codec.config
    real = run.sounds.examples(2, 4_000)
    made = codecs.finished(run)
    assert (codec.encode(real) == made.encode(real)).float().mean() > 0.95  # saved as float16
    with pytest.raises(TrainingError, match="--resume"):
        codecs.begin(config(sounds, tmp_path), False)


def test_the_critic_starts_late(sounds: Path, tmp_path: Path) -> None:
    run = codecs.begin(config(sounds, tmp_path, steps=2, quantise_from=0, critic_from=2), False)
    before = {k: v.clone() for k, v in run.learner.critic.state_dict().items()}
    codecs.go(run)
    assert all(torch.equal(v, before[k]) for k, v in run.learner.critic.state_dict().items())


def test_what_is_wrong_is_named(sounds: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nothing to resume"):
        codecs.begin(config(sounds, tmp_path), True)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(TrainingError, match="0 sound files"):
        codecs.begin(config(empty, tmp_path), False)
    for name in ("a.wav", "b.wav"):
        (empty / name).write_bytes(b"not sound")
    with pytest.raises(TrainingError, match=r"a\.wav cannot be learnt from"):
        codecs.begin(config(empty, tmp_path), False)
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
