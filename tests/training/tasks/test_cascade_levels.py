"""Levels of a cascade are trained on recordings by the same loop as all others, and sampled together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from symbolic_music.codec import Codec, CodecConfig, JukeboxSampling, generate_sound, load_jukebox, save_codec
from symbolic_music.errors import ConfigError, SymbolicMusicError
from symbolic_music.models.model import Card
from symbolic_music.synthesis.audio import Audio
from symbolic_music.training import train
from symbolic_music.training.config import LevelData, TrainConfig, parse_config
from symbolic_music.training.task import Share
from symbolic_music.training.tasks.cascade_levels import LevelTask

RATE, SIZE = 8_000, 16


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six tones by each of two instruments, and codecs of two levels."""
    folder = tmp_path_factory.mktemp("material")
    time = np.arange(RATE) / RATE
    for number, name in enumerate(("piano", "flute")):
        (folder / name).mkdir()
        for i in range(6):
            tone = 0.4 * np.sin(2 * np.pi * (1 + number) * 220 * 2 ** (i / 6) * time)
            Audio(tone[None].astype(np.float32), RATE).write(folder / name / f"{i}.wav")
    for level, ratios in {"top": (4, 4, 5), "bottom": (4, 5)}.items():
        torch.manual_seed(0)
        codec = Codec(CodecConfig(RATE, 1, 4, 8, ratios, (1,), 8, 1, SIZE)).eval()
        some = np.concatenate([np.sin(np.arange(RATE) * pitch) for pitch in (0.1, 0.2, 0.4)]).astype(np.float32)
        with torch.no_grad():  # entries that codes of sound are spread over
            vectors = codec.vectors(torch.from_numpy(some)[None, None])[0]
            codec.quantiser.codebooks.copy_(vectors[torch.randperm(len(vectors))[:SIZE]][None])
        save_codec(codec, Card(level, 1, "CC0-1.0", "none"), folder / level)
    return folder


def config(material: Path, out: Path, level: str, **settings: Any) -> TrainConfig:
    data = {"kind": "levels", "sounds": {str(material / name): 1 for name in ("piano", "flute")},
            "codec": str(material / level), "held_out": 3, "validation_examples": 4}  # fmt: skip
    if level == "bottom":
        data["above"] = str(material / "top")
    model = {"architecture": "jukebox-prior", "width": 32, "layers": 1, "heads": 2, "hidden": 32, "window": 24}
    return parse_config({
        "name": level, "out": str(out), "evaluate_every": 20, "checkpoint_every": 20, "threads": 1, "seed": 1,
        "data": {**data, **settings.pop("data", {})}, "model": {**model, **settings.pop("model", {})},
        "optim": {"steps": 40, "batch": 4, "learning_rate": 1e-2, "warmup": 5, "average": 0.5,
                  **settings.pop("optim", {})},
        **settings,
    })  # fmt: skip


def test_levels_are_learnt_and_make_sound_together(material: Path, tmp_path: Path) -> None:
    folders = []
    for level in ("top", "bottom"):
        result = train(config(material, tmp_path, level, sample_seconds=0.5))
        assert result.best < 0.9 * np.log(SIZE)
        assert (tmp_path / level / "samples" / "step-000040.flac").is_file()
        assert (tmp_path / level / "best" / "CARD.md").is_file()
        folders.append(result.folder)
    jukebox = load_jukebox(folders, "cpu")
    assert jukebox.instruments == ("piano", "flute")
    assert jukebox.name == "bottom"
    assert generate_sound(jukebox, 0.5, JukeboxSampling("flute")).samples.shape == (2, 4_000)


def test_examples_are_codes_at_their_place(material: Path, tmp_path: Path) -> None:
    settings = config(material, tmp_path, "bottom")
    assert isinstance(settings.data, LevelData)
    task = LevelTask(settings, settings.data)
    batch = next(task.batches(0, Share()))[0]
    codes, first, total, label, above = batch.tensors
    assert codes.shape == (4, 24)
    assert batch.tokens == 96
    assert set(total.tolist()) == {400}
    for row, (one, begin) in enumerate(task.drawn(0)):
        assert first[row] == begin
        assert label[row] == ("piano", "flute").index(one.path.parent.name)
        assert codes[row].tolist() == one.codes[begin : begin + 24].tolist()
        assert one.above is not None
        reach = task.build().reach
        own = above[row][reach:]
        inside = one.above[begin // 4 :][: len(own)]
        assert own[: len(inside)].tolist() == inside.tolist()
    halves = [next(task.batches(0, Share(rank, 2)))[0] for rank in range(2)]
    assert torch.equal(halves[1].tensors[0], codes[1::2])


def test_interrupted_it_resumes_to_the_same_weights(material: Path, tmp_path: Path) -> None:
    train(config(material, tmp_path / "whole", "bottom"))

    class Stop(Exception):
        pass

    def stop(row: dict[str, float]) -> None:
        if row["step"] == 27:
            raise Stop

    with pytest.raises(Stop):
        train(config(material, tmp_path / "parts", "bottom"), report=stop)
    train(config(material, tmp_path / "parts", "bottom"), resume=True)
    a, b = (load_file(tmp_path / name / "bottom" / "checkpoint.safetensors") for name in ("whole", "parts"))
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"data": {"codec": "codec"}}, "one codebook"),
        ({"data": {"above": "BOTTOM"}}, "are not above those"),
        ({"model": {"window": 500}}, "has 0 sound files of 1.25 seconds"),
        ({"init": "chorales"}, "leave init"),
        ({"model": {"heads": 5}}, "multiple of 5 heads"),
    ],
)
def test_what_cannot_be_learnt_is_said(material: Path, tmp_path: Path, settings: dict[str, Any], fault: str) -> None:
    if settings.get("data", {}).get("above"):
        settings = {"data": {"above": str(material / "bottom")}}
    with pytest.raises(SymbolicMusicError, match=fault):
        train(config(material, tmp_path, "bottom", **settings))


def test_settings_are_those_of_a_prior(material: Path, tmp_path: Path) -> None:
    for settings, fault in (
        ({"model": {"layer": 2}}, r"model\.layer; did you mean layers"),
        ({"model": {"size": 2}}, r"unknown setting model\.size"),
        ({"model": {"architecture": "anticipatory"}}, "jukebox-prior"),
        ({"data": {"sounds": {}}}, "sounds"),
    ):
        with pytest.raises(ConfigError, match=fault):
            config(material, tmp_path, "top", **settings)
    (tmp_path / "none").mkdir()
    with pytest.raises(SymbolicMusicError, match="has 0 sound files"):
        train(config(material, tmp_path, "top", data={"sounds": {str(tmp_path / "none"): 1}}))
    for name in ("a.wav", "b.wav"):
        (tmp_path / "none" / name).write_bytes(b"not sound")
    with pytest.raises(SymbolicMusicError, match=r"a\.wav cannot be used for training"):
        train(config(material, tmp_path, "top", data={"sounds": {str(tmp_path / "none"): 1}}))
