import numpy as np
import pytest

from symbolic_music.errors import AudioError, OptionError
from symbolic_music.synthesis.audio import Audio
from symbolic_music.transcription import constant_q, mel_spectrogram, spectrogram

RATE = 8000


def sine(hz: float, seconds: float = 1.0, rate: int = RATE, amplitude: float = 0.5) -> Audio:
    return Audio(amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate), rate)


def test_a_sine_has_its_amplitude_in_its_row() -> None:
    for found in (spectrogram(sine(1000)), constant_q(sine(440)), mel_spectrogram(sine(1000))):
        middle = found.values[:, found.values.shape[1] // 2]
        # A band of the mel scale sums the bins of a Hann window's main lobe, an amplitude of 1 + 2 / 2.
        assert 0.45 < middle.max() < (1.0 if found.kind == "mel" else 0.51)
        wanted = 440 if found.kind == "constant-Q" else 1000
        assert found.frequencies[middle.argmax()] == pytest.approx(wanted, rel=0.03)
        assert found.values.shape == (len(found.frequencies), len(found.times))
        assert found.times[1] - found.times[0] == pytest.approx(512 / RATE)


def test_the_constant_q_transform_is_the_inner_product_with_windowed_sines() -> None:
    rng = np.random.default_rng(0)
    sound = Audio(rng.normal(size=RATE), RATE)
    found = constant_q(sound, hop=400, bins_per_octave=12, octaves=6)
    quality = 1 / (2 ** (1 / 12) - 1)
    for row, frame in ((0, 10), (30, 7), (60, 3)):
        hz = found.frequencies[row]
        length = round(min(0.4, max(0.05, quality / hz)) * RATE)
        window = np.hanning(length + 2)[1:-1]
        at = np.arange(length) - length // 2
        part = sound.samples[0, frame * 400 + at]
        wanted = abs((part * window * np.exp(-2j * np.pi * hz * at / RATE)).sum()) * 2 / window.sum()
        assert found.values[row, frame] == pytest.approx(wanted, rel=0.02, abs=1e-3)


def test_the_mel_spectrogram_is_librosas() -> None:
    feature = pytest.importorskip("librosa.feature")
    sound = Audio(np.random.default_rng(1).normal(size=RATE), RATE)
    found = mel_spectrogram(sound, bands=40)
    theirs = feature.melspectrogram(
        y=sound.samples[0], sr=RATE, n_fft=2048, hop_length=512, n_mels=40, power=1, norm=None, pad_mode="constant"
    )
    assert found.values == pytest.approx(theirs * 2 / np.hanning(2049)[:-1].sum(), rel=1e-3, abs=1e-5)


def test_what_is_no_sound_is_said() -> None:
    with pytest.raises(AudioError, match="no samples"):
        spectrogram(Audio(np.zeros((1, 0)), RATE))
    with pytest.raises(OptionError, match="window"):
        spectrogram(sine(440), size=1)
    with pytest.raises(OptionError, match="octaves"):
        constant_q(sine(440), octaves=0)
    with pytest.raises(OptionError, match="bins"):
        constant_q(sine(440), lowest=130)
