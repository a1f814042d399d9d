"""Continuations and pieces on request by models of rows, with a tiny random network."""

from __future__ import annotations

import numpy as np
import pytest

import symbolic_music as sm
from symbolic_music.errors import OptionError, RegionError
from symbolic_music.generation import Limits
from symbolic_music.generation.continuation import continuation
from symbolic_music.generation.left_to_right.skytnt_continuation import RowWriting
from symbolic_music.score import KEY, METER, TEMPO, Score, Track
from tests.corpora.example_stores import band
from tests.generation.left_to_right.test_skytnt_infill import rows


def test_a_piece_goes_on_in_its_tracks() -> None:
    score = band(1, 60)
    session = continuation(score, 4.0, rows(), seed=1, count=2)
    found = session.finish()
    for one in found:
        assert (one.score.notes[: len(score)] == score.notes).all()
        assert len(one.notes)
        # On the grid from the end of the piece on.
        assert one.notes["onset"].min() >= score.end
        assert one.score.duration <= score.duration + 4.0 + 1e-3
        assert set(one.notes["track"].tolist()) <= {0, 1, 2}
        assert (one.notes["onset"] % (score.ticks_per_quarter // 16) == 0).all()
        drums = one.notes["track"] == 2
        assert (one.notes["channel"] == np.where(drums, 9, 0)).all()
    assert not np.array_equal(found[0].notes, found[1].notes)
    assert session.done == 1


@pytest.mark.parametrize("preset", ["v2", "v1"])
def test_a_piece_is_begun_as_requested(preset: str) -> None:
    request = Score(
        480,
        tempos=np.array([(0, 600_000)], TEMPO),
        meters=np.array([(0, 6, 8)], METER),
        keys=np.array([(0, -3, 1)], KEY),
        tracks=(Track("", 33), Track("", 0, True), Track("", 40)),
    )
    score = sm.generate(request, 6.0, rows(preset), seed=2)
    assert len(score)
    assert score.tempos["microseconds"].tolist() == [600_000]
    if preset == "v2":
        assert score.meters[["numerator", "denominator"]].tolist() == [(6, 8)]
        assert score.keys[["sharps", "minor"]].tolist() == [(-3, 1)]
    played = {(score.tracks[t].program, score.tracks[t].is_drum) for t in set(score.notes["track"].tolist())}
    assert played <= {(33, False), (0, True), (40, False)}
    assert score.duration <= 6.0 + 1e-3


def test_the_rows_of_a_request_are_those_of_the_originals_page() -> None:
    request = Score(
        480,
        tempos=np.array([(0, 500_000)], TEMPO),
        meters=np.array([(0, 3, 4)], METER),
        keys=np.array([(0, 2, 0)], KEY),
        tracks=(Track("", 0), Track("", 25), Track("", 8, True)),
    )
    model = rows()
    made = [model.tokenizer.layout.values(row) for row in RowWriting(model, request, 1.0, None, 0, 1)._given.tolist()]
    assert made == [
        ("time_signature", {"time1": 0, "time2": 0, "track": 0, "nn": 2, "dd": 1}),
        ("key_signature", {"time1": 0, "time2": 0, "track": 0, "sf": 9, "mi": 0}),
        ("set_tempo", {"time1": 0, "time2": 0, "track": 0, "bpm": 120}),
        ("patch_change", {"time1": 0, "time2": 0, "track": 1, "channel": 0, "patch": 0}),
        ("patch_change", {"time1": 0, "time2": 0, "track": 2, "channel": 1, "patch": 25}),
        ("patch_change", {"time1": 0, "time2": 0, "track": 3, "channel": 9, "patch": 8}),
    ]


def test_without_a_prompt_the_model_chooses() -> None:
    score = sm.generate(None, 3.0, rows(), seed=3)
    assert score.duration <= 3.0 + 1e-3


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(RegionError, match="at most 15 instruments and one drum kit"):
        sm.generate(Score(tracks=(Track("", 0, True),) * 2), 1.0, rows())
    with pytest.raises(RegionError, match="do not have this meter"):
        sm.generate(Score(meters=np.array([(0, 33, 4)], METER)), 1.0, rows())
    with pytest.raises(OptionError, match="draws all ids of a row alike"):
        sm.generate(None, 1.0, rows(), {"pitch": sm.Sampling()})
    with pytest.raises(OptionError, match="cannot keep to limits"):
        sm.generate(None, 1.0, rows(), limits=Limits(lowest=60))
