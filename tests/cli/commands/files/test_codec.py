"""encode, decode, and render --synth codec."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import soundfile

from symbolic_music.codec.autoencoder.checkpoint import save_codec
from symbolic_music.codec.language_models.registry import save_writer
from tests.codec.language_models.test_registry import CARD, codec, network, score


@pytest.fixture
def models(tmp_path):
    save_codec(codec(), CARD, tmp_path / "codec")
    save_writer(network(), str(tmp_path / "codec"), codec().format, CARD, tmp_path / "lm")
    tone = 0.3 * np.sin(np.arange(20_000) / 9)
    soundfile.write(tmp_path / "a.wav", np.stack([tone, tone], 1), 16_000)
    score().write(tmp_path / "a.mid")
    return tmp_path


def test_sound_to_codes_and_back(run, models) -> None:
    outcome = run("encode", models / "a.wav", "--codec", models / "codec", "--json")
    assert json.loads(outcome.out) == [{"out": str(models / "a.safetensors"), "codebooks": 3, "frames": 125}]
    assert (
        ".wav or .flac"
        in run("decode", models / "a.safetensors", "-o", models / "b.mp3", "--codec", models / "codec").err
    )
    outcome = run("decode", models / "a.safetensors", "-o", models / "b.flac", "--codec", models / "codec", "--json")
    assert json.loads(outcome.out)["seconds"] == 1.25
    data, rate = soundfile.read(models / "b.flac")
    assert (data.shape, rate) == ((10_000,), 8_000)


def test_a_score_is_written_as_codes_and_sound(run, models) -> None:
    options = ("--synth", "codec", "--model", models / "lm", "--write-codes", models / "c.safetensors", "--json")
    outcome = run("render", models / "a.mid", "-o", models / "c.wav", *options)
    assert (json.loads(outcome.out)["seconds"], json.loads(outcome.out)["sample_rate"]) == (3.0, 8_000)
    data, rate = soundfile.read(models / "c.wav")
    assert (data.shape, rate) == ((24_000, 2), 8_000)
    outcome = run("decode", models / "c.safetensors", "-o", models / "d.wav", "--codec", models / "codec")
    assert "3.0 s" in outcome.out


def test_several_sounds_are_encoded_and_one_that_fails_does_not_stop_the_others(run, models) -> None:
    (models / "b.wav").write_bytes((models / "a.wav").read_bytes())
    (models / "broken.wav").write_bytes(b"nothing")
    files = [models / name for name in ("a.wav", "broken.wav", "b.wav")]
    outcome = run("encode", *files, "--codec", models / "codec", "--json")
    assert outcome.code == 2
    assert [row["out"] for row in json.loads(outcome.out)] == [str(models / f"{n}.safetensors") for n in "ab"]
    assert "1 of 3 files could not be encoded" in outcome.err
    assert (models / "a.safetensors").read_bytes() == (models / "b.safetensors").read_bytes()


def test_mistakes(mistake, models) -> None:
    a, out = models / "a.mid", models / "z.wav"
    with_codec = ("--codec", models / "codec")
    assert "cannot read" in mistake("encode", a, *with_codec)
    assert "no codec named" in mistake("encode", models / "a.wav", "--codec", "nowhere")
    for none in (".", "", "/"):
        assert "cannot read" in mistake("encode", none, *with_codec)
    soundfile.write(models / "a.flac", np.zeros(4000), 8000)
    assert "several of these files" in mistake("encode", models / "a.wav", models / "a.flac", *with_codec)
    (models / "a.raw").write_bytes(bytes(100))
    assert "cannot read" in mistake("encode", models / "a.raw", *with_codec)
    soundfile.write(models / "slow.wav", np.zeros(40_000), 1)
    assert "claims 1 Hz" in mistake("encode", models / "slow.wav", *with_codec)
    late = score()
    moved = late.notes.copy()
    moved["onset"][-1] = 8 * 3600 * 960
    dataclasses.replace(late, notes=moved).write(models / "late.mid")
    lm = ("--synth", "codec", "--model", models / "lm")
    assert "8.0 hours" in mistake("render", models / "late.mid", "-o", out, *lm)
    assert "1 to 3 codebooks" in mistake("encode", models / "a.wav", *with_codec, "--codebooks", "4")
    assert "of one file" in mistake("encode", models / "a.wav", models / "a.wav", "-o", models / "z", *with_codec)
    assert "no file of codes" in mistake("decode", models / "lm" / "model.safetensors", "-o", out, *with_codec)
    assert "--stems" in mistake(
        "render", a, "-o", out, "--synth", "codec", "--model", models / "lm", "--stems", models / "stems"
    )
    assert "goes with --synth codec" in mistake("render", a, "-o", out, "--model", models / "lm")
    assert "no codec language model" in mistake("render", a, "-o", out, "--synth", "codec", "--model", models / "codec")
    codes = ("--write-codes", models / "a.mid")
    assert "is the input" in mistake("render", a, "-o", out, "--synth", "codec", "--model", models / "lm", *codes)
