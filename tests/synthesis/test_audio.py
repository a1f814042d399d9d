import os
import struct

import numpy as np
import pytest
import soundfile

from symbolic_music.errors import AudioError, FileError
from symbolic_music.synthesis import Audio
from symbolic_music.synthesis import audio as module
from symbolic_music.synthesis.audio import audio_blocks, read_audio, read_comment


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


def wav(path, rate=8_000, channels=1, samples=800, kind=1, data=None):
    """A WAV file whose header says what it likes."""
    data = bytes(samples * channels * 2) if data is None else data
    bits = 16 if kind == 1 else 32
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


@pytest.mark.parametrize(
    ("header", "message"),
    [({"rate": 1}, "claims 1 Hz"), ({"rate": 2_000_000}, "claims 2,000,000 Hz"), ({"channels": 100}, "100 channels")],
)
def test_sound_that_claims_what_no_recording_has_is_refused(tmp_path, header, message):
    with pytest.raises(FileError, match=message):
        read_audio(wav(tmp_path / "a.wav", **header))


def test_more_samples_than_the_bound_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_SAMPLES", 799)
    with pytest.raises(FileError, match="claims 800 samples; at most 799"):
        read_audio(wav(tmp_path / "a.wav"))


def test_samples_that_are_not_finite_are_refused(tmp_path):
    data = np.array([0, np.nan, 0, np.inf], "<f4").tobytes()
    with pytest.raises(FileError, match="not finite"):
        read_audio(wav(tmp_path / "a.wav", kind=3, data=data))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    for path, what in ((tmp_path / "a.wav", "no regular file"), (tmp_path, "a folder")):
        with pytest.raises(FileError, match=what):
            read_audio(path)
        with pytest.raises(FileError, match=what):
            next(audio_blocks(path))


def test_samples_whose_squares_are_no_numbers_are_refused(tmp_path):
    data = np.array([0, 1e30], "<f4").tobytes()
    with pytest.raises(FileError, match=r"samples of 1e\+30"):
        read_audio(wav(tmp_path / "a.wav", kind=3, data=data))
    data = np.array([0, 32_767], "<f4").tobytes()
    assert read_audio(wav(tmp_path / "b.wav", kind=3, data=data)).samples.max() == 32_767


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_comment_is_a_tag(tmp_path, suffix):
    sound = Audio(np.zeros((1, 100), np.float32), 8000)
    assert read_comment(sound.write(tmp_path / f"a{suffix}", comment="Café, seed 3")) == "Café, seed 3"
    assert read_comment(sound.write(tmp_path / f"b{suffix}")) == ""
    assert read_audio(tmp_path / f"a{suffix}").samples.shape == (1, 100)
    (tmp_path / "c.wav").write_bytes(b"no sound")
    with pytest.raises(FileError, match="cannot read"):
        read_comment(tmp_path / "c.wav")
