import json

import numpy as np
import pytest

from symbolic_music.synthesis.midi_ddsp.voices import load_voices

soundfile = pytest.importorskip("soundfile")
pytest.importorskip("librosa")
pytest.importorskip("auraloss")


def tones(folder) -> None:
    time = np.arange(22050) / 44100
    for i, pitch in enumerate((60, 64, 67)):
        wave = 0.3 * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time) * np.minimum(1, time * 50)
        soundfile.write(
            folder / f"take-{i}.wav", np.concatenate([np.zeros(2000), wave * np.minimum(1, time[::-1] * 50)]), 44100
        )


def test_a_folder_of_recordings_becomes_a_voice(run, tmp_path):
    takes = tmp_path / "takes"
    takes.mkdir()
    tones(takes)
    result = run("train-voice", takes, "-o", tmp_path / "mine", "--programs", "75", "--steps", "2", "--json")
    assert result.code == 0, result.err
    told = json.loads(result.out)
    assert told["finished"]
    bank = load_voices(tmp_path / "mine" / "voices")
    assert bank.voices[-1].name == "mine"
    assert bank.voices[-1].lowest == pytest.approx(60, abs=0.1)
    assert bank.number(75) == len(bank.voices) - 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["takes"], "name a folder"),
        (["takes", "-o", "mine"], "programs"),
        (["takes", "-o", "mine", "--programs", "128"], "0 to 127"),
        (["takes", "-o", "mine", "--programs", "1"], "holds no recordings"),
        (["missing.yaml"], "cannot read"),
        (["takes.yaml", "-o", "mine"], "go with a folder"),
        (["missing", "-o", "mine", "--programs", "1"], "missing is not a folder"),
    ],
)
def test_mistakes_are_named(mistake, tmp_path, monkeypatch, arguments, problem):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "takes").mkdir()
    (tmp_path / "takes.yaml").touch()
    assert problem in mistake("train-voice", *arguments)
    assert not (tmp_path / "mine").exists()


def test_recordings_that_are_no_numbers_are_named(mistake, tmp_path):
    tones(tmp_path)
    train = ("train-voice", tmp_path, "-o", tmp_path / "mine", "--programs", "75")
    broken = np.zeros(44100, np.float32)
    broken[500] = np.nan
    soundfile.write(tmp_path / "a.wav", broken, 44100, subtype="FLOAT")
    assert "a.wav holds samples that are not finite" in mistake(*train)
    (tmp_path / "index.csv").write_text("file,midi_note\ntake-1.wav,banana\n")
    assert "index.csv" in mistake(*train)
    (tmp_path / "index.csv").write_bytes(b"file,midi_note\n\xff\xfe,60\n")
    assert "index.csv" in mistake(*train)
    assert not (tmp_path / "mine").exists()
