import numpy as np
import pytest

from symbolic_music.synthesis.mixing.limiter import CEILING, Limiter, levelled
from tests.synthesis.mixing.test_loudness import swelling


def limited(sound: np.ndarray, cut: int) -> np.ndarray:
    limiter, samples = Limiter(8000), sound.shape[-1]
    pieces = [limiter.limit(sound[..., at : at + cut], at + cut >= samples) for at in range(0, samples, cut)]
    return np.concatenate(pieces, axis=-1)


def test_the_limiter_holds_the_ceiling_and_leaves_quiet_sound_alone():
    sound = swelling(8000, 8000, 0.9)
    out = limited(sound, 8000)
    assert np.abs(out).max() <= CEILING + 1e-6
    before = int(np.argmax(np.abs(sound).max(0) > CEILING)) - 400
    assert before > 500
    assert np.array_equal(out[:, :before], sound[:, :before])


@pytest.mark.parametrize("cut", [1, 37, 5000])
def test_the_limiter_gives_the_same_however_the_sound_is_cut(cut):
    sound = swelling(8000, 3003, 2.0)
    assert np.array_equal(limited(sound, cut), limited(sound, 3003))


def test_of_tracks_the_sum_is_held():
    sound = swelling(8000, 3000, 1.0)
    tracks = np.stack([sound, sound])
    assert np.abs(limited(tracks, 500) - limited(2 * sound, 500) / 2).max() < 1e-6
    assert np.abs(limited(tracks, 500).sum(0)).max() <= CEILING + 1e-6


def test_no_block_waits_for_the_next_one():
    blocks = (np.full((2, 4410), 0.1, np.float32) for _ in range(3))
    first = next(levelled(blocks, 0.0, 44100))
    assert first.shape[1] > 2000
    assert len(list(blocks)) == 2
