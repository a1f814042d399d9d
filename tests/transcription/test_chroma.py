import numpy as np
import pytest

from symbolic_music.synthesis.audio import Audio
from symbolic_music.transcription import chroma
from tests.transcription.test_spectrograms import RATE, sine


@pytest.mark.parametrize(("hz", "name"), [(261.63, 0), (440.0, 9), (880.0, 9), (123.47, 11)])
def test_chroma_has_the_pitch_class(hz: float, name: int) -> None:
    found = chroma(sine(hz))
    middle = found.values[:, found.values.shape[1] // 2]
    assert middle.argmax() == name
    assert middle[name] == 1
    assert np.delete(middle, name).max() < 0.6


def test_silence_has_no_chroma() -> None:
    assert not chroma(Audio(np.zeros(RATE), RATE)).values.any()
