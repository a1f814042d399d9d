"""Make pairs of a score and its sound, from which `codec-lm` and `flow` are trained.

python data/pairs.py STORE... --recordings FOLDER --out FOLDER [--count 250] [--seconds 30]

STOREs are note stores of `symbolic-music prepare`, which are drawn from evenly: their train split, and for every
twentieth pair, which training holds out, their validation split. FOLDER has a folder of recorded notes for each
instrument, with an index of their pitches. Passages are transposed, played faster or slower and with human timing and
strengths, and written as OUT/piano/NAME.mid and NAME.flac, and OUT/ensemble/...; those that are there already are kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import symbolic_music as sm
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio
from symbolic_music.synthesis.sampled.sampler import Sampler
from symbolic_music.training.transcription.arranging import passage
from symbolic_music.training.transcription.config import ClipData

PIANO = {0: "piano-salamander"}
ENSEMBLE = {
    40: "violin", 42: "cello", 56: "trumpet", 60: "french-horn", 65: "alto-saxophone", 68: "oboe", 71: "clarinet",
    73: "alto-flute",
}  # fmt: skip
FEWEST = 2  # notes a second of a passage that is worth hearing
RATE = 24_000
GAIN = 0.4


def drawn(
    stores: list[NoteStore], split: str, data: ClipData, rng: np.random.Generator, programs: tuple[int, ...]
) -> Score:
    """A passage for these programs; of a piece with pianos their parts alone, if pianos are wanted."""
    while True:
        store = stores[int(rng.integers(len(stores)))]
        score = store.music(int(rng.choice(store.splits[split])))
        pianos = score.notes["program"] < 8
        if programs == (0,) and pianos.any():
            score = score.replace(notes=score.notes[pianos & (score.instruments < 128)])
        if len(score):
            found = passage(score, data, rng, programs)
            if FEWEST * data.seconds < len(found) < 20 * data.seconds and found.duration > 0.7 * data.seconds:
                return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stores", nargs="+", type=Path)
    parser.add_argument("--recordings", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=250)
    parser.add_argument("--seconds", type=float, default=30.0)
    asked = parser.parse_args()
    stores = [NoteStore(path) for path in asked.stores]
    for seed, (name, players) in enumerate({"piano": PIANO, "ensemble": ENSEMBLE}.items()):
        sampler = Sampler({program: asked.recordings / folder for program, folder in players.items()}, RATE)
        is_piano = float(name == "piano")
        data = ClipData(stores={"": 1.0}, seconds=asked.seconds, solo=is_piano, piano=is_piano)
        (asked.out / name).mkdir(parents=True, exist_ok=True)
        for number in range(asked.count):
            path = asked.out / name / f"{number:04}"
            if not path.with_suffix(".flac").is_file():
                split = "validation" if number % 20 == 0 else "train"
                score = drawn(stores, split, data, np.random.default_rng([seed, number]), tuple(players))
                sm.write(score, path.with_suffix(".mid"))
                sound = np.tanh(GAIN * sampler.mixed(score))  # as loud as its notes say, whatever else there is
                Audio(sound.astype(np.float32)[None], RATE).write(path.with_suffix(".flac"))


if __name__ == "__main__":
    main()
