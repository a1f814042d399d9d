"""Render scores with recordings of single notes: each note is the recording nearest in pitch, resampled.

It makes real sound for a known score, which a language model of codes learns from. For listening `render` has more.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import MissingExtraError, OptionError
from symbolic_music.score import Score
from symbolic_music.synthesis.analysis.recordings import recordings, samples_of
from symbolic_music.synthesis.audio import Audio

_RATE = 44_100  # of `samples_of`
_LOUDEST = 0.2  # root mean square of a note at velocity 127 where it is loudest
_STEADY = 0.3  # seconds in which the loudest is looked for, after the onset
_RINGS = {True: 0.25, False: 0.06}  # seconds of release, of a struck string and of what is blown or bowed
_PIANOS = range(8)
_PEAK = 0.9


class Sampler:
    """Instruments of recorded notes.

    Args:
        folders: of each program, a folder of `recordings` whose index names their pitches.
        sample_rate: Hz.

    Raises:
        FileError: for a folder without recordings.
        OptionError: for one whose recordings have no known pitch.
    """

    def __init__(self, folders: Mapping[int, Path], sample_rate: int) -> None:
        self.programs = tuple(folders)
        self.sample_rate = sample_rate
        self._notes: dict[int, dict[float, NDArray[np.float32]]] = {}
        for program, folder in folders.items():
            found: dict[float, NDArray[np.float32]] = {}
            for recording in recordings(folder):
                if recording.named is None:
                    raise OptionError(f"{recording.path}: its pitch must be in an index.csv")
                off = abs((recording.measured or recording.named) - recording.named)
                pitch = recording.named if off > 1 else recording.measured or recording.named
                found[pitch] = _levelled(samples_of(recording))
            self._notes[program] = found
        self._moved = cache(self._note)

    def play(self, score: Score) -> Audio:
        """Sound of a score as `mixed` gives it; loud passages are brought under full scale."""
        sound = self.mixed(score)
        peak = float(np.abs(sound).max(initial=0.0))
        return Audio(sound * min(1.0, _PEAK / max(peak, 1e-9)), self.sample_rate)

    def mixed(self, score: Score) -> NDArray[np.float32]:
        """Samples of a score, one channel: a note is as loud in a loud passage as alone.

        Programs that have no recordings are played by the first that has; drums are silent. Velocity v has the gain
        (v / 127)^2.
        """
        starts = score.onset_seconds
        ends = score.seconds(score.notes["onset"].astype(np.int64) + score.notes["duration"])
        last = float(ends.max(initial=0.0)) + max(_RINGS.values())
        out = np.zeros(int(last * self.sample_rate) + 1, np.float32)
        for note, program, start, end in zip(score.notes, score.instruments, starts, ends, strict=True):
            if program > 127:
                continue
            own = int(program) if program in self._notes else self.programs[0]
            held, ring = (round(s * self.sample_rate) for s in (end - start, _RINGS[own in _PIANOS]))
            sound = self._moved(own, int(note["pitch"]))[: held + ring].copy()
            if len(sound) > held:
                tail = np.arange(len(sound) - held, dtype=np.float32) / ring
                sound[held:] *= (1 - tail).clip(0) ** 2
            at = round(start * self.sample_rate)
            sound = sound[: len(out) - at]
            out[at : at + len(sound)] += sound * np.float32((note["velocity"] / 127) ** 2)
        return out

    def _note(self, program: int, pitch: int) -> NDArray[np.float32]:
        try:
            import soxr
        except ImportError:
            raise MissingExtraError("soxr", "voices") from None
        notes = self._notes[program]
        nearest = min(notes, key=lambda known: abs(known - pitch))
        faster = 2 ** ((pitch - nearest) / 12)
        return np.asarray(soxr.resample(notes[nearest], _RATE * faster, self.sample_rate), np.float32)


def _levelled(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """From the onset on, at the level of `_LOUDEST`."""
    size = _RATE // 400
    blocks = samples[: len(samples) // size * size].reshape(-1, size)
    level = np.sqrt((blocks**2).mean(axis=1))
    onset = max(0, int(np.argmax(level > level.max() / 10)) - 1)
    beginning = np.square(level[onset : onset + round(_STEADY * 400)])
    steady = np.sqrt(np.convolve(beginning, np.full(20, 1 / 20), "same").max())  # 50 ms: periods of the lowest notes
    sound = samples[onset * size :] * np.float32(_LOUDEST / max(float(steady), 1e-6))
    fade = min(len(sound), size // 2)
    sound[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
    return sound
