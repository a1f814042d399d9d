"""generate-sound."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from symbolic_music.codec.jukebox.level import save_level
from tests.codec.jukebox.test_cascade import CARD, cascade


@pytest.fixture
def levels(tmp_path: Path) -> list[Path]:
    return [save_level(level, CARD, tmp_path / str(n)) for n, level in enumerate(cascade(2).levels)]


def test_sound_is_generated_and_gone_on_from(run, levels, tmp_path) -> None:
    path = tmp_path / "new.wav"
    outcome = run("generate-sound", *levels, "--seconds", "0.8", "--instrument", "flute", "-o", path, "--json")
    facts = json.loads(outcome.out)
    assert (facts["seconds"], facts["sample_rate"], facts["out"]) == (0.8, 8_000, str(path))
    data, rate = soundfile.read(path)
    assert (data.shape, rate) == ((6_400, 2), 8_000)
    with soundfile.SoundFile(path) as file:
        assert "jukebox (small)" in file.comment
    soundfile.write(tmp_path / "take.wav", 0.3 * np.sin(np.arange(8_000) / 9), 16_000)
    longer = tmp_path / "longer.flac"
    outcome = run("generate-sound", *levels, "--seconds", "1", "--prompt", tmp_path / "take.wav", "-o", longer)
    assert outcome.out == f"{longer}: 1.0 s, 8000 Hz, peak {np.abs(soundfile.read(longer)[0]).max():.2f}\n"


def test_mistakes(mistake, levels, tmp_path) -> None:
    out = tmp_path / "z.wav"
    assert "no level of a cascade named" in mistake("generate-sound", "nowhere", "-o", out)
    assert "first level is the top" in mistake("generate-sound", *levels[::-1], "-o", out)
    assert "there are: piano, flute" in mistake("generate-sound", *levels, "--instrument", "organ", "-o", out)
    assert "up to 3,600 seconds" in mistake("generate-sound", *levels, "--seconds", "1e9", "-o", out)
    assert "up to 3,600 seconds" in mistake("generate-sound", *levels, "--seconds", "nan", "-o", out)
    assert "temperature" in mistake("generate-sound", *levels, "--temperature", "0", "-o", out)
    assert "overlap" in mistake("generate-sound", *levels, "--overlap", "1", "-o", out)
    assert "name it .wav or .flac" in mistake("generate-sound", *levels, "-o", tmp_path / "z.mp3")
    assert "no such folder" in mistake("generate-sound", *levels, "-o", tmp_path / "none" / "z.wav")
    assert "cannot read" in mistake("generate-sound", *levels, "--prompt", tmp_path / "none.wav", "-o", out)
