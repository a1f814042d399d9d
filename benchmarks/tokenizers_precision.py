"""What survives encoding and decoding: notes, times, velocities, parts, tempo, of real files.

    python benchmarks/tokenizers_precision.py FOLDER … [--files 20]

A note counts as kept when the decoded score has one of its pitch (and, where the encoding has parts, its instrument)
within a quarter of a second; each decoded note is used once. Errors are those of kept notes. Encodings of bars and
positions are compared in musical time: their ticks are put under the tempo map of the original, since a tempo that is
rounded by a percent moves everything after it (their tempo error is given as such). Notes that a file never ended are
left out on both sides. Stored in benchmarks/results/tokenizers_precision_FOLDER.json.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from arguments import arguments
from result_file import write_result
from tokenizers_remi_compound import midi_files, row

from symbolic_music import read, tokenizers
from symbolic_music.errors import SymbolicMusicError
from symbolic_music.score import Score
from symbolic_music.tokenizers.base import Tokenizer
from symbolic_music.transforms import resample

TOLERANCE = 0.25
_FINE = 24
ENCODINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "performance default": ("performance", {}),
    "performance score2perf": ("performance", {"preset": "score2perf"}),
    "remi default": ("remi", {}),
    "remi miditok": ("remi", {"preset": "miditok", "use_programs": True, "use_tempos": True}),
    "remi original": ("remi", {"preset": "original"}),
    "compound default": ("compound", {}),
    "compound miditok": ("compound", {"preset": "miditok", "use_programs": True, "use_tempos": True}),
    "compound original": ("compound", {"preset": "original"}),
    "anticipation default": ("anticipation", {}),
    "anticipation expressive": ("anticipation", {"preset": "expressive"}),
    "anticipation interarrival": ("anticipation", {"preset": "interarrival"}),
}
NO_PARTS = ("performance default", "performance score2perf", "remi original", "compound original")


def matched(before: Score, after: Score, parts: bool) -> tuple[np.ndarray, np.ndarray]:
    """Indices of notes that were kept, and of the decoded notes that are them."""
    rows: list[tuple[int, int]] = []
    voices = [s.notes["pitch"] + 128 * (s.instruments if parts else 0) for s in (before, after)]
    onsets = [before.onset_seconds, after.onset_seconds]
    for voice in np.unique(voices[0]):
        ours, theirs = (np.flatnonzero(v == voice) for v in voices)
        free = 0
        for note in ours[np.argsort(onsets[0][ours], kind="stable")]:
            while free < len(theirs) and onsets[1][theirs[free]] < onsets[0][note] - TOLERANCE:
                free += 1
            if free < len(theirs) and onsets[1][theirs[free]] <= onsets[0][note] + TOLERANCE:
                rows.append((note, theirs[free]))
                free += 1
    table = np.array(rows, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def measure(tokenizer: Tokenizer, scores: list[Score], parts: bool) -> dict[str, float]:
    """Shares and errors over all notes of these scores."""
    total = kept = 0
    tempos: list[float] = []
    errors: dict[str, list[np.ndarray]] = {"onset": [], "duration": [], "velocity": []}
    for score in scores:
        after = tokenizer.decode(tokenizer.encode(score))
        if tokenizer.name in ("remi", "compound"):
            tempos.append(_tempo_error(score, after))
            maps = score.tempos.copy()
            maps["time"] *= _FINE
            after = resample(after, score.ticks_per_quarter * _FINE).replace(tempos=maps)
        first, second = matched(score, after, parts)
        total, kept = total + len(score), kept + len(first)
        errors["onset"].append(1e3 * np.abs(score.onset_seconds[first] - after.onset_seconds[second]))
        lengths = [s.offset_seconds - s.onset_seconds for s in (score, after)]
        errors["duration"].append(1e3 * np.abs(lengths[0][first] - lengths[1][second]))
        velocities = [s.notes["velocity"].astype(np.int64) for s in (score, after)]
        errors["velocity"].append(np.abs(velocities[0][first] - velocities[1][second]))
    joined = {name: np.concatenate(values) for name, values in errors.items()}
    return {
        "notes kept, %": 100 * kept / total,
        "onset error, median ms": float(np.median(joined["onset"])),
        "onset error, 99th percentile ms": float(np.percentile(joined["onset"], 99)),
        "duration error, median ms": float(np.median(joined["duration"])),
        "duration error, 99th percentile ms": float(np.percentile(joined["duration"], 99)),
        "velocity error, median": float(np.median(joined["velocity"])),
        **({"tempo error, median %": float(np.median(tempos))} if tempos else {}),
    }


def _tempo_error(before: Score, after: Score) -> float:
    """By how many percent the tempo at the middle of the piece differs."""
    first, second = (s.seconds(0.5 * s.end + s.ticks_per_quarter) - s.seconds(0.5 * s.end) for s in (before, after))
    return float(100 * abs(second / first - 1))


def main() -> None:
    """Parse the command line, measure, store."""
    given = arguments(("folders+", Path), files=20)
    for folder in given.folders:
        scores = []
        for path in midi_files(folder, given.files):
            try:
                scores.append(read(path).without_hanging())
            except SymbolicMusicError as error:
                print(f"not read: {error}")
        rows = []
        for label, (name, options) in ENCODINGS.items():
            found = measure(tokenizers.get(name, **options), scores, label not in NO_PARTS)
            rows += [row(f"{label}: {metric}", value, 0, "none", "") for metric, value in found.items()]
        write_result(f"tokenizers_precision_{folder.name}", len(scores), rows)


if __name__ == "__main__":
    main()
