"""Music for the tests of `prepare`, made here: random tunes, their variations, and folders of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from symbolic_music.corpora.store.manifest import REPLACED
from symbolic_music.io import midi_bytes
from symbolic_music.score import TEMPO, Score, Track, note_table


def tune(seed: int, notes: int = 60, parts: int = 2) -> Score:
    """Parts that walk at random, in eighths and quarters: no two seeds have a run of eight notes in common."""
    rng = np.random.default_rng(seed)
    rows = []
    for part in range(parts):
        onset = 240 * np.cumsum(rng.integers(1, 4, notes))
        pitch = np.clip(60 + np.cumsum(rng.integers(-5, 6, notes)), 30, 95)
        rows += [(int(o), 200, int(p), 80, 10 * part, part, part) for o, p in zip(onset, pitch, strict=True)]
    return Score(notes=note_table(rows), tracks=tuple(Track(f"part {n}", 10 * n) for n in range(parts)))


def transposed(score: Score, semitones: int) -> Score:
    notes = score.notes.copy()
    notes["pitch"] = notes["pitch"].astype(int) + semitones
    return score.replace(notes=notes)


def slower(score: Score) -> Score:
    """Every time doubled, on twice the resolution, in another tempo."""
    notes = score.notes.copy()
    notes["onset"] *= 4
    notes["duration"] *= 4
    return score.replace(notes=notes, ticks_per_quarter=960, tempos=np.array([(0, 700_000)], TEMPO))


def only(score: Score, part: int) -> Score:
    return score.replace(notes=score.notes[score.notes["track"] == part])


def first_half(score: Score) -> Score:
    return score.replace(notes=score.notes[score.notes["onset"] < score.end // 2])


def write(folder: Path, scores: dict[str, Score]) -> Path:
    """A folder of MIDI files, their names to scores; a name may have folders."""
    for name, score in scores.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(midi_bytes(score))
    return folder


def album(folder: Path, count: int, notes: int = 60) -> Path:
    """A folder of so many tunes, in folders of ten."""
    return write(folder, {f"{n // 10}/{n:03}.mid": tune(n, notes) for n in range(count)})


def files(folder: Path) -> dict[str, bytes]:
    """All that is in a folder, but what a store keeps of how it was before: names to contents."""
    found = {str(p.relative_to(folder)): p for p in sorted(folder.rglob("*")) if p.is_file()}
    return {name: p.read_bytes() for name, p in found.items() if p.parent.name != REPLACED}
