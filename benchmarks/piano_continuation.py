"""How a piano model continues held-out performances, beside how the pianists went on.

python benchmarks/piano_continuation.py STORE MODEL… [--pieces 20] [--seconds 20] [--name piano-continuation]

STORE is made by `symbolic-music prepare maestro`. Of pieces of its test split the first seconds are the prompt, and as
many are written. In key: share of notes in the prompt's likeliest key (Krumhansl 1990), of the prompt itself and of
what follows. Spread: the standard deviation of velocities over the prompt's. Trill: the longest run of two pitches in
turn, in seconds. Pedal: whether the sustain pedal goes down in what is written.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from arguments import arguments
from result_file import write_result

from symbolic_music import generation
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.evaluation.context.harmony import likely_key
from symbolic_music.models import load_model
from symbolic_music.score import Score
from symbolic_music.transforms import clip

_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10, 11)


def in_key(score: Score, key: int) -> float:
    """Share of the notes in a key."""
    classes = [(key + step) % 12 for step in (_MAJOR if key < 12 else _MINOR)]
    return float(np.isin(score.notes["pitch"] % 12, classes).mean())


def longest_trill(score: Score) -> float:
    """Seconds of the longest run of notes that alternate between two pitches, one at a time."""
    pitch, onset = score.notes["pitch"].tolist(), score.onset_seconds.tolist()
    longest, begin = 0.0, 0
    for i in range(2, len(pitch)):
        if pitch[i] != pitch[i - 2] or pitch[i] == pitch[i - 1]:
            begin = i - 1
        longest = max(longest, onset[i] - onset[begin])
    return longest


def facts(prompt: Score, after: Score) -> dict[str, float]:
    """The figures of one continuation."""
    key = likely_key(prompt)
    pedal = after.controls[(after.controls["number"] == 64) & (after.controls["value"] >= 64)]
    deviation = float(np.std(prompt.notes["velocity"])) or 1.0
    return {
        "notes_a_second": len(after) / max(after.duration, 1e-9),
        "in_key": in_key(after, key) if key is not None and len(after) else float("nan"),
        "in_key_of_the_prompt": in_key(prompt, key) if key is not None else float("nan"),
        "velocity_spread": float(np.std(after.notes["velocity"])) / deviation if len(after) else float("nan"),
        "trill_seconds": longest_trill(after),
        "pedal": float(len(pedal) > 0),
    }


def main() -> None:
    asked = arguments("store", "models+", pieces=20, seconds=20.0, name="piano-continuation")
    torch.set_num_threads(1)
    store = NoteStore(asked.store)
    prompts, originals = [], []
    for piece in np.random.default_rng(0).permutation(store.splits["test"])[: asked.pieces].tolist():
        score = store.music(piece)
        prompts.append(clip(score, 0.0, asked.seconds))
        originals.append(clip(score, asked.seconds, 2 * asked.seconds))
    rows: list[dict[str, Any]] = []

    def add(name: str, found: list[dict[str, float]], seconds: float) -> None:
        means = {key: float(np.nanmean([one[key] for one in found])) for key in found[0]}
        rows.append({"model": name, "seconds_a_piece": round(seconds, 1), **{k: round(v, 3) for k, v in means.items()}})
        print(rows[-1], flush=True)

    add("the pianist", [facts(*pair) for pair in zip(prompts, originals, strict=True)], 0.0)
    for name in asked.models:
        model, found, began = load_model(name, "cpu"), [], time.perf_counter()
        for number, prompt in enumerate(prompts):
            whole = generation.generate(prompt, asked.seconds, model, seed=number)
            found.append(facts(prompt, clip(whole, prompt.duration, prompt.duration + asked.seconds)))
        add(Path(name).name, found, (time.perf_counter() - began) / len(prompts))
    write_result(asked.name, asked.pieces, rows)


if __name__ == "__main__":
    main()
