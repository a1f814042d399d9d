from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symbolic_music.errors import EvaluationError
from symbolic_music.evaluation.distances import (
    SIZE,
    as_json,
    compare,
    discrepancy,
    discrepancy_p,
    embed,
    frechet,
    frechet_infinite,
)
from symbolic_music.score import Score, note_table
from symbolic_music.transforms import transpose

SCALE = np.array([0, 2, 4, 5, 7, 9, 11])


def tune(seed: int) -> Score:
    """A scale's notes in small steps and a few lengths, over a bass and a backbeat."""
    rng = np.random.default_rng(seed)
    lengths = rng.choice([240, 240, 480, 960], 60)
    onsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    degrees = np.clip(np.cumsum(rng.choice([-2, -1, -1, 1, 1, 2], 60)) + 14, 0, 27)
    pitches = 48 + 12 * (degrees // 7) + SCALE[degrees % 7]
    rows = [(int(o), int(n), int(p), 80, 0, 0, 0) for o, n, p in zip(onsets, lengths, pitches, strict=True)]
    beats = int(onsets[-1]) // 480
    rows += [(480 * i, 60, 36 if i % 2 == 0 else 38, 90, 0, 9, 1) for i in range(beats)]
    return transpose(Score(notes=note_table(sorted(rows))), int(rng.integers(-3, 4)))


def shuffled(score: Score, seed: int) -> Score:
    """The same pitches and lengths in another order."""
    rng = np.random.default_rng(seed)
    notes = score.notes.copy()
    mine = np.flatnonzero(notes["channel"] != 9)
    for name in ("pitch", "duration"):
        notes[name][mine] = rng.permutation(notes[name][mine])
    return score.replace(notes=notes)


def random(seed: int) -> Score:
    rng = np.random.default_rng(seed)
    return Score(
        notes=note_table([(int(t), 200, int(rng.integers(0, 128))) for t in np.sort(rng.integers(0, 20_000, 90))])
    )


def test_frechet_of_gaussians_is_the_formula() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(0, 1, (4000, 3)), rng.normal(0, 1, (4000, 3)) * [1, 2, 3] + [1, 0, 0]
    # Means 1 apart, deviations 0, 1 and 2 apart.
    assert frechet(one, other) == pytest.approx(1 + 0 + 1 + 4, rel=0.08)


def test_frechet_is_the_matrix_root() -> None:
    linalg = pytest.importorskip("scipy.linalg")
    rng = np.random.default_rng(1)
    one, other = rng.normal(0, 1, (50, 6)) @ rng.normal(0, 1, (6, 6)), rng.normal(1, 1, (40, 6))
    means = one.mean(axis=0) - other.mean(axis=0)
    covariances = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    root = linalg.sqrtm(covariances[0] @ covariances[1])
    wanted = means @ means + np.trace(covariances[0] + covariances[1] - 2 * np.real(root))
    assert frechet(one, other) == pytest.approx(float(wanted), rel=1e-9)
    assert frechet(other, one) == pytest.approx(float(wanted), rel=1e-9)


def test_a_set_is_no_way_from_itself() -> None:
    vectors = np.random.default_rng(2).normal(0, 1, (60, 5))
    assert frechet(vectors, vectors) == pytest.approx(0, abs=1e-9)
    # Subsets of a fifth are about 1.5 away.
    assert frechet_infinite(vectors, vectors).value == pytest.approx(0, abs=0.3)
    assert discrepancy(vectors, vectors) <= 0


def test_few_pieces_are_further_and_extrapolation_mends_it() -> None:
    rng = np.random.default_rng(3)
    reference, sample = rng.normal(0, 1, (4000, 10)), rng.normal(0, 1, (60, 10))
    biased, found = frechet(sample, reference), frechet_infinite(sample, reference)
    assert biased > 0.4
    assert abs(found.value) < biased / 2
    assert found.low <= found.value <= found.high
    assert found.r2 > 0.8


def test_the_discrepancy_of_one_distribution_is_nothing_and_its_p_is_not_small() -> None:
    rng = np.random.default_rng(4)
    one, other, apart = rng.normal(0, 1, (40, 4)), rng.normal(0, 1, (50, 4)), rng.normal(1, 1, (50, 4))
    assert abs(discrepancy(one, other)) < 0.02
    assert discrepancy_p(one, other, 200) > 0.05
    assert discrepancy(one, apart) > 0.1
    assert discrepancy_p(one, apart, 200) < 0.01


@pytest.mark.parametrize("bad", [np.zeros((2, 3)), np.zeros((5, 4)), np.full((5, 3), np.nan), np.zeros(5)])
def test_what_cannot_be_compared_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(EvaluationError):
        frechet(bad, np.zeros((5, 3)))


def test_too_few_are_not_extrapolated_from() -> None:
    with pytest.raises(EvaluationError, match="25"):
        frechet_infinite(np.random.default_rng(0).normal(0, 1, (10, 3)), np.zeros((5, 3)))


def test_the_embedding_does_not_hear_the_key_and_nothing_is_a_vector_too() -> None:
    one = embed(tune(0))
    assert one.shape == (SIZE,)
    moved = embed(transpose(tune(0), 2))
    height = np.abs(moved - one) > 1e-9
    # The mean pitch alone.
    assert height.sum() == 1
    assert embed(Score()).shape == (SIZE,)
    assert np.isfinite(embed(Score())).all()


def test_real_pieces_are_nearer_than_shuffled_and_these_than_random_ones() -> None:
    reference = np.stack([embed(tune(seed)) for seed in range(100, 160)])
    sets = {
        "real": [tune(seed) for seed in range(30)],
        "shuffled": [shuffled(tune(seed), seed) for seed in range(30)],
        "random": [random(seed) for seed in range(30)],
    }
    vectors = {name: np.stack([embed(score) for score in scores]) for name, scores in sets.items()}
    for distance in (frechet, discrepancy):
        found = {name: distance(table, reference) for name, table in vectors.items()}
        assert found["real"] < found["shuffled"] < found["random"]


def test_two_folders(tmp_path: Path, run: Callable[..., Any], mistake: Callable[..., str]) -> None:
    for name, write in (("a", tune), ("b", random)):
        (tmp_path / name).mkdir()
        for seed in range(4):
            write(seed).write(tmp_path / name / f"{seed}.mid")
    found = json.loads(run("compare", tmp_path / "a", tmp_path / "b", "--json").out)
    assert found["pieces"] == [4, 4]
    assert found["embedding"] == "features-96"
    assert found["frechet"] > 0.5
    assert found["frechet_infinite"] is None
    assert found["features"]["scale_consistency"][0]["mean"] == 1
    assert found["features"]["scale_consistency"][1]["mean"] < 0.8
    assert set(found["overlaps"]["pitch_range"]) == {
        "within_first",
        "within_second",
        "between",
        "overlap",
        "divergence",
    }
    same = json.loads(run("compare", tmp_path / "a", tmp_path / "a", "--json").out)
    assert same["frechet"] == pytest.approx(0, abs=1e-6)
    assert "Fréchet" in run("compare", tmp_path / "a", tmp_path / "b").out
    assert "pairs" not in same
    pairs = json.loads(run("compare", tmp_path / "a", tmp_path / "a", "--pairs", "--json").out)["pairs"]
    assert (pairs["note_f1"]["mean"], pairs["voice_errors"]["mean"], pairs["note_f1"]["n"]) == (1, 0, 4)
    assert (
        json.loads(run("compare", tmp_path / "b", tmp_path / "a", "--pairs", "--json").out)["pairs"]["note_f1"]["mean"]
        < 0.2
    )
    assert "4 pairs" in run("compare", tmp_path / "a", tmp_path / "b", "--pairs").out
    assert "folder" in mistake("compare", tmp_path / "a" / "0.mid", tmp_path / "b")
    (tmp_path / "c").mkdir()
    assert "no MIDI" in mistake("compare", tmp_path / "a", tmp_path / "c")
    for seed in range(3):
        tune(seed).write(tmp_path / "c" / f"other-{seed}.mid")
    assert "same name" in mistake("compare", tmp_path / "a", tmp_path / "c", "--pairs")


def test_pieces_without_notes_are_refused() -> None:
    with pytest.raises(EvaluationError, match="no notes"):
        compare([Score()] * 3, [tune(0)] * 3)
    with pytest.raises(EvaluationError, match="three"):
        compare([tune(0)], [tune(0)] * 3)


def test_sets_need_not_be_in_memory() -> None:
    one, other = [tune(seed) for seed in range(3)], [random(seed) for seed in range(3)]
    assert as_json(compare(iter(one), iter(other))) == as_json(compare(one, other))


def test_what_has_no_notes_or_is_no_midi_is_left_out_and_named(tmp_path: Path, run: Callable[..., Any]) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for seed in range(3):
            tune(seed).write(tmp_path / name / f"{seed} <é>.mid")
    Score().write(tmp_path / "a" / "nothing.mid")
    (tmp_path / "a" / "text.mid").write_text("hello")
    (tmp_path / "b" / "empty.mid").write_bytes(b"")
    done = run("compare", tmp_path / "a", tmp_path / "b", "--pairs", "--json", "--report", tmp_path / "page.html")
    found = json.loads(done.out)
    assert found["pieces"] == [3, 3]
    assert found["frechet"] == pytest.approx(0, abs=1e-6)
    why = {Path(path).name: reason for path, reason in found["left_out"].items()}
    assert why["nothing.mid"] == "no notes"
    assert set(why) == {"nothing.mid", "text.mid", "empty.mid"}
    page = (tmp_path / "page.html").read_text()
    assert page.count("<audio") == 6
    data = json.loads((tmp_path / "page.json").read_text())
    assert (data["n"], data["seed"]) == ("3, 3", 0)
    assert [section["title"] for section in data["sections"]] == [
        "Distances", "Features", "Overlap", "Pair by pair", "First pieces: generated", "First pieces: reference",
    ]  # fmt: skip
    assert "left out" in run("compare", tmp_path / "a", tmp_path / "b").out
