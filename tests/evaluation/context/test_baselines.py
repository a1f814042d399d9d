from __future__ import annotations

import numpy as np

from symbolic_music.evaluation.context import Case, EditRegion, RandomBars, copy_before, evaluate, references, retrieve
from symbolic_music.evaluation.context.metrics import METRICS
from symbolic_music.evaluation.context.table import as_json, table
from symbolic_music.score import METER, Score, Track, note_table
from symbolic_music.transforms import transpose

BAR = 1920
# Roots of eight bars: bar 5 is the only one with the harmony of bar 2.
ROOTS = (0, 5, 7, 9, 2, 7, 4, 0)


def song(seed: int = 0, roots: tuple[int, ...] = ROOTS) -> Score:
    """A tune over chords: the tune is drawn from the chord, differently in each bar."""
    rng = np.random.default_rng(seed)
    rows = []
    for bar, root in enumerate(roots):
        chord = [root + step for step in (0, 4, 7)]
        rows += [(bar * BAR, BAR, 48 + pitch, 60, 0, 1, 1) for pitch in chord]
        rows += [(bar * BAR + 240 * i, 240, 72 + int(rng.choice(chord)), 80, 73, 0, 0) for i in range(8)]
        rows += [(bar * BAR + 480 * i, 60, 36 + 2 * (i % 2), 90, 0, 9, 2) for i in range(4)]
    tracks = (Track("Tune", 73), Track("Chords"), Track("Drums", is_drum=True))
    return Score(notes=note_table(rows), meters=np.array([(0, 4, 4)], METER), tracks=tracks)


def bar_of(score: Score, bar: int, track: int = 0) -> list[tuple[int, int]]:
    notes = score.notes[(score.notes["track"] == track) & (score.notes["onset"] // BAR == bar)]
    return list(zip((notes["onset"] % BAR).tolist(), notes["pitch"].tolist(), strict=True))


def test_the_bars_before_are_copied() -> None:
    score = song()
    found = copy_before(score, EditRegion(2 * BAR, 4 * BAR, (0,)))
    assert bar_of(found, 2) == bar_of(score, 0)
    assert bar_of(found, 3) == bar_of(score, 1)
    assert bar_of(found, 4) == bar_of(score, 4)
    assert bar_of(found, 2, 1) == bar_of(score, 2, 1)


def test_a_first_bar_is_copied_from_after() -> None:
    assert bar_of(copy_before(song(), EditRegion(0, BAR, (0,))), 0) == bar_of(song(), 1)


def test_retrieval_finds_the_bar_with_the_same_harmony() -> None:
    found = retrieve(song(), EditRegion(2 * BAR, 3 * BAR, (0,)))
    assert bar_of(found, 2) == bar_of(song(), 5)


def test_what_is_pasted_ends_within_the_region() -> None:
    score = song()
    long = score.notes.copy()
    long["duration"][long["track"] == 0] = 5000
    found = copy_before(score.replace(notes=long), EditRegion(2 * BAR, 3 * BAR, (0,)))
    mine = EditRegion(2 * BAR, 3 * BAR, (0,)).of(found.notes)
    assert (mine["onset"] + mine["duration"]).max() == 3 * BAR


def test_random_bars_are_of_another_piece_and_the_same_each_time() -> None:
    score, other = song(), transpose(song(1), 11)
    write = RandomBars([score, other], seed=3)
    region = EditRegion(2 * BAR, 3 * BAR, (2,))
    assert write(score, region) == write(score, region)
    # Drums from drums.
    assert set(region.of(write(score, region).notes)["pitch"].tolist()) <= {36, 38}
    pitched = EditRegion(2 * BAR, 3 * BAR, (0,))
    sung = pitched.of(write(score, pitched).notes)
    assert len(sung)
    assert all(pitch in other.notes["pitch"] for pitch in sung["pitch"])
    assert set(sung["program"].tolist()) == {73}


def test_original_and_retrieval_are_above_random_in_every_metric() -> None:
    pieces = [transpose(song(i, ROOTS[i % 3 :] + ROOTS[: i % 3] + ROOTS), [0, 5, -4, 2, -1, 6][i]) for i in range(6)]
    cases = [
        Case(score, EditRegion(bar * BAR, (bar + 2) * BAR, (0,)), str(i))
        for i, score in enumerate(pieces)
        for bar in (6, 8)
    ]
    results = {name: evaluate(cases, write) for name, write in references(cases, seed=1).items()}
    rows = {row.metric.name: row for row in table(cases, results, ["random"])}
    for metric in METRICS:
        if metric.kind == "drums" or metric.better == "original":
            continue
        random = rows[metric.name].means["random"].value
        for name in ("original", "retrieval"):
            value = rows[metric.name].means[name].value
            assert value >= random if metric.better == "higher" else value <= random, (metric.name, name)
    assert rows["in_chord"].p["original", "random"] < 0.05
    assert rows["in_chord"].p["retrieval", "random"] < 0.05


def test_the_table_as_data() -> None:
    cases = [Case(song(i), EditRegion(2 * BAR, 4 * BAR, (0,)), str(i)) for i in range(3)]
    results = {name: evaluate(cases, write) for name, write in references(cases).items()}
    found = {row["metric"]: row for row in as_json(table(cases, results, ["copy"]))}
    row = found["pitched same_as_original: original"]
    assert (row["ours"], row["n"], row["pieces"]) == (1.0, 3, 3)
    assert set(row["p"]) == {"copy"}
    assert not any(name.startswith("drums") for name in found)
