"""The first samples of each task, unselected: a page of piano rolls a task.

python benchmarks/task_pages.py STORE MODEL FOLDER [--tasks continue,accompany] [--samples 10]

The songs are those of the validation split, then of the test split, with three tracks and more, and again from the
first; seeds count from 0, all else is as in the functions. What is new stands out, the region is shaded. Writes
FOLDER/TASK.png.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from arguments import arguments
from PIL import Image
from roll_pages import paged, roll
from tqdm import tqdm

import symbolic_music as sm
from symbolic_music import generation
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.errors import SymbolicMusicError
from symbolic_music.score import Score

COLUMNS, WIDTH, BARS, AROUND = 2, 760, 8, 4
ROLES = ("bass", "pad", "lead", "drums", "counter")
Task = Callable[[Score, int, int], tuple[Score, int]]


def middle(song: Score) -> int:
    """The first of eight bars in the middle of a song, from 1."""
    return max(1 + AROUND, len(song.bars()) // 2 - BARS // 2)


def kept_track(song: Score, first: int) -> int:
    """The track with the highest mean pitch among those that play in most of the bars."""
    part = within(song, first, first + BARS)
    tracks = [t for t in np.unique(part.notes["track"]).tolist() if not song.tracks[t].is_drum]
    counts = {t: int((part.notes["track"] == t).sum()) for t in tracks}
    full = [t for t in tracks if counts[t] >= BARS] or tracks
    return int(max(full, key=lambda t: float(part.notes["pitch"][part.notes["track"] == t].mean())))


def within(song: Score, first: int, end: int) -> Score:
    """Bars `first` to before `end`, from 1."""
    lines = song.bars(song.end + 1)
    edges = song.seconds([lines[first - 1], lines[min(end, len(lines)) - 1]]).tolist()
    return song.clip(*edges)


def tasks(model: str) -> dict[str, Task]:
    """What is asked of the model of a song, and where the eight bars that are new begin."""

    def continued(song: Score, first: int, seed: int) -> tuple[Score, int]:
        prompt = within(song, 1, first)
        return generation.continue_bars(prompt, BARS, model=model, seed=seed), first

    def begun(song: Score, first: int, seed: int) -> tuple[Score, int]:
        return generation.introduce(song, BARS // 2, model=model, seed=seed), 1

    def accompanied(song: Score, first: int, seed: int) -> tuple[Score, int]:
        part = within(song, first - AROUND, first + BARS + AROUND)
        return sm.accompany(part, [kept_track(song, first)], model, seed=seed), 1

    def added(song: Score, first: int, seed: int) -> tuple[Score, int]:
        region = [sm.bars(first, first + BARS - 1)]
        return sm.add_track(song, regions=region, model=model, seed=seed, role=ROLES[seed % len(ROLES)]), first

    def varied(song: Score, first: int, seed: int) -> tuple[Score, int]:
        track = kept_track(song, first)
        return generation.vary(song, [sm.bars(first, first + BARS - 1)], tracks=[track], model=model, seed=seed), first

    def busier(song: Score, first: int, seed: int) -> tuple[Score, int]:
        track = kept_track(song, first)
        return generation.make_busier(
            song, [sm.bars(first, first + BARS - 1)], tracks=[track], model=model, seed=seed
        ), first

    def rewritten(song: Score, first: int, seed: int) -> tuple[Score, int]:
        return sm.infill(song, bars=(first, first + BARS - 1), model=model, seed=seed), first

    return {
        "continue": continued, "intro": begun, "accompany": accompanied, "add-track": added, "vary": varied,
        "busier": busier, "infill-all": rewritten,
    }  # fmt: skip


def drawn(old: Score, new: Score, first: int, task: str, title: str) -> Image.Image:
    """The new bars with four before and after them."""
    start = max(1, first - AROUND)
    part = within(new, start, first + BARS + AROUND)
    lines = part.bars(part.end + 1)
    span = [lines[min(at - start, len(lines) - 1)] for at in (first, first + (BARS // 2 if task == "intro" else BARS))]
    onset, track = part.notes["onset"], part.notes["track"]
    is_new = (onset >= span[0]) & (onset < span[1])
    if task == "accompany":
        is_new = track != kept_track(old, middle(old))
    elif task == "add-track":
        is_new &= track == len(old.tracks)
    elif task in ("vary", "busier"):
        is_new &= track == kept_track(old, first)
    region = None if task == "accompany" else tuple(part.seconds(span).tolist())
    return roll(part, is_new, region, title, WIDTH)


def main() -> None:
    asked = arguments("store", "model", ("folder", Path), tasks=str, samples=10)
    store, all_tasks = NoteStore(asked.store), tasks(asked.model)
    songs = []
    for piece in [*store.splits["validation"].tolist(), *store.splits["test"].tolist()]:
        music = store.music(piece)
        if len(music.bars()) >= 2 * AROUND + BARS + 1 and len(np.unique(music.notes["track"])) > 2:
            songs.append((store.piece(piece).source, music))
    asked.folder.mkdir(parents=True, exist_ok=True)
    for task in asked.tasks.split(",") if asked.tasks else all_tasks:
        rolls = []
        for seed in tqdm(range(asked.samples), desc=task):
            name, song = songs[seed % len(songs)]
            title = f"{seed + 1}: {Path(name).stem}"
            try:
                new, first = all_tasks[task](song, middle(song), seed)
            except SymbolicMusicError as error:
                print(f"{task} {title}: {error}")
                continue
            rolls.append(drawn(song, new, first, task, title))
        paged(rolls, COLUMNS).quantize(64).save(asked.folder / f"{task}.png", optimize=True)


if __name__ == "__main__":
    main()
