"""A score becomes codes and sound by a saved model; what does not fit together is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import symbolic_music as sm
from symbolic_music import synthesis
from symbolic_music.codec import render
from symbolic_music.codec.autoencoder.checkpoint import save_codec
from symbolic_music.codec.autoencoder.model import Codec, CodecConfig
from symbolic_music.codec.codes import load_codes
from symbolic_music.codec.encode_decode import decode_audio
from symbolic_music.codec.language_models.autoregressive import CodecLanguageModel, CodecLanguageModelConfig
from symbolic_music.codec.language_models.autoregressive_decoding import stream_codes, write_codes
from symbolic_music.codec.language_models.registry import Writer, load_writer, save_writer
from symbolic_music.codec.language_models.score_features import FEATURES, score_frames
from symbolic_music.codec.rendering import render_by_codec, render_file_by_codec, score_to_codes
from symbolic_music.errors import EmptyScoreError, ModelError, OptionError, SymbolicMusicError, UnknownNameError
from symbolic_music.models.loading import load_model
from symbolic_music.models.model import Card
from symbolic_music.score import NOTE, Score, Track
from symbolic_music.transforms import clip

CARD = Card("tiny", 1, "MIT", "nothing")
SHAPE = CodecConfig(8_000, 1, 4, 8, (8, 10), (1,), 8, 3, 16)


def codec(shape: CodecConfig = SHAPE) -> Codec:
    torch.manual_seed(1)
    made = Codec(shape)
    made.quantiser.codebooks.normal_()
    return made.eval()


def network(codebooks: int = 2, size: int = 16) -> CodecLanguageModel:
    torch.manual_seed(2)
    shape = CodecLanguageModelConfig(codebooks, size, 16, 1, 2, 32, 50, 50)
    return CodecLanguageModel(shape).eval()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_codec(codec(), CARD, tmp_path / "codec")
    return save_writer(network(), str(tmp_path / "codec"), codec().format, CARD, tmp_path / "lm")


def score(seconds: float = 2.0) -> Score:
    notes = np.zeros(4, NOTE)
    notes["onset"], notes["duration"] = np.arange(4) * 240, round(seconds * 960) - 720
    notes["pitch"], notes["velocity"] = [60, 64, 67, 72], 80
    return Score(480, notes, tracks=(Track("Piano", 0),))


def test_frames_from_anywhere_are_those_of_the_whole() -> None:
    whole = score_frames(score(), 20.0)
    assert whole.shape == (40, FEATURES)
    ahead: NDArray[np.float32] = score_frames(score(), 20.0, 60, -4)
    np.testing.assert_array_equal(ahead[4:44], whole)
    assert not ahead[:4].any()
    assert not ahead[44:].any()
    np.testing.assert_array_equal(score_frames(score(), 20.0, 9, 8), whole[8:17])


def test_a_stream_is_what_is_written_at_once() -> None:
    net = network()
    features = torch.rand(1, 300, FEATURES, generator=torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(features, (0, 0, 4, 400))
    asked: list[tuple[int, int]] = []

    def some(first: int, last: int) -> torch.Tensor:
        asked.append((first, last))
        return padded[:, first + 4 : last + 4]

    blocks = list(stream_codes(net, some, 300, seed=3))
    assert len(blocks) > 1
    assert len(asked) == 3
    assert torch.equal(torch.cat(blocks, dim=-1), write_codes(net, features, seed=3))


def test_codes_and_sound_of_a_score(folder: Path, tmp_path: Path) -> None:
    writer = load_writer(folder)
    parts: list[float] = []
    codes = score_to_codes(score(), writer, seed=5, progress=parts.append)
    assert codes.codes.shape == (2, 300)  # two seconds and one, at 100 frames a second
    assert parts[-1] == 1
    written = render_file_by_codec(score(), tmp_path / "a.wav", writer, codes=tmp_path / "a.safetensors", seed=5)
    assert (written.seconds, written.peak <= 0.9) == (3.0, True)
    kept = load_codes(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(kept.codes, codes.codes)
    sound = render_by_codec(score(), writer, seed=5).samples
    assert sound.shape == (2, 24_000)
    plain = decode_audio(kept, writer.codec).samples
    assert np.corrcoef(sound[0], plain[0])[0, 1] > 0.99
    other = score_to_codes(score(), writer, seed=6)
    assert (other.codes != codes.codes).any()


def test_one_name_renders_by_any_synth(folder: Path) -> None:
    """By a codec language model as by the voices, with the options that it has."""
    writer = load_writer(folder)
    assert sm.render is render
    by_codec = sm.render(score(), "codec", model=writer, seed=5)
    np.testing.assert_array_equal(by_codec.samples, render_by_codec(score(), writer, seed=5).samples)
    marked = sm.render(score(), "codec", model=writer, seed=5, mark=True)
    assert marked.samples.shape == by_codec.samples.shape
    assert (marked.samples != by_codec.samples).any()
    by_voices = synthesis.render(score(), "ddsp", 8000, seed=5)
    np.testing.assert_array_equal(sm.render(score(), "ddsp", 8000, seed=5).samples, by_voices.samples)
    with pytest.raises(OptionError, match="the synth codec has no reverb, sample_rate"):
        sm.render(score(), "codec", 8000, reverb=0.0)


def test_a_score_without_notes_writes_nothing(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EmptyScoreError):
        render_file_by_codec(clip(score(), 1.9, 2.0), tmp_path / "a.wav", load_writer(folder))
    assert not (tmp_path / "a.wav").exists()


def test_what_is_saved_is_loaded(folder: Path) -> None:
    writer, net = load_writer(folder), network()
    assert writer.card == CARD
    for name, value in net.state_dict().items():
        torch.testing.assert_close(writer.network.state_dict()[name], value, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"codebooks": 2}, "3 codebooks, where"),
        ({"size": 32}, "codebook size 16, not 32"),
        ({"ratios": (8, 5)}, "samples a f"),
    ],
)
def test_another_codec_is_refused(folder: Path, tmp_path: Path, change: dict[str, int], fault: str) -> None:
    save_codec(codec(dataclasses.replace(SHAPE, **change)), CARD, tmp_path / "other")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=fault):
        load_writer(folder, tmp_path / "other")


def test_broken_and_missing_folders(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="nowhere"):
        load_writer("nowhere")
    with pytest.raises(ModelError, match="no codec language model"):
        load_writer(tmp_path / "codec")
    with pytest.raises(ModelError):
        load_model(folder)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    for key, value in (("width", 10**9), ("codebooks", 10**9), ("codebooks", None)):
        path.write_text(json.dumps({**config, "network": {**config["network"], key: value}}))
        with pytest.raises(SymbolicMusicError):
            load_writer(folder)
    form = {**config["codec"]["format"], "sample_rate": "24000"}
    path.write_text(json.dumps({**config, "codec": {**config["codec"], "format": form}}))
    with pytest.raises(ModelError, match="whole number"):
        load_writer(folder)
    for key, value in (("width", 32), ("layers", 2)):
        path.write_text(json.dumps({**config, "network": {**config["network"], key: value}}))
        with pytest.raises(ModelError, match="does not fit"):
            load_writer(folder)
    path.write_text(json.dumps({**config, "codec": {"name": "nowhere", "format": config["codec"]["format"]}}))
    with pytest.raises(UnknownNameError, match="nowhere"):
        load_writer(folder)
    weights = network()
    torch.nn.init.constant_(weights.out.weight, float("inf"))
    with pytest.raises(ModelError, match=r"out\.weight"):
        save_writer(weights, "codec", codec().format, CARD, tmp_path / "lm2")
    assert not (tmp_path / "lm2").exists()


def test_a_model_of_more_codebooks_than_its_codec_has() -> None:
    with pytest.raises(ModelError, match="4 codebooks"):
        Writer(network(codebooks=4), codec(), "codec", CARD)


def test_a_model_that_is_told_tones_writes_them_on(tmp_path: Path) -> None:
    save_codec(codec(), CARD, tmp_path / "codec")
    torch.manual_seed(2)
    shape = CodecLanguageModelConfig(2, 16, 16, 1, 2, 32, 50, 50, features=FEATURES + SHAPE.dim)
    net = CodecLanguageModel(shape).eval()
    net.out.weight.data *= 100
    writer = load_writer(save_writer(net, str(tmp_path / "codec"), codec().format, CARD, tmp_path / "lm"))
    codes = score_to_codes(score(), writer, seed=1).codes
    assert codes.shape == (2, 300)
    moved = score().notes.copy()
    moved["onset"] += 1  # less than a frame: only the tones tell
    assert not np.array_equal(score_to_codes(dataclasses.replace(score(), notes=moved), writer, seed=1).codes, codes)
    wrong = dataclasses.replace(shape, features=FEATURES + 1)
    bad = save_writer(CodecLanguageModel(wrong), str(tmp_path / "codec"), codec().format, CARD, tmp_path / "bad")
    with pytest.raises(ModelError, match="features a frame"):
        load_writer(bad)


@pytest.mark.parametrize("settings", [{"guidance": float("nan")}, {"temperature": float("inf")}, {"temperature": 1e-40},
                                      {"top_k": 2.5}, {"guidance": -1.0}])  # fmt: skip
def test_settings_that_draw_nothing(folder: Path, settings: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="guidance is at least 0"):
        score_to_codes(score(), load_writer(folder), **settings)
