"""What is better music ranks higher: real, trained, early checkpoint, shuffled, random."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from symbolic_music import generation
from symbolic_music.corpora.preparation.pipeline import prepare
from symbolic_music.evaluation.context import Case, EditRegion, Write, evaluate, original, with_notes
from symbolic_music.models import load_model
from symbolic_music.score import NOTE, Score, note_table
from symbolic_music.training.config import parse_config
from symbolic_music.training.trainer import train
from tests.evaluation.context.test_baselines import BAR, song
from tests.training.data.test_store_regions import MODEL

# 1 or about 1 of an edit that fits its piece, each of them better when higher.
FIT = ("on_grid", "in_chord", "likeness_rhythm", "density_kept", "in_range")
ROOTS = np.array([0, 5, 7, 9, 2, 7, 4, 0])


def piece(seed: int) -> Score:
    """Sixteen bars: the harmonies of the tests of references in another order, twice."""
    roots = np.random.default_rng(seed).permutation(ROOTS).tolist()
    return song(seed, tuple(roots * 2))


def trained(folder: Path, steps: int) -> Path:
    tree = {
        "name": f"steps-{steps}",
        "out": str(folder),
        "evaluate_every": steps,
        "checkpoint_every": steps,
        "model": MODEL,
        "data": {"kind": "regions", "stores": {str(folder / "store"): 1.0}, "validation_sequences": 2},
        "optim": {"steps": steps, "batch": 4, "warmup": 1, "muon": 0.02, "learning_rate": 3e-3, "average": 0.9},
    }
    return train(parse_config(tree)).folder


def by(folder: Path) -> Write:
    """As a model writes."""
    model = load_model(folder)

    def write(score: Score, region: EditRegion) -> Score:
        beats = (region.first / score.ticks_per_quarter, region.last / score.ticks_per_quarter)
        where = [generation.Region(*beats, "beats")]
        return generation.edit(score, where, region.tracks, model, allow_empty=True).finish()[0].score

    return write


def shuffled(score: Score, region: EditRegion) -> Score:
    """As many notes of the track, of all its pitches and lengths, in the region, out of time."""
    rng = np.random.default_rng(region.first)
    own = score.notes[np.isin(score.notes["track"], region.tracks)]
    notes = rng.choice(own, int(region.mask(score.notes).sum()), replace=False)
    notes["onset"] = rng.integers(region.first, region.last, len(notes))
    return with_notes(score, region, np.sort(notes, order="onset"))


def random(score: Score, region: EditRegion) -> Score:
    """Any notes."""
    rng = np.random.default_rng(region.first)
    rows = [(int(t), 120, int(rng.integers(128)), 80, 73, 0, region.tracks[0])
            for t in np.sort(rng.integers(region.first, region.last, int(rng.integers(1, 64))))]  # fmt: skip
    return with_notes(score, region, note_table(rows).astype(NOTE))


def fit(cases: Sequence[Case], write: Write) -> float:
    """The mean of `FIT` over the regions that have it, and over the metrics.

    Bars that are more alike in rhythm and pitch than the original's are no better: one more metric is the nearness of
    that likeness to the original's.
    """
    rows = evaluate(cases, write)
    alike, own = (np.mean([row["likeness_rhythm_pitch"] for row in some]) for some in (rows, evaluate(cases, original)))
    return float(np.mean([*(np.nanmean([row[name] for row in rows]) for name in FIT), 1 - abs(alike - own)]))


def test_real_trained_early_shuffled_and_random_edits_rank_in_this_order(tmp_path: Path) -> None:
    (tmp_path / "songs").mkdir()
    for seed in range(30):
        piece(seed).write(tmp_path / "songs" / f"{seed}.mid")
    prepare("folder", tmp_path / "songs", tmp_path / "store", splits="80/10/10")
    cases = [Case(piece(seed), EditRegion(6 * BAR, 8 * BAR, (0,)), str(seed)) for seed in range(100, 112)]
    early, late = (by(trained(tmp_path, steps)) for steps in (2, 120))
    found = [fit(cases, write) for write in (original, late, early, shuffled, random)]
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 5
    # Both checkpoints keep to what their track does elsewhere, which shuffled notes do not.
    assert found[2] > found[3] + 0.1 > found[4] + 0.2
