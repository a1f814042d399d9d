from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symbolic_music.evaluation.likelihood_baselines import NAMES, Baselines, events_of
from symbolic_music.models import AnticipatoryConfig, AnticipatoryTransformer, Card, Model, save_model
from symbolic_music.score import Score, note_table
from tests.training.tiny_runs import grid_file


def tune(pitches: list[int], length: int = 240) -> Score:
    return Score(notes=note_table([(length * i, length, pitch) for i, pitch in enumerate(pitches)]))


def walk(seed: int, count: int = 120) -> list[int]:
    """A random walk by whole tones."""
    return (60 + np.clip(np.cumsum(np.random.default_rng(seed).choice([-2, 2], count)), -20, 20)).tolist()


def test_events_are_gaps_notes_and_lengths_in_twelfths() -> None:
    score = Score(notes=note_table([(0, 480, 60), (0, 240, 64), (160, 100_000, 36, 90, 0, 9)]))
    assert events_of(score) == [(0, 60, 12), (0, 64, 6), (4, 128 * 128 + 36, 192)]


def test_costs_are_probabilities() -> None:
    baselines = Baselines([tune(walk(0, 30))])
    # The last note may be any: over all pitches and instruments its probability adds up to one.
    total = 0.0
    start = walk(1, 5)
    before = {name: found.nats for name, found in baselines.likelihoods(tune(start)).items()}
    same = baselines.likelihoods(tune([*start, 60]))
    assert set(same) == set(NAMES)
    cost_of_rest = None
    for pitch in range(128):
        nats = baselines.likelihoods(tune([*start, pitch]))["markov"].nats - before["markov"]
        total += math.exp(-nats)
        cost_of_rest = nats
    assert cost_of_rest is not None
    # Gap and length cost a little too, and other instruments take a share.
    assert 0.5 < total <= 1


def test_what_goes_in_steps_is_cheaper_by_steps() -> None:
    found = Baselines(tune(walk(seed)) for seed in range(20)).likelihoods(tune(walk(99)))
    assert found["markov"].per_note < 0.6 * found["unigram"].per_note
    # Each note is one of two.
    assert found["markov"].per_note == pytest.approx(math.log(2), abs=0.3)
    assert found["markov"].notes == 120
    assert found["markov"].seconds == 30


def test_what_comes_back_is_cheaper_by_copying() -> None:
    rng = np.random.default_rng(5)
    themes = [rng.integers(40, 90, 24).tolist() for _ in range(12)]
    baselines = Baselines(tune(theme * 4) for theme in themes[:10])
    again, never = tune(themes[11] * 4), tune(rng.integers(40, 90, 96).tolist())
    found, other = baselines.likelihoods(again), baselines.likelihoods(never)
    assert found["copy"].per_note < 0.6 * found["markov"].per_note
    assert other["copy"].per_note == pytest.approx(other["markov"].per_note, rel=0.15)


def test_the_verb_tells_them_beside_a_model(tmp_path: Path, run: Callable[..., Any]) -> None:
    run("prepare", "chorales", grid_file(tmp_path), "-o", tmp_path / "store")
    network = AnticipatoryTransformer(AnticipatoryConfig(width=16, layers=1, heads=2, hidden=32)).eval()
    save_model(Model(network, Card("tiny", 1, "none", "none")), tmp_path / "model")
    done = run("evaluate", tmp_path / "model", tmp_path / "store", "--baselines", "--json")
    found = json.loads(done.out)["baselines"]
    assert list(found) == list(NAMES)
    assert all(one["bits_per_second"] > 0 and one["nll_per_note"] > 0 for one in found.values())


def test_nothing_costs_nothing() -> None:
    assert all(found.nats == 0 for found in Baselines([]).likelihoods(Score()).values())
