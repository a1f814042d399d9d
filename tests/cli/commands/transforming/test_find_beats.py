"""Bars for a performance."""

from __future__ import annotations

import json

import numpy as np
import pytest

from symbolic_music import read
from symbolic_music.score import Score, note_table


def test_a_performance_gets_bars(run, mistake, tmp_path) -> None:
    rows = [(600 * i + 300, 400, 60 - 24 * (i % 4 == 0), 80 + 20 * (i % 4 == 0)) for i in range(32)]
    take = Score(500, note_table(rows)).write(tmp_path / "take.mid")
    outcome = run("find-beats", take, "-o", tmp_path / "bars.mid", "--json")
    assert outcome.code == 0
    assert json.loads(outcome.out)["notes"] == 32
    before, after = read(take), read(tmp_path / "bars.mid")
    assert np.abs(before.onset_seconds - after.onset_seconds).max() < 0.003
    assert after.tempos["microseconds"][-1] == pytest.approx(600_000, rel=0.02)
    assert after.meters["numerator"][-1] == 4
    assert "2 to 12" in mistake("find-beats", take, "-o", tmp_path / "b.mid", "--meter", "1")
