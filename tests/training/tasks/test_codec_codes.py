"""Models of codes are trained on pairs of scores and codes by the same loop as all others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from symbolic_music import read
from symbolic_music.codec.autoencoder.checkpoint import save_codec
from symbolic_music.codec.autoencoder.model import Codec, CodecConfig
from symbolic_music.codec.base import VectorCodec
from symbolic_music.codec.codes import Codes
from symbolic_music.codec.language_models.registry import load_writer
from symbolic_music.codec.language_models.score_features import FEATURES, score_frames
from symbolic_music.codec.language_models.tone_features import tone_vectors
from symbolic_music.codec.registry import load_codec
from symbolic_music.errors import ConfigError, SymbolicMusicError
from symbolic_music.models.model import Card
from symbolic_music.score import NOTE, Score, Track
from symbolic_music.synthesis.audio import Audio
from symbolic_music.training import train
from symbolic_music.training.config import TrainConfig, parse_config
from tests.codec.tiny_t5 import tiny_t5

SIZE = 16


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Pieces whose codes follow from their pitches: the first codebook is the lowest pitch, the second one more."""
    torch.manual_seed(0)
    codec = Codec(CodecConfig(8_000, 1, 4, 8, (16, 25), (1,), 8, 3, SIZE)).eval()
    save_codec(codec, Card("codec", 1, "MIT", ""), tmp_path / "codec")
    folder, rng = tmp_path / "pairs", np.random.default_rng(0)
    folder.mkdir()
    for name in "abcdef":
        notes = np.zeros(20, NOTE)
        notes["onset"], notes["duration"], notes["velocity"] = np.arange(20) * 240, 240, 100
        notes["pitch"] = 60 + rng.integers(0, SIZE - 1, 20)
        path = Score(480, notes, tracks=(Track("Piano", 0),)).write(folder / f"{name}.mid")
        pitches = score_frames(read(path), 20.0)[:, :128].argmax(1) - 60
        codes = np.stack([pitches, pitches + 1, rng.integers(0, SIZE, len(pitches))])
        Codes(codes, codec.format, 400 * len(pitches)).save(path.with_suffix(".safetensors"))
    return folder


@pytest.fixture
def t5(tmp_path: Path) -> Path:
    return tiny_t5(tmp_path / "t5")


def config(pairs: Path, out: Path, **settings: Any) -> TrainConfig:
    data = {"kind": "codes", "pairs": {str(pairs): 1}, "codec": str(pairs.parent / "codec"), "frames": 24}
    model = {"architecture": "codec-lm", "codebooks": 2, "size": SIZE, "width": 32, "layers": 1, "heads": 2}
    return parse_config({
        "name": "codes", "out": str(out), "evaluate_every": 20, "checkpoint_every": 20, "threads": 1,
        "data": {**data, "held_out": 3, "validation_examples": 4, **settings.pop("data", {})},
        "model": {**model, "hidden": 64, "window": 24, "distances": 24, "dropout": 0.0, **settings.pop("model", {})},
        "optim": {"steps": 40, "batch": 8, "learning_rate": 1e-2, "warmup": 5, "average": 0.5,
                  **settings.pop("optim", {})},
        **settings,
    })  # fmt: skip


def test_it_learns_what_the_score_tells_and_is_saved_to_write_with(pairs: Path, tmp_path: Path) -> None:
    result = train(config(pairs, tmp_path, optim={"steps": 120}, evaluate_every=60, sample_seconds=1.0))
    assert result.best < 0.5 * np.log(SIZE)
    assert (tmp_path / "codes" / "best" / "CARD.md").is_file()
    assert (tmp_path / "codes" / "samples" / "step-000120.flac").is_file()
    writer = load_writer(result.folder)
    score = read(pairs / "a.mid")
    codes = torch.cat(list(writer.codes(score, top_k=1)), dim=-1)[0]
    condition = torch.from_numpy(score_frames(score, 20.0)[:, :128].argmax(1) - 60)
    assert (codes[0, : len(condition)] == condition).float().mean() > 0.7


def test_interrupted_it_resumes_to_the_same_weights(pairs: Path, tmp_path: Path) -> None:
    train(config(pairs, tmp_path / "whole"))

    class Stop(Exception):
        pass

    def stop(row: dict[str, float]) -> None:
        if row["step"] == 27:
            raise Stop

    with pytest.raises(Stop):
        train(config(pairs, tmp_path / "parts"), report=stop)
    train(config(pairs, tmp_path / "parts"), resume=True)
    a, b = (load_file(tmp_path / name / "codes" / "checkpoint.safetensors") for name in ("whole", "parts"))
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"model": {"codebooks": 4}}, "the codec has 3"),
        ({"model": {"size": 8}}, "2 codebooks of 8 entries"),
        ({"data": {"frames": 4000}}, "0 pairs"),
        ({"init": "chorales"}, "leave init"),
    ],
)
def test_what_cannot_be_learnt_is_said(pairs: Path, tmp_path: Path, settings: dict[str, Any], fault: str) -> None:
    with pytest.raises(SymbolicMusicError, match=fault):
        train(config(pairs, tmp_path, **settings))


def test_settings_are_those_of_the_model(pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.layer; did you mean layers"):
        config(pairs, tmp_path, model={"layer": 2})
    with pytest.raises(ConfigError, match="codec-lm"):
        config(pairs, tmp_path, model={"architecture": "anticipatory"})


@pytest.mark.parametrize("share", [0.0, -1.0, float("nan"), float("inf")])
def test_shares_are_above_nothing(pairs: Path, tmp_path: Path, share: float) -> None:
    with pytest.raises(ConfigError, match="data"):
        config(pairs, tmp_path, data={"pairs": {str(pairs): share}})


def test_a_model_can_be_told_the_score_as_tones(pairs: Path, tmp_path: Path) -> None:
    folder = train(config(pairs, tmp_path, data={"tones": True}, optim={"steps": 3})).folder
    writer = load_writer(folder)
    assert writer.network.config.features == FEATURES + writer.codec.config.dim
    assert sum(block.shape[-1] for block in writer.codes(read(pairs / "a.mid"))) == writer.frames(read(pairs / "a.mid"))


def test_tones_are_computed_in_float32_whatever_the_precision(pairs: Path, tmp_path: Path) -> None:
    half = {"precision": "bf16-mixed"}
    told = config(pairs, tmp_path, data={"tones": True}, optim={"steps": 2}, evaluate_every=2, engine=half)
    assert np.isfinite(train(told).best)
    score, codec = read(pairs / "a.mid"), load_codec(pairs.parent / "codec")
    assert isinstance(codec, VectorCodec)
    with torch.autocast("cpu", torch.bfloat16):
        found = tone_vectors(score, codec, 40)
    assert np.array_equal(found, tone_vectors(score, codec, 40))


def test_a_depth_decoder_begins_with_a_model_of_fewer_codebooks(pairs: Path, tmp_path: Path) -> None:
    fewer = train(config(pairs, tmp_path / "fewer", optim={"steps": 80}))
    own = {"architecture": "codec-depth", "codebooks": 3, "blocks": 1, "block_hidden": 32, "depth": 32}
    begun = train(config(pairs, tmp_path, model=own, data={"begin": str(fewer.folder)}, optim={"steps": 20}))
    other = train(config(pairs, tmp_path / "other", model=own, optim={"steps": 20}))
    assert begun.best < other.best
    with pytest.raises(SymbolicMusicError, match="begins with a codec-lm"):
        train(config(pairs, tmp_path / "wrong", data={"begin": str(fewer.folder)}))


def test_melody_and_words_are_learnt_from(pairs: Path, tmp_path: Path, t5: Path) -> None:
    told = {"melody": True, "text": str(t5)}
    with pytest.raises(SymbolicMusicError, match=r"a\.flac has no melody"):
        train(config(pairs, tmp_path, data=told))
    time = np.arange(20_000) / 8_000
    for path in pairs.glob("*.mid"):
        Audio(0.3 * np.sin(2 * np.pi * 440 * time)[None].astype(np.float32), 8_000).write(path.with_suffix(".flac"))
    tree = config(pairs, tmp_path, data=told).model_dump()
    kept = {name: value for name, value in tree["model"].items() if name not in ("window", "distances")}
    masked = parse_config({**tree, "model": {**kept, "architecture": "codec-masked", "frames": 24}})
    with pytest.raises(SymbolicMusicError, match="conditioned on a score alone"):
        train(masked)
    folder = train(config(pairs, tmp_path, data=told, optim={"steps": 3}, sample_seconds=0.5)).folder
    writer = load_writer(folder)
    assert set(writer.network.extras) == {"melody", "text"}
    score, tune = read(pairs / "a.mid"), Audio(np.zeros((1, 8_000), np.float32), 8_000)
    codes = torch.cat(list(writer.codes(score, melody=tune, text="piano", text_guidance=1.0)), dim=-1)
    assert codes.shape[1] == 2
