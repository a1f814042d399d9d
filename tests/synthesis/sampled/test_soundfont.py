import sys

import numpy as np
import pytest

from symbolic_music.errors import AudioError, FileError, MissingExtraError
from symbolic_music.score import Score, note_table
from symbolic_music.synthesis import render, render_stems

ONE = Score(500, note_table([(500, 500, 69, 100, 19, 0, 0)]))


def test_without_tinysoundfont_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tinysoundfont", None)
    with pytest.raises(MissingExtraError, match="audio"):
        render(ONE, "soundfont")


def test_a_missing_and_a_wrong_file(tmp_path):
    with pytest.raises(FileError, match="no such SoundFont"):
        render(ONE, "soundfont", soundfont=tmp_path / "none.sf2")
    pytest.importorskip("tinysoundfont")
    wrong = tmp_path / "wrong.sf2"
    wrong.write_bytes(b"no SoundFont")
    with pytest.raises(AudioError, match="no SoundFont that can be used"):
        render(ONE, "soundfont", soundfont=wrong)


def test_pitch_and_onset():
    pytest.importorskip("tinysoundfont")
    audio = render(Score(500, note_table([(500, 1500, 69, 100, 80, 0, 0)])), "soundfont", reverb=0.0)
    wave = audio.samples.mean(0)
    first = int(np.argmax(np.abs(wave) > 0.01 * audio.peak)) / 44100
    assert 0.5 <= first <= 0.504
    middle = wave[44100 : 44100 + 32768] * np.hanning(32768)
    spectrum = np.abs(np.fft.rfft(middle, 1 << 20))
    hz = np.fft.rfftfreq(1 << 20, 1 / 44100)
    spectrum[hz > 600] = 0
    assert abs(1200 * np.log2(hz[spectrum.argmax()] / 440)) < 12


def test_forty_tracks_with_drums_all_sound_and_repeat():
    pytest.importorskip("tinysoundfont")
    rows = [(0, 400, 50 + t % 30, 90, t, 9 if t == 39 else 0, t) for t in range(40)]
    stems = render_stems(Score(500, note_table(rows)), "soundfont", sample_rate=22050)
    assert len(stems) == 40
    assert min(stem.peak for stem in stems.values()) > 1e-3
    again = render(Score(500, note_table(rows)), "soundfont", sample_rate=22050)
    assert np.abs(sum(s.samples for s in stems.values()) - again.samples).max() < 1e-4
