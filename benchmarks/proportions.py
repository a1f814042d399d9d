"""The proportions of the bands of a corpus, from which those of new bands are taken.

They stand in `generation/sessions/proportion.py` and `generation/decoding/habits.py`.

python benchmarks/proportions.py STORE [--songs 1500] [--split train] [--name proportions]

Sixteen bars of each song. How many of its parts begin notes in a bar, how many notes those are, and how many sound at
once, by the number of parts; in how many bars parts play, and how many notes such a bar has, in the median; of basses,
at which intervals the highest part sounds above them, and how much likelier in nats a pitch class is for each interval
that sounds above it, by a logistic regression with the logarithm of the piece's pitch classes beside it.
"""

from __future__ import annotations

import numpy as np
from arguments import arguments
from band_measures import BASSES, thickness
from numpy.typing import NDArray
from result_file import row, write_result

from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.score import Score

BARS, MOST_PARTS, FEWEST_NOTES = 16, 14, 60
GROUPS = ((3, 4), (5, 6), (7, 8), (9, MOST_PARTS))
INTERVALS = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "b6", "6", "b7", "7")
NEWTON_STEPS, A_SONG = 10, 40
Floats = NDArray[np.float64]


def kind(score: Score, track: int) -> str:
    """Drums, basses, pianos and guitars, or others."""
    program = score.tracks[track].program
    if score.tracks[track].is_drum:
        return "drums"
    return "basses" if program in BASSES else "pianos and guitars" if program // 8 in (0, 3) else "others"


def above_basses(score: Score, lines: NDArray[np.int64], random: np.random.Generator) -> list[tuple[Floats, ...]]:
    """Of some notes of basses: classes that sound above in the highest part and in all others, and those of the piece.

    Intervals count from the bass. The last is the bass's own class.
    """
    notes = score.notes[(score.notes["onset"] >= lines[0]) & (score.notes["onset"] < lines[-1])]
    kinds = np.array([kind(score, track) for track in range(len(score.tracks))])[notes["track"]]
    bass, others = notes[kinds == "basses"], notes[(kinds != "basses") & (kinds != "drums")]
    tracks, counts = np.unique(others["track"], return_counts=True)
    if len(bass) < A_SONG or not (counts >= BARS).any():
        return []
    heights = [others["pitch"][others["track"] == track].mean() for track in tracks[counts >= BARS]]
    melody = tracks[counts >= BARS][int(np.argmax(heights))]
    of_piece = np.bincount(others["pitch"] % 12, minlength=12) + 1.0
    start = others["onset"].astype(np.int64) - score.ticks_per_quarter // 16
    end = others["onset"].astype(np.int64) + others["duration"]
    found = []
    for note in random.choice(bass, A_SONG, replace=False):
        sounds = (start <= note["onset"]) & (end > note["onset"])
        own = int(note["pitch"]) % 12
        masks = (sounds & (others["track"] == melody), sounds)
        lead, every = (np.bincount(others["pitch"][one] % 12, minlength=12) > 0 for one in masks)
        found.append(
            (np.roll(lead, -own).astype(float), every.astype(float), of_piece / of_piece.sum(), np.array([own]))
        )
    return found


def regression(sounds: Floats, of_piece: Floats, own: NDArray[np.int64]) -> tuple[Floats, float]:
    """Weights (13,) of the twelve intervals and of the piece's classes, and how often the likeliest class is right."""
    columns = [np.roll(sounds, -c, axis=1) for c in range(12)]
    features = np.stack([np.column_stack([columns[c], np.log(of_piece[:, c])]) for c in range(12)], axis=1)
    weights, places = np.zeros(13), np.arange(len(own))
    for _ in range(NEWTON_STEPS):
        p = np.exp(features @ weights)
        p /= p.sum(axis=1, keepdims=True)
        mean = np.einsum("nc,nck->nk", p, features)
        curvature = np.einsum("nc,nck,ncj->kj", p, features, features, optimize=True) - mean.T @ mean
        weights += np.linalg.lstsq(curvature, (features[places, own] - mean).sum(axis=0), rcond=1e-9)[0]
    # What all intervals have in common makes no pitch class likelier.
    weights[:12] -= weights[:12].mean()
    return weights, float(((features @ weights).argmax(axis=1) == own).mean())


def main() -> None:
    asked = arguments("store", songs=1500, split="train", name="proportions")
    store, random = NoteStore(asked.store), np.random.default_rng(3)
    thick = dict[int, list[dict[str, float]]]()
    plays, a_bar = dict[tuple[str, int], list[float]](), dict[tuple[str, int], list[float]]()
    basses, songs = list[tuple[Floats, ...]](), 0
    for piece in random.permutation(store.splits[asked.split])[: asked.songs].tolist():
        score = store.music(piece)
        all_lines = score.bars(score.end + 1)
        if len(all_lines) < 40:
            continue
        first = int(random.integers(12, len(all_lines) - BARS - 2))
        lines = all_lines[first : first + BARS + 1]
        notes = score.notes[(score.notes["onset"] >= lines[0]) & (score.notes["onset"] < lines[-1])]
        tracks = np.unique(notes["track"]).tolist()
        if not 3 <= len(tracks) <= MOST_PARTS or len(notes) < FEWEST_NOTES:
            continue
        songs += 1
        thick.setdefault(len(tracks), []).append(thickness(score, lines, kept=-1))
        group = next(i for i, (low, high) in enumerate(GROUPS) if low <= len(tracks) <= high)
        bars = np.searchsorted(lines, notes["onset"], side="right") - 1
        for track in tracks:
            own = np.bincount(bars[notes["track"] == track], minlength=BARS)
            plays.setdefault((kind(score, track), group), []).append(float((own > 0).mean()))
            a_bar.setdefault((kind(score, track), group), []).append(float(own[own > 0].mean()))
        basses += above_basses(score, lines, random)
    rows = []
    for parts, found in sorted(thick.items()):
        rows += [row(f"{parts} parts: {name}", float(np.mean([one[name] for one in found]))) for name in found[0]]
    for name, group in sorted(plays):
        named = f"{name}, of {GROUPS[group][0]} to {GROUPS[group][1]} parts"
        rows.append(row(f"{named}: bars in which it plays", float(np.mean(plays[name, group]))))
        rows.append(row(f"{named}: notes of such a bar", float(np.median(a_bar[name, group]))))
    lead, every, of_piece, own = (np.stack(column) for column in zip(*basses, strict=True))
    shares = (lead / np.maximum(lead.sum(axis=1, keepdims=True), 1)).sum(axis=0)
    weights, right = regression(every, of_piece, own[:, 0])
    for name, share, weight in zip(INTERVALS, shares / shares.sum(), weights[:12], strict=True):
        rows += [row(f"above a bass, {name}: share", share), row(f"above a bass, {name}: worth", weight, "nats")]
    rows.append(row("basses found by these: likeliest class is right", right))
    write_result(asked.name, f"{songs} songs, {len(basses)} notes of basses", rows)


if __name__ == "__main__":
    main()
