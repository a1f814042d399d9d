import numpy as np
import pytest
import torch

pytest.importorskip("librosa")
pytest.importorskip("scipy")
from symbolic_music.errors import AudioError
from symbolic_music.synthesis.analysis import features
from symbolic_music.synthesis.analysis.harmonics import HOP, RATE
from symbolic_music.synthesis.analysis.notes import take_struck, take_sustained
from symbolic_music.synthesis.analysis.recordings import Recording, recordings, split_line, taken_notes


def made(pitch: float, seconds: float, vibrato: float = 0.0, lead: float = 0.1) -> np.ndarray:
    """Silence, a tone of partials 1, 1/2 and 1/4 that rises in 20 ms, silence; a little white noise under the tone."""
    time = np.arange(int(seconds * RATE)) / RATE
    semitones = pitch + vibrato * np.sin(2 * np.pi * 5 * time)
    phase = np.cumsum(440 * 2 ** ((semitones - 69) / 12) / RATE)
    tone = sum(0.2 / 2**k * np.sin(2 * np.pi * (k + 1) * phase) for k in range(3))
    tone = tone + 0.001 * np.random.default_rng(0).uniform(-1, 1, len(time))
    rise = np.minimum(np.minimum(time / 0.02, (seconds - time) / 0.02), 1)
    quiet = np.zeros(int(lead * RATE))
    return np.concatenate([quiet, tone * rise, np.zeros(int(0.2 * RATE))]).astype(np.float32)


@pytest.mark.parametrize("pitch", [45.3, 60.0, 79.7])
def test_a_made_tone_is_taken_apart(pitch):
    note = take_sustained(made(pitch, 0.8), round(pitch))
    middle = slice(note.held // 3, 2 * note.held // 3)
    assert note.pitch == pytest.approx(pitch, abs=0.02)
    assert note.start == pytest.approx(0.1, abs=2 * HOP)
    assert note.held * HOP == pytest.approx(0.8, abs=0.03)
    amplitudes = note.amplitudes[middle].mean(axis=0)
    assert amplitudes[:3] == pytest.approx([0.2, 0.1, 0.05], rel=0.02)
    assert amplitudes[3:].max() < 1e-3
    # Noise that is uniform in [-0.001, 0.001] is our source at a magnitude of 0.001.
    assert np.sqrt((note.noise[middle] ** 2).mean()) == pytest.approx(0.001, rel=0.25)


def test_vibrato_is_measured():
    note = take_sustained(made(62, 1.0, vibrato=0.3), 62)
    inside = torch.from_numpy(note.deviation[: note.held])
    assert features.vibrato(inside, HOP) == pytest.approx(0.375 * 0.3, rel=0.1)


def test_a_stiff_string_is_found():
    time = np.arange(int(2.5 * RATE)) / RATE
    stiffness, f0 = 4e-4, 440 * 2 ** ((48.1 - 69) / 12)
    k = np.arange(1, 16)
    hertz = f0 * k * np.sqrt((1 + stiffness * k**2) / (1 + stiffness))
    tone = sum(
        0.1 / n * np.exp(-time * (1 + n / 4)) * np.sin(2 * np.pi * h * time) for n, h in zip(k, hertz, strict=True)
    )
    note = take_struck(np.concatenate([np.zeros(2205), tone]).astype(np.float32), 48)
    assert note.pitch == pytest.approx(48.1, abs=0.021)
    assert note.ratios[9] == pytest.approx(hertz[9] / f0, rel=2e-3)
    assert note.start == pytest.approx(0.05, abs=2 * HOP)


def test_silence_is_no_note():
    with pytest.raises(AudioError, match="no note"):
        take_sustained(1e-4 * np.random.default_rng(1).normal(size=20000).astype(np.float32), 60)


def test_a_line_is_cut_into_its_notes():
    line = np.concatenate([made(p, 0.4, lead=0.0)[: int(0.4 * RATE)] for p in (60, 64, 62)])
    found = [take_sustained(piece, pitch).pitch for pitch, piece in split_line(line)]
    assert found == pytest.approx([60, 64, 62], abs=0.05)


def test_a_folder_of_recordings(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(tmp_path / "a.wav", made(60, 0.5), RATE)
    soundfile.write(tmp_path / "b.wav", made(65.4, 0.5), RATE)  # named a third lower than it sounds
    (tmp_path / "index.csv").write_text("\ufefffile,midi_note,measured_midi_pitch\nb.wav,62,65.4\n", encoding="utf-8")
    first, second = recordings(tmp_path)
    assert first == Recording(tmp_path / "a.wav")
    assert next(taken_notes(first, struck=False)).pitch == pytest.approx(60, abs=0.02)
    pytest.importorskip("soxr")
    assert next(taken_notes(second, struck=False)).pitch == pytest.approx(62, abs=0.05)
