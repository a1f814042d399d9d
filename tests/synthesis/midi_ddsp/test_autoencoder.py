import numpy as np
import pytest

pytest.importorskip("librosa")
from symbolic_music.errors import AudioError, UnknownNameError
from symbolic_music.synthesis.analysis.harmonics import RATE
from symbolic_music.synthesis.midi_ddsp.autoencoder import decode, encode


def test_a_line_keeps_its_pitch_and_loudness_on_another_instrument():
    time = np.arange(RATE) / RATE
    hertz = np.where(time < 0.5, 440.0, 523.25)
    line = (0.05 + 0.2 * (time > 0.25)) * np.sin(2 * np.pi * np.cumsum(hertz) / RATE)
    pitch, heard = encode(line.astype(np.float32))
    assert np.median(pitch[20:70]) == pytest.approx(69, abs=0.05)
    again, loud = encode(decode(pitch, heard, "oboe"))
    middle = slice(20, len(again) - 20)
    assert np.median(np.abs(again[middle] - pitch[middle])) < 0.1
    assert np.median(np.abs(loud[middle] - heard[middle])) < 4


def test_silence_and_unknown_voices_are_refused():
    with pytest.raises(AudioError, match="no pitch"):
        encode(np.zeros(22050, np.float32))
    with pytest.raises(UnknownNameError, match="oboe"):
        decode(np.full(10, 60.0), np.full(10, -20.0), "lute")
