import numpy as np
import pytest
import soundfile

from symbolic_music.errors import AudioError, FileError
from symbolic_music.synthesis import Audio
from symbolic_music.synthesis.audio import read_audio


def ramp(n: int = 441, peak: float = 0.5) -> Audio:
    return Audio(np.linspace(-peak, peak, 2 * n, dtype=np.float32).reshape(2, n), 44100)


@pytest.mark.parametrize(("bits", "error"), [(16, 2e-5), (24, 1e-6)])
@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_what_is_written_is_read(tmp_path, bits, error, suffix):
    path = ramp().write(tmp_path / f"sound{suffix}", bits=bits)
    samples, rate = soundfile.read(path)
    assert rate == 44100
    assert np.abs(samples.T - ramp().samples).max() < 2 * error
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_duration_and_peak():
    assert ramp().duration == pytest.approx(0.01)
    assert ramp().peak == 0.5


@pytest.mark.parametrize("name", ["sound.mp3", "sound"])
def test_another_suffix_is_refused(tmp_path, name):
    with pytest.raises(AudioError, match="name it"):
        ramp().write(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("audio", "word"), [(ramp(peak=1.5), "full scale"), (ramp(peak=np.nan), "not finite")])
def test_nothing_is_clipped_silently(tmp_path, audio, word):
    with pytest.raises(AudioError, match=word):
        audio.write(tmp_path / "sound.wav")
    assert not list(tmp_path.iterdir())


def test_a_missing_folder(tmp_path):
    with pytest.raises(FileError, match="no such folder"):
        ramp().write(tmp_path / "none" / "sound.wav")


def test_a_full_disk_is_said_and_nothing_is_left(tmp_path, monkeypatch):
    def full(*_):
        raise soundfile.LibsndfileError(2)

    monkeypatch.setattr(soundfile.SoundFile, "write", full)
    with pytest.raises(FileError, match="cannot write"):
        ramp().write(tmp_path / "sound.wav")
    assert not list(tmp_path.iterdir())


def test_bits(tmp_path):
    with pytest.raises(AudioError, match="16 or 24"):
        ramp().write(tmp_path / "sound.wav", bits=8)


def test_a_notebook_shows_a_player_of_the_same_sound(tmp_path) -> None:
    from base64 import b64decode

    sound = Audio(np.array([[0.0, 0.5, -0.5, 1.0]], np.float32), 8000)
    html = sound._repr_html_()
    (tmp_path / "a.wav").write_bytes(b64decode(html.split("base64,")[1].split('"')[0]))
    again = read_audio(tmp_path / "a.wav")
    assert again.sample_rate == 8000
    assert np.abs(again.samples - sound.samples).max() < 1e-4
