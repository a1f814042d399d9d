import json
import sys

import numpy as np
import pytest

from symbolic_music import read
from symbolic_music.models.model import Card
from symbolic_music.synthesis.audio import Audio
from symbolic_music.transcription import save_transcriber

pytest.importorskip("soundfile")
from tests.transcription.noisy import RATE, noisy


@pytest.fixture
def network(tmp_path):
    """A folder of a network of random weights, which finds something in noise."""
    return save_transcriber(noisy(), Card("noise", 1, "CC0-1.0", "none"), tmp_path / "network")


@pytest.fixture
def take(tmp_path):
    noise = np.random.default_rng(0).normal(size=4 * RATE) * 0.1
    return Audio(noise.clip(-1, 1), RATE).write(tmp_path / "take.wav")


def test_a_recording_becomes_notes_and_bars(run, take, network, tmp_path) -> None:
    outcome = run("transcribe", take, "-o", tmp_path / "a.mid", "-m", network, "--program", "40", "--json")
    assert outcome.code == 0, outcome.err
    told, score = json.loads(outcome.out), read(tmp_path / "a.mid")
    assert told == {
        "notes": len(score), "seconds": round(score.duration, 3), "beats": 0, "out": str(tmp_path / "a.mid")
    }  # fmt: skip
    assert len(score) > 20
    assert set(score.instruments.tolist()) == {40}

    outcome = run("transcribe", take, "-o", tmp_path / "b.mid", "-m", network, "--bars", "--meter", "3")
    assert outcome.code == 0, outcome.err
    assert "beats" in outcome.out
    barred = read(tmp_path / "b.mid")
    assert barred.meters["numerator"][-1] == 3
    assert np.abs(np.sort(barred.onset_seconds) - np.sort(score.onset_seconds)).max() < 0.005


def test_what_was_found_is_refined(run, take, network, tmp_path, monkeypatch) -> None:
    from symbolic_music.transcription import refining

    fit = refining.fit_notes
    monkeypatch.setattr(refining, "_MOST", 2)
    monkeypatch.setattr(refining, "fit_notes", lambda score, sound, steps: fit(score, sound, steps=2))
    for name, options in (("a.mid", ()), ("b.mid", ("--refine",))):
        outcome = run("transcribe", take, "-o", tmp_path / name, "-m", network, "--onset", "0.95", *options)
        assert outcome.code == 0, outcome.err
    plain, found = read(tmp_path / "a.mid"), read(tmp_path / "b.mid")
    assert len(plain) == len(found) > 2
    moved = np.abs(np.sort(plain.onset_seconds) - np.sort(found.onset_seconds))
    assert 0 < moved.max() < 0.11


def test_thresholds_change_what_is_found(run, take, network, tmp_path) -> None:
    counts = []
    for least in ("0.3", "0.9"):
        outcome = run("transcribe", take, "-o", tmp_path / "a.mid", "-m", network, "--onset", least, "--json")
        counts.append(json.loads(outcome.out)["notes"])
    assert counts[0] > counts[1]


def test_mistakes_are_one_line(mistake, take, network, tmp_path, monkeypatch) -> None:
    out = tmp_path / "out.mid"
    assert "cannot read" in mistake("transcribe", tmp_path / "none.wav", "-o", out, "-m", network)
    (tmp_path / "text.wav").write_text("no sound")
    assert "cannot read" in mistake("transcribe", tmp_path / "text.wav", "-o", out, "-m", network)
    assert "name it .mid" in mistake("transcribe", take, "-o", tmp_path / "out.wav", "-m", network)
    assert "no such folder" in mistake("transcribe", take, "-o", out, "-m", "nowhere")
    assert "no transcriber 'ear'" in mistake("transcribe", take, "-o", out, "-m", network, "--by", "ear")
    assert "go with --bars" in mistake("transcribe", take, "-o", out, "-m", network, "--meter", "3")
    assert "thresholds are" in mistake("transcribe", take, "-o", out, "-m", network, "--onset", "2")
    assert "notes or beat-this" in mistake("transcribe", take, "-o", out, "-m", network, "--bars", "--beats", "ear")
    monkeypatch.setitem(sys.modules, "basic_pitch.inference", None)
    monkeypatch.setitem(sys.modules, "beat_this.inference", None)
    assert "pip install basic-pitch" in mistake("transcribe", take, "-o", out, "--by", "basic-pitch")
    assert "pip install beat-this" in mistake(
        "transcribe", take, "-o", out, "-m", network, "--bars", "--beats", "beat-this"
    )


def test_silence_has_no_notes(run, mistake, network, tmp_path) -> None:
    quiet = Audio(np.zeros(RATE), RATE).write(tmp_path / "quiet.wav")
    verb = ("transcribe", quiet, "-o", tmp_path / "a.mid", "-m", network, "--bars")
    assert "no notes were found" in mistake(*verb)
    assert not (tmp_path / "a.mid").exists()
    outcome = run(*verb, "--allow-empty", "--json")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["notes"] == 0


def test_an_interrupted_transcription_leaves_no_file(run, take, network, tmp_path, monkeypatch) -> None:
    from symbolic_music.transcription import transcribing

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(transcribing, "_probabilities", interrupted)
    outcome = run("transcribe", take, "-o", tmp_path / "a.mid", "-m", network)
    assert outcome.code == 130
    assert not (tmp_path / "a.mid").exists()
