"""A page of infills: original, model and copy of the bars before, side by side.

python benchmarks/infill_page.py STORE MODEL IMAGE [--songs 6] [--split validation] [--seed 0]

The first songs of a split, in each four bars of one track, chosen by the seed before anything is drawn; the region is
shaded, what is new stands out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from arguments import arguments
from PIL import Image
from roll_pages import paged, roll

import symbolic_music as sm
from symbolic_music import generation
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.evaluation.context import EditRegion, copy_before
from symbolic_music.generation import Region
from symbolic_music.score import Score

BARS, AROUND, WIDTH = 4, 4, 620


def region_of(score: Score, rng: np.random.Generator) -> EditRegion | None:
    """Four bars of a track with at least eight notes there, with four bars before and after them."""
    lines, onset = score.bars(), score.notes["onset"]
    for first in rng.permutation(np.arange(AROUND, max(AROUND, len(lines) - 2 * AROUND))).tolist():
        span = int(lines[first]), int(lines[first + BARS])
        inside = (onset >= span[0]) & (onset < span[1])
        tracks, counts = np.unique(score.notes["track"][inside], return_counts=True)
        full = tracks[counts >= 8]
        if len(full) and len(tracks) > 2:
            return EditRegion(*span, (int(rng.choice(full)),))
    return None


def drawn(score: Score, region: EditRegion, title: str) -> Image.Image:
    """The region with the bars around it."""
    lines = score.bars()
    at = int(np.searchsorted(lines, region.first))
    times = score.seconds(
        [lines[at - AROUND], lines[min(at + BARS + AROUND, len(lines) - 1)], region.first, region.last]
    )
    start, end, first, last = times.tolist()
    part = score.clip(start, end)
    new = (part.onset_seconds >= first - start - 1e-6) & (part.onset_seconds < last - start - 1e-6)
    new &= np.isin(part.notes["track"], region.tracks)
    return roll(part, new, (first - start, last - start), title, WIDTH)


def main() -> None:
    asked = arguments("store", "model", ("image", Path), songs=6, split="validation", seed=0)
    model, store = sm.load_model(asked.model, device="cpu"), NoteStore(asked.store)
    rng, rolls = np.random.default_rng(asked.seed), list[Image.Image]()
    for piece in store.splits[asked.split].tolist():
        score = store[piece]
        region = region_of(score, rng)
        if region is None or len(rolls) == 3 * asked.songs:
            continue
        beats = [tick / score.ticks_per_quarter for tick in (region.first, region.last)]
        written = (
            generation.edit(score, [Region(*beats, "beats")], region.tracks, model, seed=asked.seed, best_of=None)
            .finish()[0]
            .score
        )
        name = score.tracks[region.tracks[0]].name.strip() or f"track {region.tracks[0]}"
        edits = {"original": score, "model": written, "copy": copy_before(score, region)}
        number = len(rolls) // 3 + 1
        rolls += [drawn(one, region, f"{number}: {name}, {title}") for title, one in edits.items()]
    paged(rolls, 3).quantize(128).save(asked.image, optimize=True)


if __name__ == "__main__":
    main()
