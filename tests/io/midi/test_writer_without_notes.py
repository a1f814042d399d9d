"""Scores without notes are written, and read as such."""

from __future__ import annotations

import numpy as np
import pytest

from symbolic_music.io import midi_bytes, parse_midi
from symbolic_music.score import TEMPO, Score, Track


@pytest.mark.parametrize("tracks", [(), (Track("A"),), (Track("A"), Track("Drums", is_drum=True))])
def test_a_score_without_notes_is_written(tracks: tuple[Track, ...]) -> None:
    score = Score(tempos=np.array([(0, 600_000)], TEMPO), tracks=tracks)
    found = parse_midi(midi_bytes(score))
    assert len(found.notes) == 0
    assert found.tempos["microseconds"].tolist() == [600_000]
