"""Every kind of writer is trained by the engine, saved, loaded, and writes what the score tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from symbolic_music.codec.autoencoder.checkpoint import save_codec
from symbolic_music.codec.autoencoder.model import Codec, CodecConfig
from symbolic_music.codec.codes import Codes
from symbolic_music.codec.language_models.registry import WRITERS, load_writer, save_writer
from symbolic_music.codec.language_models.score_features import score_frames
from symbolic_music.models.model import Card
from symbolic_music.score import NOTE, Score, Track
from symbolic_music.training import train
from symbolic_music.training.config import parse_config

pytest.importorskip("lightning_fabric")
pytest.importorskip("transformers")
CARD = Card("tiny", 1, "MIT", "nothing")
SHAPE: dict[str, Any] = {"codebooks": 2, "size": 8, "width": 32, "layers": 1, "heads": 2, "hidden": 64, "dropout": 0.0}
OWN: dict[str, dict[str, Any]] = {
    "codec-lm": {"window": 24, "distances": 24},
    "codec-musicgen": {"frames": 24},
    "codec-masked": {"frames": 24},
    "codec-depth": {"window": 24, "distances": 24, "blocks": 1, "block_hidden": 32, "depth": 32},
}
FREELY: dict[str, dict[str, Any]] = {
    "codec-lm": {"top_k": 1},
    "codec-musicgen": {"top_k": 1},
    "codec-masked": {"top_k": 1, "steps": (4, 2)},
    "codec-depth": {"top_k": 1},
}


def scale(seed: int) -> Score:
    notes = np.zeros(20, NOTE)
    notes["onset"], notes["duration"], notes["velocity"] = np.arange(20) * 240, 240, 100
    notes["pitch"] = 60 + np.random.default_rng(seed).integers(0, 7, 20)
    return Score(480, notes, tracks=(Track("Piano", 0),))


def codes_of(score: Score) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Codes determined by the pitches: the pitch from 60 on, and one more."""
    pitches = score_frames(score, 20.0)[:, :128].argmax(1) - 60
    return np.stack([pitches, pitches + 1])


@pytest.fixture
def codec(tmp_path: Path) -> Codec:
    torch.manual_seed(0)
    codec = Codec(CodecConfig(8_000, 1, 4, 8, (16, 25), (1,), 8, 2, 8)).eval()
    save_codec(codec, CARD, tmp_path / "codec")
    return codec


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_trained_it_writes_what_the_score_tells(name: str, codec: Codec, tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    folder.mkdir()
    for i in range(6):
        path = scale(i).write(folder / f"{i}.mid")
        codes = codes_of(scale(i))
        Codes(codes, codec.format, 400 * codes.shape[1]).save(path.with_suffix(".safetensors"))
    config = parse_config({
        "name": "codes", "out": str(tmp_path), "evaluate_every": 75, "checkpoint_every": 75, "threads": 1,
        "data": {"kind": "codes", "pairs": {str(folder): 1}, "codec": str(tmp_path / "codec"), "frames": 24,
                 "held_out": 3, "validation_examples": 4},
        "model": {"architecture": name, **SHAPE, **OWN[name]},
        "optim": {"steps": 150, "batch": 8, "learning_rate": 1e-2, "warmup": 5, "average": 0.5},
    })  # fmt: skip
    result = train(config)
    assert result.best < 0.5 * np.log(8)
    writer, unknown = load_writer(result.folder), scale(9)  # 100 frames, and a second: more than it reads at once
    found = torch.cat(list(writer.codes(unknown, **FREELY[name])), dim=-1)[0]
    wanted = torch.from_numpy(codes_of(unknown))
    assert found.shape == (2, 120)
    assert (found[:, :100] == wanted).float().mean() > 0.7


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_what_is_saved_writes_the_same_when_loaded(name: str, codec: Codec, tmp_path: Path) -> None:
    kind = WRITERS[name]
    network = kind.model(kind.config(**SHAPE, **OWN[name])).eval()
    with torch.no_grad():
        for value in network.parameters():
            value.copy_(value.half())  # as it is saved
    folder = save_writer(network, str(tmp_path / "codec"), codec.format, CARD, tmp_path / "writer")
    writer = load_writer(folder, device="cpu")
    assert writer.network.config == network.config
    again, saved = writer.network.state_dict(), network.state_dict()
    assert again.keys() == saved.keys()
    assert all(torch.equal(again[key], value) for key, value in saved.items())
