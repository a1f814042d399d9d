"""Infilling with models that only continue: SkyTNT's rows and Aria's performances, with tiny random networks."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

import symbolic_music as sm
from symbolic_music import tokenizers
from symbolic_music.errors import RegionError
from symbolic_music.generation import Region, edit
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.decoding.skytnt_sampler import Permitted, RowSampler
from symbolic_music.generation.left_to_right.aria_infill import AriaInfilling
from symbolic_music.generation.left_to_right.infill_for_model import infilling_of
from symbolic_music.generation.left_to_right.skytnt_infill import RowInfilling
from symbolic_music.generation.regions import spans_of
from symbolic_music.models import Card, Model
from symbolic_music.models.architectures.aria import Aria, AriaConfig
from symbolic_music.models.architectures.skytnt import SkyTnt, SkyTntConfig
from symbolic_music.score import Score
from symbolic_music.tokenizers.public.skytnt_vocabulary import BOS, EOS
from tests.corpora.example_stores import band, piano
from tests.generation.untouched import check_kept
from tests.models.token_models import lively


class Near(SkyTnt):
    """Random weights, and a liking for events a quarter apart."""

    def logits(self, states: torch.Tensor, first: int = 0, last: int | None = None) -> torch.Tensor:
        bias = torch.zeros(self.config.vocabulary)
        near = {3406: 9, 3239: 7}[self.config.vocabulary]
        bias[near : near + 128] = 8.0 - 2 * (torch.arange(128) - 1).abs()
        return super().logits(states, first, last) + bias[first:last]


@cache
def rows(preset: str = "v2", context: int = 256) -> Model:
    tokenizer = tokenizers.get("skytnt", preset=preset)
    config = SkyTntConfig(len(tokenizer.layout.names), context, 32, 1, 2, 24, 1, 1, 16)
    return Model(lively(Near(config), 0.2), Card("tiny", 1, "", ""), tokenizer=tokenizer)


@cache
def performances() -> Model:
    network = Aria(AriaConfig(context=512, width=32, layers=1, heads=2, hidden=24))
    return Model(lively(network, 0.2), Card("tiny", 1, "", ""), tokenizer=tokenizers.get("aria"))


@pytest.mark.parametrize("preset", ["v2", "v1"])
@pytest.mark.parametrize("tracks", [None, [1], [0, 2]])
def test_rows_fill_a_region_of_some_tracks(preset: str, tracks: list[int] | None) -> None:
    score = band(1, 150)
    region = Region(8, 14, "beats")
    found = edit(score, [region], tracks, rows(preset), seed=3, count=2).finish()
    assert len(found) == 2
    for one in found:
        check_kept(score, one, spans_of(score, [region]), tracks or [0, 1, 2])
        assert len(one.notes)
        assert np.isfinite(one.log_likelihood)
    assert found[0].log_likelihood >= found[1].log_likelihood


def test_new_notes_are_on_the_grid_and_as_loud_as_they_are_drawn() -> None:
    score = band(2, 150)
    spans = spans_of(score, [Region(8, 24, "beats")])
    one, again = (RowInfilling(score, spans, [0], rows(), seed=1, candidates=1).finish()[0] for _ in range(2))
    assert one.score == again.score
    assert (one.notes["onset"] % (score.ticks_per_quarter // 16) == 0).all()
    assert len(set(one.notes["velocity"].tolist())) > 1


def test_what_others_play_meanwhile_is_shown_in_its_place() -> None:
    """The rows that the network reads are the piece's: only those of the written track differ."""
    score = band(3, 150)
    session = RowInfilling(score, spans_of(score, [Region(8, 16, "beats")]), [1], rows(), seed=2, candidates=1)
    given: list[list[int]] = []
    feed = RowSampler.feed

    def heard(self: RowSampler, row: list[int]) -> None:
        given.append(list(row))
        feed(self, row)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RowSampler, "feed", heard)
        session.finish()
    grammar = rows().tokenizer.grammar
    assert grammar.violation([[BOS, *[0] * 7], *given]) is None
    arranged = rows().tokenizer.arranged(score)
    own, layout = arranged.places[1], rows().tokenizer.layout
    end = 16 * 16

    def others(found: list[list[int]]) -> list[tuple[int, ...]]:
        kept, quarter = [], 0
        for row in found:
            quarter += row[1] - layout.first["time1"]
            step = 16 * quarter + row[2] - layout.first["time2"]
            kind, values = layout.values(row)
            if step < end and (kind != "note" or (values["track"], values["channel"]) != own or step < end // 2):
                kept.append((step, row[0], *row[3:]))
        return kept

    assert sorted(others(given)) == sorted(others(arranged.rows))


def test_a_candidate_is_weighed_by_what_follows() -> None:
    score = band(4, 150)
    session = RowInfilling(score, spans_of(score, [Region(8, 12, "beats")]), None, rows(context=2048), candidates=3)
    fed: dict[int, list[tuple[int, list[int]]]] = {}
    feed_at = RowSampler.feed_at

    def kept(self: RowSampler, row: list[int], step: int) -> bool:
        fed.setdefault(id(self), []).append((step, row))
        return feed_at(self, row, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RowSampler, "feed_at", kept)
        best = session.finish()[0]
    assert len(fed) == 3
    after = [one for one, _ in session._found]
    assert best.log_likelihood == max(after)
    # By hand: each id of the rows that follow, given all before it.
    begun = [*fed.values()][after.index(max(after))]
    network, layout = rows(context=2048).network, rows().tokenizer.layout
    shown, quarter = [[BOS, *[0] * 7]], 0
    for step, row in [*begun, *session._future]:
        shown.append(
            [row[0], layout.first["time1"] + step // 16 - quarter, layout.first["time2"] + step % 16, *row[3:]]
        )
        quarter = step // 16
    ids = torch.tensor([shown])
    with torch.no_grad():
        logits = network(ids)
    total, notes = 0.0, 0
    for place in range(len(shown) - len(session._future), len(shown)):
        notes += shown[place][0] == layout.kinds["note"]
        for field in range(8):
            if shown[place][field]:
                total += float(logits[field][0, place - 1].log_softmax(-1)[shown[place][field]])
    assert total / notes == pytest.approx(best.log_likelihood, abs=1e-3)


def test_a_sampler_of_rows_keeps_to_what_is_permitted() -> None:
    sampler = RowSampler(rows(), Sampling(top_p=1.0), torch.Generator().manual_seed(0))
    layout = rows().tokenizer.layout
    kinds, places = frozenset({"note", "patch_change"}), frozenset({(1, 0), (2, 9)})
    for _ in range(40):
        row, step, log_probability = sampler.draw(Permitted(kinds, places, floor=37))
        kind, values = layout.values(row)
        assert kind in kinds
        assert (values["track"], values["channel"]) in places
        assert step >= 37
        assert log_probability < 0
        sampler.feed(row)
        assert sampler.now == step
    ended = [sampler.draw(Permitted(frozenset(), may_end=True))[0] for _ in range(2)]
    assert ended == [[EOS, *[0] * 7]] * 2


def test_performances_fill_a_region() -> None:
    score, model = piano(1, 200), performances()
    for region in (Region(5, 8, "seconds"), Region(0, 3, "seconds")):
        spans = spans_of(score, [region])
        found = [AriaInfilling(score, spans, None, model, seed=seed, candidates=1).finish()[0] for seed in range(2)]
        for one in found:
            check_kept(score, one, spans, [0])
            assert np.isfinite(one.log_likelihood)
        assert any(len(one.notes) for one in found)
    assert infilling_of(model) is AriaInfilling
    with pytest.raises(RegionError, match="one region at a time"):
        edit(score, [Region(5, 6), Region(10, 11)], None, model)
    with pytest.raises(RegionError, match="writes all tracks that it can play together"):
        edit(band(1, 60), [Region(2, 3)], [0], model)


def test_what_follows_a_performance_is_weighed_by_hand() -> None:
    score, model = piano(2, 120), performances()
    session = AriaInfilling(score, spans_of(score, [Region(2, 2.4, "seconds")]), None, model, candidates=1)
    one = session.finish()[0]
    parts = [session._past, session._found[0][1], session._future]
    ids, before = (session._ids(np.concatenate(parts[:count])) for count in (3, 2))
    assert ids[: len(before)].tolist() == before.tolist()
    after, ids = len(ids) - len(before), ids[-512:]  # of the context
    with torch.no_grad():
        logits = model.network(torch.from_numpy(ids[:-1]).long()[None])[0].log_softmax(-1)
    total = sum(float(logits[place - 1][ids[place]]) for place in range(len(ids) - after, len(ids)))
    assert total / len(session._future) == pytest.approx(one.log_likelihood, abs=1e-3)


def test_a_track_without_a_place_is_refused() -> None:
    score = band(1, 60)
    wider = score.replace(tracks=(*score.tracks, sm.Track("", 40)))
    with pytest.raises(RegionError, match="cannot write track 3: it has no notes"):
        edit(wider, [Region(2, 4, "beats")], [3], rows()).finish()
    assert isinstance(wider, Score)
