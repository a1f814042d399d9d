"""Recordings of single notes play a score: pitch, onset, level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from symbolic_music.errors import FileError, OptionError
from symbolic_music.score import NOTE, Score, Track
from symbolic_music.synthesis.audio import Audio
from symbolic_music.synthesis.sampled.sampler import Sampler

pytest.importorskip("soxr")
RATE = 24_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two sines of two seconds that begin after 0.2 s of silence; the second's name is wrong by a little."""
    rows, time = ["file,midi_note,measured_midi_pitch"], np.arange(2 * 44_100) / 44_100
    for name, pitch in ((60, 60.0), (72, 72.4)):
        tone = 0.3 * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time)
        Audio(np.concatenate([np.zeros(8820), tone])[None].astype(np.float32), 44_100).write(tmp_path / f"{name}.wav")
        rows.append(f"{name}.wav,{name},{pitch}")
    (tmp_path / "index.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def score(pitches: list[int], velocities: list[int], program: int = 73) -> Score:
    notes = np.zeros(len(pitches), NOTE)
    notes["onset"], notes["duration"] = np.arange(len(pitches)) * 960, 480  # a second apart, half a second long
    notes["pitch"], notes["velocity"], notes["program"] = pitches, velocities, program
    return Score(480, notes, tracks=(Track("Flute", program),))


def hertz(sound: np.ndarray) -> float:  # type: ignore[type-arg]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 19))
    return float(spectrum.argmax() * RATE / (1 << 19))


def test_notes_sound_at_their_pitch_when_they_are_struck(folder: Path) -> None:
    sampler = Sampler({73: folder}, RATE)
    pitches = [58, 60, 65, 67, 72, 74]
    sound = sampler.play(score(pitches, [100] * 6)).samples[0]
    for i, pitch in enumerate(pitches):
        part = sound[i * RATE + 1200 : i * RATE + 11_000]
        assert 12 * np.log2(hertz(part) / 440) + 69 == pytest.approx(pitch, abs=0.03)
        assert np.abs(sound[(i + 1) * RATE - 6000 : (i + 1) * RATE]).max() < 1e-3
        start = np.flatnonzero(np.abs(sound[i * RATE :]) > 0.02)[0]
        assert start < 0.012 * RATE


def test_velocity_is_the_root_of_the_level(folder: Path) -> None:
    sound = Sampler({73: folder}, RATE).play(score([60, 60], [127, 64])).samples[0]
    loud, soft = (np.sqrt(np.square(sound[at + 1200 : at + 11_000]).mean()) for at in (0, RATE))
    assert loud == pytest.approx(0.2, rel=0.05)
    assert soft / loud == pytest.approx((64 / 127) ** 2, rel=0.01)


def test_other_programs_drums_and_dense_chords(folder: Path) -> None:
    sampler = Sampler({73: folder}, RATE)
    np.testing.assert_array_equal(sampler.play(score([60], [90], 5)).samples, sampler.play(score([60], [90])).samples)
    notes = score([40], [90]).notes.copy()
    notes["channel"] = 9
    drums = Score(480, notes, tracks=(Track("Kit", 0, True),))
    assert not sampler.play(drums).samples.any()
    chord = score(list(range(50, 80)), [127] * 30)
    notes = chord.notes.copy()
    notes["onset"] = 0
    assert sampler.play(Score(480, notes, tracks=chord.tracks)).peak == pytest.approx(0.9)


def test_recordings_without_a_pitch_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "index.csv").unlink()
    with pytest.raises(OptionError, match=r"index\.csv"):
        Sampler({0: folder}, RATE)
    with pytest.raises(FileError):
        Sampler({0: tmp_path / "nowhere"}, RATE)
