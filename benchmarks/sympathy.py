"""The sustain pedal of the built-in piano, beside recorded notes, which were played without it.

python benchmarks/sympathy.py RECORDINGS

RECORDINGS has the folder piano-salamander. Of each recorded note the fall of its level from the first to the third
second, as means over registers; ours without the pedal, and with it. Then how loud the sound is that the pedal adds, in
the first half second under the note and after three seconds, dB. No recording with the pedal is among the corpora:
Lehtonen et al. 2007 measure that decays get longer in the middle of the keyboard, not in bass and treble.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from arguments import arguments
from numpy.typing import NDArray
from result_file import row, write_result

import symbolic_music as sm
from symbolic_music.score import CONTROL, Score, note_table
from symbolic_music.synthesis.analysis.recordings import recordings, samples_of

RATE = 44_100
REGISTERS = {"bass, to B2": (0, 48), "middle, C3 to B5": (48, 84), "treble, from C6": (84, 128)}
Samples = NDArray[np.float32]


def played(pitch: int, is_down: bool) -> Samples:
    """A note held for four seconds, a tick a millisecond."""
    controls = np.zeros(1, CONTROL)
    controls["number"], controls["value"] = 64, 127 if is_down else 0
    score = Score(500, note_table([(0, 4000, pitch, 80, 0, 0, 0)]), controls=controls)
    return sm.render(score, sample_rate=RATE, reverb=0, gain=0.0).samples.mean(axis=0)


def level(sound: Samples, begin: float, end: float) -> float:
    """dB, from where the sound begins."""
    first = int(np.argmax(np.abs(sound) > 0.03 * np.abs(sound).max()))
    cut = sound[first + round(begin * RATE) : first + round(end * RATE)]
    return float(10 * np.log10(np.square(cut).mean() + 1e-12)) if len(cut) else -120.0


def main() -> None:
    asked = arguments(("recordings", Path))
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in REGISTERS}
    for recording in recordings(asked.recordings / "piano-salamander"):
        pitch, real = round(recording.named or 0), samples_of(recording)
        if len(real) < 3.2 * RATE:
            continue
        plain, down = played(pitch, False), played(pitch, True)
        falls = [level(one, 2, 3) - level(one, 0, 1) for one in (plain, down, real)]
        added = down[: len(plain)] - plain[: len(down)]
        under = [level(added, at, at + 0.5) - level(plain, at, at + 0.5) for at in (0.0, 2.5)]
        name = next(name for name, (low, high) in REGISTERS.items() if low <= pitch < high)
        found[name].append((*falls, *under))
    rows = []
    for name, values in found.items():
        plain, down, real, early, late = np.mean(values, axis=0)
        peer = "the recordings, without pedal"
        rows.append(row(f"{name}: fall without the pedal", float(plain), "dB", float(real), peer))
        rows.append(row(f"{name}: fall with the pedal", float(down), "dB", float(real), peer))
        rows.append(row(f"{name}: what the pedal adds, first half second", float(early), "dB"))
        rows.append(row(f"{name}: what the pedal adds, after 2.5 s", float(late), "dB"))
    write_result("sympathy", sum(map(len, found.values())), rows)


if __name__ == "__main__":
    main()
