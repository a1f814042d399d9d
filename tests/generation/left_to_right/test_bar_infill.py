"""Whole bars written by tiny models of REMI and compound ids, which only go on from left to right."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from symbolic_music import generation, infill, tokenizers
from symbolic_music.errors import OptionError, RegionError
from symbolic_music.generation import Limits, Region, bars
from symbolic_music.generation.decoding.compound_sampler import field_names
from symbolic_music.generation.left_to_right.bar_infill import BarInfilling
from symbolic_music.models import Card, Model, registry
from symbolic_music.score import METER, Score, Track, note_table
from tests.generation.untouched import check

MIDITOK = {"preset": "miditok", "use_programs": True}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "remi": ("remi", {}),
    "remi-miditok": ("remi", MIDITOK),
    "compound": ("compound", {}),
    "compound-miditok": ("compound", MIDITOK),
}
# Three quarters and four, in ticks: bars 1 to 5, of which the last has no onset.
LINES = (0, 300, 600, 1000, 1400, 1800)
ALL = [0, 1, 2, 3]


def model_of(name: str, **options: Any) -> Model:
    """Random weights, and a liking for bars and positions, so that bars are short but not empty."""
    tokenizer = tokenizers.get(name, **options)
    vocabulary = tokenizer.vocabulary
    torch.manual_seed(0)
    if len(vocabulary.sizes) == 1:
        shape: dict[str, Any] = {"vocabulary": vocabulary.sizes[0], "width": 16, "embedding": 8, "layers": 1}
        network = registry.get("lstm").build(shape)
        heads = [network.out]
    else:
        sizes = vocabulary.sizes
        shape = {"width": 16, "layers": 1, "heads": 2, "hidden": 16, "window": 64, "sizes": sizes}
        leading = field_names(vocabulary).index("family")
        network = registry.get("compound-transformer").build(shape | {"widths": (4,) * len(sizes), "leading": leading})
        heads = list(network.heads)
    for names, head in zip(vocabulary.fields, heads, strict=True):
        for i, one in enumerate(names):
            head.bias.data[i] += {"Bar": 2.0, "Position": 1.0, "Tempo": -5.0}.get(one.partition("_")[0], 0.0)
    return Model(network.eval(), Card("tiny", 1, "", ""), tokenizer=tokenizer)


@cache
def model(kind: str) -> Model:
    name, options = KINDS[kind]
    return model_of(name, **options)


@pytest.fixture
def song() -> Score:
    """Two bars of 3/4, three of 4/4, 100 ticks a quarter: two flutes, a bass, drums; notes off any tokenizer's grid."""
    rows = [(start + 1, 77, 60 + i, 51 + i, 73, 0, 0) for i, start in enumerate(range(0, 1400, 100))]
    rows += [(start + 3, 150, 72 + i, 61, 73, 1, 1) for i, start in enumerate(range(0, 1400, 200))]
    rows += [(start, 290, 40, 71, 32, 2, 2) for start in LINES[:4]]
    rows += [(1300, 500, 43, 71, 32, 2, 2)]
    rows += [(start + 2, 10, 36, 99, 0, 9, 3) for start in range(0, 1400, 50)]
    return Score(
        notes=note_table(sorted(rows, key=lambda row: (row[0], row[6]))),
        meters=np.array([(0, 3, 4), (600, 4, 4)], METER),
        tracks=(Track("Flute", 73), Track("Flute 2", 73), Track("Bass", 32), Track("Kit", 0, is_drum=True)),
        ticks_per_quarter=100,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("first", "last"), [(1, 1), (2, 3), (4, 4), (5, 5), (1, 5)])
def test_whole_bars_are_written_and_all_else_stays(song: Score, kind: str, first: int, last: int) -> None:
    span = LINES[first - 1], LINES[last]
    found = generation.edit(song, [bars(first, last)], None, model(kind), seed=1, count=2, allow_empty=True).finish()
    assert [one.number for one in found] == [0, 1]
    assert sum(len(one.notes) for one in found) > 0
    for one in found:
        check(song, one, [span], ALL)
        assert one.complete
        assert len(one.score.tracks) == len(song.tracks)
        assert one.log_likelihood < 0 or not len(one.notes)


@pytest.mark.parametrize("kind", KINDS)
def test_every_bar_of_the_region_is_written(song: Score, kind: str) -> None:
    found = generation.edit(song, [bars(2, 4)], ALL, model(kind), seed=3, count=9, allow_empty=True).finish()
    onsets = np.concatenate([one.notes["onset"] for one in found])
    assert set(np.searchsorted(LINES, onsets, side="right").tolist()) == {2, 3, 4}
    scores = [one.log_likelihood for one in found]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_repeats(song: Score, kind: str) -> None:
    first, again, other = (infill(song, *seconds(song, 2, 3), None, model(kind), seed=s) for s in (5, 5, 50))
    assert first == again
    assert first != other


def seconds(score: Score, first: int, last: int) -> tuple[float, float]:
    start, end = score.seconds([LINES[first - 1], LINES[last]]).tolist()
    return start, end


@pytest.mark.parametrize("kind", ["remi", "compound"])
@pytest.mark.parametrize("most", [True, False])
def test_what_follows_chooses_the_candidate(monkeypatch, song: Score, kind: str, most: bool) -> None:
    one = model(kind)
    plain, pitch_of = one.network.forward, {"remi": 0, "compound": 2}[kind]
    names = one.tokenizer.vocabulary.fields[pitch_of]
    is_pitch = torch.tensor([name.startswith("Pitch") for name in names])

    def rigged(ids: torch.Tensor) -> Any:
        # One that is sure of what follows as far as there are many notes, or few.
        logits = plain(ids)
        pitches = is_pitch[ids.reshape(ids.shape[1], -1)[:, pitch_of]].sum()
        after = torch.cat([ids[:, 1:], ids[:, -1:]], 1)
        sure = 0.1 * float(pitches if most else -pitches)
        fields = logits if isinstance(logits, tuple) else (logits,)
        columns = after.reshape(*after.shape[:2], -1)
        told = [
            f.scatter_add(2, columns[..., i : i + 1], torch.full((*after.shape[:2], 1), sure))
            for i, f in enumerate(fields)
        ]
        return tuple(told) if isinstance(logits, tuple) else told[0]

    every = [BarInfilling(song, [(300, 600)], None, one, seed=s, candidates=1).finish()[0] for s in range(2, 6)]
    monkeypatch.setattr(one.network, "forward", rigged)
    chosen = BarInfilling(song, [(300, 600)], None, one, seed=2).finish()[0]
    counts = [len(alternative.notes) for alternative in every]
    assert len(set(counts)) > 1
    assert len(chosen.notes) == (max if most else min)(counts)
    assert chosen.score in [alternative.score for alternative in every]


def test_notes_are_told_when_the_best_are_known(song: Score) -> None:
    writing = generation.edit(song, [bars(2, 3)], None, model("remi"), seed=1, count=2)
    told = list(writing.stream())
    assert len(told) == sum(len(one.notes) for one in writing.results()) > 0
    assert {note.alternative for note in told} == {0, 1}
    assert writing.done == 1


def test_an_interrupt_keeps_the_candidates_that_are_drawn(monkeypatch, song: Score) -> None:
    writing = BarInfilling(song, [(300, 600)], None, model("remi"), seed=1, count=3)
    assert writing.results() == []
    plain, calls = writing._notes, []

    def interrupted(ids: list[Any]) -> Any:
        calls.append(ids)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return plain(ids)

    monkeypatch.setattr(writing, "_notes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(writing.stream())
    found = writing.results()
    assert [one.complete for one in found] == [False, False]
    for one in found:
        check(song, one, [(300, 600)], ALL)


def test_a_bar_without_end_is_ended(monkeypatch, song: Score) -> None:
    monkeypatch.setattr("symbolic_music.generation.left_to_right.bar_infill._MOST_IDS_A_BAR", 5)
    written = generation.edit(song, [bars(2, 4)], None, model("remi"), seed=1).finish()[0]
    assert len(written.notes) <= 3 * 2
    check(song, written, [(300, 1400)], ALL)


@pytest.mark.parametrize("region", [Region(0.5, 2.0), Region(1, 4, "beats"), Region(2.5, 4, "bars")])
def test_parts_of_bars_are_refused(song: Score, region: Region) -> None:
    with pytest.raises(RegionError, match="one region of whole bars, in all tracks: use --at bars:"):
        generation.edit(song, [region], None, model("remi"))


def test_some_tracks_or_several_regions_are_refused(song: Score) -> None:
    for regions, tracks in (([bars(2)], [0, 1]), ([bars(1), bars(3)], None)):
        with pytest.raises(RegionError, match="one region of whole bars, in all tracks"):
            generation.edit(song, regions, tracks, model("compound"))


def test_meters_that_the_ids_do_not_know_are_refused(song: Score) -> None:
    odd = song.replace(meters=np.array([(0, 17, 4)], METER))
    with pytest.raises(RegionError, match="lacks the meters"):
        generation.edit(odd, [bars(1)], None, model("remi"))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("performance", {}),
        ("remi", {"preset": "original"}),
        ("remi", {"preset": "miditok"}),
        ("remi", MIDITOK | {"use_rests": True}),
    ],
)
def test_ids_without_bars_of_all_tracks_are_refused(song: Score, name: str, options: dict[str, Any]) -> None:
    with pytest.raises(
        OptionError, match=r"only supports continuation.* REMI or compound ids .* all tracks in one sequence"
    ):
        generation.edit(song, [bars(2)], None, model_of(name, **options))


def test_limits_and_other_edits_are_refused(song: Score) -> None:
    with pytest.raises(OptionError, match="cannot keep to limits"):
        generation.edit(song, [bars(2)], None, model("remi"), limits=Limits(lowest=60))
    with pytest.raises(OptionError, match="only supports continuation"):
        generation.edit(song, [bars(2)], None, model("remi"), verb="revoice")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("track", [0, 3])
def test_instruments_are_those_of_the_piece(song: Score, kind: str, track: int) -> None:
    alone = song.replace(notes=song.notes[song.notes["track"] == track])
    found = generation.edit(alone, [bars(2, 3)], [track], model(kind), seed=1, count=4, allow_empty=True).finish()
    assert any(len(one.notes) for one in found)
    for one in found:
        check(alone, one, [(300, 1000)], [track])
        assert one.score.tracks == song.tracks
