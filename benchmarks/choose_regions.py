"""Choose the regions of `benchmarks/regions.json`: fixed places of test pieces at which any model is asked to edit.

python benchmarks/choose_regions.py CORPORA [--pitched 78] [--drums 22]

CORPORA holds lakh-subset (its index's test split) and pop909 (the last tenth by number). A region is four bars of one
track that has at least eight notes there and four in the bars before; four bars come before it and after it; a pitched
one is accompanied by another pitched track. Pieces whose bars are not those of their music are left out: at least four
fifths of their notes begin on a grid of sixteenths or triplets of eighths. POP909's bars are those of its annotations.
A piece has two regions at most, one of each kind. Of Lakh, verified files and others take turns.
"""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from arguments import arguments

from symbolic_music.evaluation.context.benchmark import prepared
from symbolic_music.evaluation.context.choosing_regions import choose_region, in_time
from symbolic_music.evaluation.context.region import Case
from symbolic_music.io import read
from symbolic_music.score import Score

BARS, SEED = 4, 20261129


def region_of(score: Score, drums: bool, rng: np.random.Generator) -> dict[str, Any] | None:
    """A region of one kind, at random; None where the piece has none."""
    region = choose_region(score, drums, rng, BARS)
    if region is None:
        return None
    first, _ = Case(score, region).bars
    (track,) = region.tracks
    return {
        "kind": "drums" if drums else "pitched",
        "bars": [first + 1, first + BARS],
        "ticks": [region.first, region.last],
        "tracks": [track],
        "program": score.tracks[track].program,
        "notes": int(region.mask(score.notes).sum()),
    }


def pop909_meters(score: Score, beats: Path) -> dict[str, Any] | None:
    """Shift and meters of a song of POP909 from its annotated beats; None where these are not a quarter apart."""
    table = np.loadtxt(beats)
    quarters = np.asarray(score.ticks(table[:, 0])) / score.ticks_per_quarter
    if np.abs(np.diff(quarters) - 1).max() > 0.05:
        return None
    shift = round((-quarters[0] % 1) * score.ticks_per_quarter)
    places = np.flatnonzero(table[:, 2])
    begin = round(float(quarters[0] + shift / score.ticks_per_quarter))
    ticks = (begin + places) * score.ticks_per_quarter
    counts = np.diff(places).tolist()
    counts.append(counts[-1])
    meters = [[0, 4, 4]]
    for tick, count in zip(ticks.tolist(), counts, strict=True):
        regular = meters[-1][1] == count and (tick - meters[-1][0]) % (count * score.ticks_per_quarter) == 0
        if tick == 0:
            meters = [[0, count, 4]]
        elif not regular:
            meters.append([tick, count, 4])
    return {"shift": shift, "meters": meters}


def lakh(root: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Test pieces, verified ones and others in turn."""
    rows = [row for row in csv.DictReader((root / "index.csv").open()) if row["split"] == "test"]
    rng = np.random.default_rng(SEED)
    by = [[row for row in rows if row["lmd_verified"] == flag] for flag in ("1", "0")]
    for one in by:
        rng.shuffle(one)
    order = [row for pair in zip(*by, strict=False) for row in pair]
    return [
        (
            root / row["file"],
            {"corpus": "lakh-subset", "md5": Path(row["file"]).stem, "verified": int(row["lmd_verified"])},
        )
        for row in order
    ]


def pop909(root: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The last tenth by number, in random order."""
    numbers = sorted(path.stem for path in (root / "midi").glob("*.mid"))
    test = numbers[round(len(numbers) * 0.9) :]
    out = []
    for number in np.random.default_rng(SEED).permutation(test).tolist():
        path = root / "midi" / f"{number}.mid"
        md5 = hashlib.md5(path.read_bytes()).hexdigest()
        meters = pop909_meters(read(path), root / "annotations" / number / "beat_midi.txt")
        if meters is not None:
            out.append((path, {"corpus": "pop909", "md5": md5, "verified": 0, **meters}))
    return out


def chosen(pieces: list[tuple[Path, dict[str, Any]]], drums: bool, count: int) -> list[dict[str, Any]]:
    """The first so many pieces that have a region of a kind."""
    out: list[dict[str, Any]] = []
    for path, facts in pieces:
        if len(out) == count:
            break
        score = prepared(read(path), facts)
        if in_time(score):
            rng = np.random.default_rng([SEED, int(facts["md5"][:8], 16), drums])
            found = region_of(score, drums, rng)
            if found is not None:
                out.append({**facts, **found})
    return out


def main() -> None:
    asked = arguments(("corpora", Path), pitched=78, drums=22)
    songs = lakh(asked.corpora / "lakh-subset")
    of_pop = round(asked.pitched * 0.4)
    pitched = chosen(songs, False, asked.pitched - of_pop) + chosen(pop909(asked.corpora / "pop909"), False, of_pop)
    drums = chosen(songs, True, asked.drums)
    # Mixed, so that the first few are a fair sample.
    regions = pitched + drums
    order = np.random.default_rng(SEED).permutation(len(regions)).tolist()
    document = {
        "name": "regions",
        "command": "python benchmarks/choose_regions.py CORPORA",
        "seed": SEED,
        "bars": BARS,
        "n": len(regions),
    }
    rows = ",\n".join("  " + json.dumps(regions[i]) for i in order)
    head = json.dumps(document, indent=1)[:-2]
    (Path(__file__).parent / "regions.json").write_text(f'{head},\n "regions": [\n{rows}\n ]\n}}\n')
    print({kind: sum(one["kind"] == kind for one in regions) for kind in ("pitched", "drums")})


if __name__ == "__main__":
    main()
