from itertools import pairwise

import numpy as np
import pytest

from symbolic_music.errors import AudioError
from symbolic_music.score import Score, note_table
from symbolic_music.synthesis import render, render_stems, stream
from symbolic_music.synthesis.audio import Audio
from symbolic_music.synthesis.watermark import KEY, THRESHOLD, Marker, correlation, detect_mark, differences, marked

RATE = 16_000


def noisy(seconds: float, rate: int = RATE, seed: int = 0) -> Audio:
    """Chords of decaying harmonics and some noise, every 0.3 s."""
    rng, time = np.random.default_rng(seed), np.arange(int(seconds * rate)) / rate
    sound = 0.01 * rng.normal(size=len(time))
    for start in np.arange(0, seconds, 0.3):
        after = time - start
        for hz in rng.uniform(110, 880, 3):
            tone = sum(np.sin(2 * np.pi * k * hz * after) / k for k in range(1, 9))
            sound += np.where(after >= 0, 0.05 * tone * np.exp(-3 * after.clip(0)), 0)
    return Audio(sound.astype(np.float32), rate)


SOUND = noisy(16)


def test_a_mark_is_found_and_no_mark_is_not():
    sound = marked(SOUND)
    assert sound.samples.shape == SOUND.samples.shape
    assert detect_mark(sound).is_marked
    assert not detect_mark(SOUND).is_marked
    assert not detect_mark(sound, KEY + 1).is_marked


def test_it_is_18_decibels_under_the_sound():
    change = marked(SOUND).samples - SOUND.samples
    assert 10 * np.log10(np.mean(change**2) / np.mean(SOUND.samples**2)) < -18


def test_without_strength_the_sound_is_the_same():
    assert np.abs(marked(SOUND, strength=0.0).samples - SOUND.samples).max() < 1e-6


@pytest.mark.parametrize("first", [0.137, 3.333])
def test_a_cut_sound_keeps_its_mark(first):
    cut = marked(SOUND).samples[:, int(first * RATE) : int((first + 10) * RATE)]
    assert detect_mark(Audio(cut, RATE)).is_marked


def test_another_rate_and_noise_leave_it():
    soxr = pytest.importorskip("soxr")
    sound = marked(noisy(12, 44_100)).samples[0]
    noise = np.random.default_rng(1).normal(size=len(sound)) * 0.1 * sound.std()
    other = soxr.resample(sound + noise, 44_100, 22_050).astype(np.float32)
    assert detect_mark(Audio(other, 22_050)).is_marked


def test_pieces_are_marked_as_the_whole():
    whole, marker, rng = marked(SOUND).samples, Marker(RATE), np.random.default_rng(0)
    edges = [0, *np.sort(rng.integers(0, SOUND.samples.shape[1], 50)), SOUND.samples.shape[1]]
    pieces = [marker.add(SOUND.samples[:, a:b]) for a, b in pairwise(edges)]
    together = np.concatenate([*pieces, marker.end()], axis=1)
    assert together.shape == whole.shape
    assert np.abs(together - whole).max() < 1e-6


@pytest.mark.parametrize("samples", [0, 1, 319, 320, 641])
def test_short_sounds_keep_their_length(samples):
    sound = Audio(SOUND.samples[:, :samples], RATE)
    assert marked(sound).samples.shape == (1, samples)


def test_other_keys_are_chance():
    change = differences(SOUND)
    scores = [correlation(change, key) for key in range(300)]
    assert max(scores) < THRESHOLD
    assert 1.5 < np.median(scores) < 3.5


def test_too_short_a_sound_is_an_error():
    with pytest.raises(AudioError, match="at least 3 s"):
        detect_mark(Audio(SOUND.samples[:, : 2 * RATE], RATE))
    with pytest.raises(AudioError, match="at least 8000 Hz"):
        Marker(4000)


def test_renders_are_marked_and_stems_sum_to_the_mix():
    rows = [(240 * i, 240, 50 + 7 * i % 25, 80, 0, i % 2, i % 2) for i in range(24)]
    score = Score(480, note_table(rows))
    mix = render(score, sample_rate=RATE, mark=True, gain=-20.0)
    assert detect_mark(mix).is_marked
    assert not detect_mark(render(score, sample_rate=RATE, gain=-20.0)).is_marked
    parts = render_stems(score, sample_rate=RATE, mark=True, gain=-20.0)
    assert np.abs(sum(part.samples for part in parts.values()) - mix.samples).max() < 1e-4
    streamed = np.concatenate(list(stream(score, sample_rate=RATE, mark=True, gain=-20.0)), axis=1)
    assert np.abs(streamed - mix.samples).max() < 1e-5
