"""Variations of a piece that leave it music."""

from __future__ import annotations

import numpy as np
import pytest

from symbolic_music.corpora.windows import region_variation
from symbolic_music.corpora.windows.region_variation import varied
from symbolic_music.score import Score, Track, note_table
from symbolic_music.tokenizers.region.events import GridEvents, grid_events


def band() -> GridEvents:
    """Two guitars, a bass, and a kit with two kicks."""
    rows = [(480 * i, 480, 60 + i, 80, 25, 0, 0) for i in range(4)] + [
        (240 * i, 240, 60, 80, 25, 1, 1) for i in range(8)
    ]
    rows += [(480 * i, 480, 36, 80, 33, 2, 2) for i in range(4)]
    rows += [(480 * i, 60, drum, 90, 0, 9, 3) for i in range(4) for drum in (35, 36, 42)]
    tracks = (Track("A", 25), Track("B", 25), Track("Bass", 33), Track("Drums", 0, is_drum=True))
    return grid_events(Score(notes=note_table(sorted(rows)), tracks=tracks))


def always(monkeypatch: pytest.MonkeyPatch, one: str) -> None:
    for name in ("_OTHER_DRUMS", "_OCTAVE", "_MERGED"):
        monkeypatch.setattr(region_variation, name, 1.0 if name == one else 0.0)


def in_order(events: GridEvents) -> bool:
    keys = list(zip(events.time.tolist(), events.slot.tolist(), events.pitch.tolist(), strict=True))
    return keys == sorted(set(keys))


def test_drums_are_exchanged_in_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    always(monkeypatch, "_OTHER_DRUMS")
    plain, seen = band(), set()
    for seed in range(12):
        found = varied(plain, np.random.default_rng(seed))
        assert in_order(found)
        assert found.pitch[~found.is_drum].tolist() == plain.pitch[~plain.is_drum].tolist()
        drums = found.pitch[found.is_drum]
        assert len(drums) == 12
        seen.add(tuple(sorted(set(drums.tolist()))))
    assert seen == {(35, 36, 42), (35, 36, 44)}


def test_one_track_moves_by_an_octave(monkeypatch: pytest.MonkeyPatch) -> None:
    always(monkeypatch, "_OCTAVE")
    plain, moves = band(), set()
    for seed in range(20):
        found = varied(plain, np.random.default_rng(seed))
        for slot in range(4):
            moves |= {(slot, int(step)) for step in np.unique((found.pitch - plain.pitch)[plain.slot == slot])}
        assert (found.pitch != plain.pitch).any(axis=0)
    assert {step for _, step in moves} == {-12, 0, 12}
    assert (3, 12) not in moves


def test_like_tracks_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    always(monkeypatch, "_MERGED")
    found = varied(band(), np.random.default_rng(0))
    assert in_order(found)
    assert len(np.unique(found.slot)) == 3
    # Both play C on the first beat: the longer one stays.
    assert len(found) == len(band()) - 1
    guitars = found.instrument == 25
    assert found.duration[guitars & (found.time == 0)].tolist() == [60]
