import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.errors import AudioError, FileError
from symbolic_music.synthesis.audio import Audio, audio_blocks
from symbolic_music.transcription.input_audio import level_of, mono_blocks, windows


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), st.integers(1, 9), st.integers(0, 3))
def test_windows_give_each_frame_once_with_its_context(lengths: list[int], frames: int, context: int) -> None:
    hop, sound = 4, np.arange(1.0, 1 + sum(lengths), dtype=np.float32)
    blocks = np.split(sound, np.cumsum(lengths)[:-1])
    padded = np.pad(sound, (context * hop, (frames + context + 1) * hop))
    done = 0
    for samples, count in windows(blocks, hop, frames, context):
        assert len(samples) == (count + 2 * context) * hop
        assert samples.tolist() == padded[done * hop :][: len(samples)].tolist()
        done += count
    assert done == len(sound) // hop + 1


def test_stereo_is_averaged_and_resampled_in_parts() -> None:
    pytest.importorskip("soxr")
    rate, seconds = 44_100, 25
    wave = np.sin(2 * np.pi * 440 * np.arange(rate * seconds) / rate).astype(np.float32)
    sound, parts = Audio(np.stack([wave, np.zeros_like(wave)]), rate), list[float]()
    found = np.concatenate(list(mono_blocks(sound, 16_000, parts.append)))
    assert len(found) == 16_000 * seconds
    wanted = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16_000 * seconds) / 16_000)
    assert np.abs(found - wanted)[500:-500].max() < 1e-3
    assert parts == [pytest.approx(10 / 25), pytest.approx(20 / 25), 1.0]


def test_a_file_is_read_in_parts(tmp_path) -> None:
    sound = Audio(np.random.default_rng(0).uniform(-0.5, 0.5, (2, 5000)), 8000)
    path = sound.write(tmp_path / "a.wav")
    blocks, done = zip(*audio_blocks(path, seconds=0.25), strict=True)
    assert [one.samples.shape for one in blocks] == [(2, 2000), (2, 2000), (2, 1000)]
    assert done == (0.4, 0.8, 1.0)
    assert np.concatenate([one.samples for one in blocks], axis=1) == pytest.approx(sound.samples, abs=1e-4)
    with pytest.raises(FileError, match="cannot read"):
        next(audio_blocks(tmp_path / "none.wav"))


def test_what_is_no_sound_is_said() -> None:
    with pytest.raises(AudioError, match="no samples"):
        list(mono_blocks(Audio(np.zeros((1, 0)), 16_000), 16_000))
    with pytest.raises(AudioError, match="not finite"):
        list(mono_blocks(Audio(np.array([0, np.nan]), 16_000), 16_000))


def test_the_level_is_that_of_the_loud_parts() -> None:
    sound = np.zeros(16_000, np.float32)
    sound[:8000] = 0.3
    assert level_of(sound, 16_000) == pytest.approx(0.3, rel=1e-3)
    assert level_of(np.zeros(10, np.float32), 16_000) == pytest.approx(1e-5)
