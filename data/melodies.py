"""Make sound of one instrument, from which the cascade of `configs/jukebox-*.yaml` is trained.

python data/melodies.py STORE --out runs/jukebox/piano [--program 0] [--count 160] [--seconds 20]

STORE is a note store of `symbolic-music prepare`, such as that of the chorales. The highest part of a piece is played,
transposed and at another tempo, by the built-in synthesizer without reverb, and written as OUT/NAME.mid and NAME.flac.
Every twentieth, which training holds out, is of a piece of the validation split; those that are there already are kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import symbolic_music as sm
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.score import Score, Track, note_table
from symbolic_music.synthesis.audio import Audio

RATE = 11_025
HELD_OUT = 20
TICKS_PER_SECOND = 960  # 480 a quarter at the default of 120 quarters a minute
LOWEST, HIGHEST = 55, 84
GAIN = -5.0  # dB, of the synthesizer's mix: the limiter has nothing to do


def melody(score: Score, program: int, seconds: float, rng: np.random.Generator) -> Score:
    """The highest part of a piece, from a random note on, by one instrument."""
    rate = float(np.exp(rng.uniform(-0.3, 0.1)))
    tracks = np.unique(score.notes["track"])
    highest = max(tracks, key=lambda track: float(score.notes["pitch"][score.notes["track"] == track].mean()))
    own = score.notes["track"] == highest
    onset, offset = score.onset_seconds[own] * rate, score.offset_seconds[own] * rate
    pitch = score.notes["pitch"][own].astype(int)
    begin = onset[int(rng.integers(max(1, np.searchsorted(onset, onset[-1] - seconds))))] - 0.05
    own = (onset >= begin) & (onset < begin + seconds - 0.5)
    onset, offset, pitch = onset[own] - begin, offset[own] - begin, pitch[own]
    shifts = [s for s in range(-5, 7) if pitch.min() + s >= LOWEST and pitch.max() + s <= HIGHEST]
    pitch = pitch + int(rng.choice(shifts or [0]))
    offset = np.minimum(offset, np.append(onset[1:], seconds - 0.2))
    first = np.rint(onset * TICKS_PER_SECOND).astype(np.int64)
    last = np.rint(offset * TICKS_PER_SECOND).astype(np.int64)
    velocity = rng.uniform(70, 100) + 6 * rng.standard_normal(len(pitch))
    table = note_table(
        onset=first, duration=np.maximum(48, last - first), pitch=pitch, velocity=np.rint(velocity.clip(30, 120)),
        program=program,
    )  # fmt: skip
    return Score(480, table, tracks=(Track("", program),))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--program", type=int, default=0)
    parser.add_argument("--count", type=int, default=160)
    parser.add_argument("--seconds", type=float, default=20.0, help="on average")
    asked = parser.parse_args()
    store = NoteStore(asked.store)
    asked.out.mkdir(parents=True, exist_ok=True)
    for number in range(asked.count):
        path = asked.out / f"{number:04}.flac"
        if path.is_file():
            continue
        rng = np.random.default_rng([7, number])
        pieces = store.splits["validation" if number % HELD_OUT == 0 else "train"]
        seconds = asked.seconds * float(rng.uniform(0.5, 1.5))
        score = melody(store.music(int(rng.choice(pieces))), asked.program, seconds, rng)
        sm.write(score, path.with_suffix(".mid"))
        sound = sm.render(score, "ddsp", RATE, reverb=0.0, gain=GAIN).samples.mean(axis=0)
        Audio(np.asarray(sound, np.float32)[None], RATE).write(path)


if __name__ == "__main__":
    main()
