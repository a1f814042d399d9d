"""Edits by a region model: parts of a span, habits of a track, limits."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from symbolic_music import generation, tokenizers
from symbolic_music.errors import OptionError
from symbolic_music.generation import Limits, Sampling, bars
from symbolic_music.generation.decoding.habits import (
    AlikeBars,
    Motif,
    Rhythm,
    habits_of,
    new_habits,
    paced,
    roots,
    sounding,
    tuned,
)
from symbolic_music.generation.decoding.region_alternative import RegionLine, _ending
from symbolic_music.generation.decoding.region_request import RegionRequest
from symbolic_music.generation.decoding.region_sampler import RegionSampler
from symbolic_music.generation.roles import ROLES
from symbolic_music.generation.sessions.region_habits import Elsewhere
from symbolic_music.models import Model
from symbolic_music.score import Score, Track, note_table
from symbolic_music.tokenizers.region.events import grid_events
from symbolic_music.tokenizers.region.rows import (
    ABOUT,
    ABOUT_GIVEN,
    DURATION,
    GAP_END,
    GAPS,
    KEY,
    KIND,
    LONGEST_GAP,
    SLOT,
    START,
    TRACK,
    VELOCITY,
)
from tests.generation.untouched import regional
from tests.tokenizers.region.test_pedal import pedalled


def song(length: int = 24) -> Score:
    """Bars of a bass in eighths on C and G, chords on beats 1 and 3, and a beat."""
    rows = []
    for bar in range(length):
        start = 1920 * bar
        rows += [(start + 240 * i, 200, 36 if i < 4 else 43, 90, 33, 1, 0) for i in range(8)]
        rows += [(start + 960 * i, 900, pitch, 70, 0, 0, 1) for i in range(2) for pitch in (60, 64, 67)]
        rows += [(start + 480 * i, 60, 36 if i % 2 == 0 else 38, 100, 0, 9, 2) for i in range(4)]
    tracks = (Track("Bass", 33), Track("Piano", 0), Track("Drums", 0, is_drum=True))
    return Score(notes=note_table(sorted(rows)), tracks=tracks)


def test_habits_of_a_part() -> None:
    time = np.array([0, 30, 60, 60, 90, 240, 270, 300, 330])
    found = habits_of(time, np.full(9, 25), np.array([36, 43, 36, 40, 36, 36, 43, 36, 43]), time // 240)
    assert found is not None
    assert np.flatnonzero(found.keys).tolist() == list(range(33, 47))
    assert np.flatnonzero(found.places).tolist() == [0, 30]
    assert np.flatnonzero(found.durations).max() == 25
    assert found.at_once == 1
    assert found.sounding == 2
    assert found.per_bar == 7
    assert found.longest_gap == 150
    assert habits_of(time[:5], np.full(5, 25), np.full(5, 60), time[:5] // 240) is None


def test_a_drum_kit_keeps_to_its_drums() -> None:
    time = np.arange(0, 600, 60)
    found = habits_of(time, np.full(10, 5), np.array([128 + 36, 128 + 38] * 5), time // 240)
    assert found is not None
    assert np.flatnonzero(found.keys).tolist() == [128 + 36, 128 + 38]


@pytest.mark.parametrize("track", [0, 1, 2])
def test_what_is_written_keeps_the_habits_of_its_track(track: int) -> None:
    score = song()
    written = generation.edit(score, [bars(9, 12)], [track], regional(), seed=2).finish()[0]
    own, new = score.notes[score.notes["track"] == track], written.notes
    assert len(new)
    assert set(new["track"].tolist()) == {track}
    margin = 0 if track == 2 else 3
    assert new["pitch"].min() >= own["pitch"].min() - margin
    assert new["pitch"].max() <= own["pitch"].max() + margin
    assert set((new["onset"] % 480).tolist()) <= set((own["onset"] % 480).tolist())
    _, together = np.unique(new["onset"], return_counts=True)
    assert together.max() <= np.unique(own["onset"], return_counts=True)[1].max()
    gaps = np.diff(np.unique(np.concatenate([[9 * 1920 - 1920], new["onset"], [12 * 1920]])))
    assert gaps.max() <= 2 * 1920, "a part that plays on does not fall silent"


def test_velocities_and_new_drums_have_their_own_sampling_where_none_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen, real = [], RegionSampler.__init__

    def noting(self: RegionSampler, network: Any, requests: Any, sampling: Sampling, seeds: Any, *fields: Any) -> None:
        seen.append((sampling, *fields))
        real(self, network, requests, sampling, seeds, *fields)

    monkeypatch.setattr(RegionSampler, "__init__", noting)
    asked = Sampling(temperature=0.3, top_p=0.5)
    for sampling in (None, asked):
        generation.edit(song(), [bars(5, 5)], [0], regional(), sampling=sampling, best_of=1).finish()
    assert [one.temperature for one in seen[0]] == [0.65, 1.0, 1.0]
    assert seen[1] == (asked, None, None)


def test_free_of_habits() -> None:
    score = song()
    kept, free = (
        generation.edit(score, [bars(5, 12)], [0], regional(), seed=2, limits=Limits(free=free)).finish()[0].notes
        for free in (False, True)
    )
    assert set((kept["onset"] % 240).tolist()) == {0}
    assert set((free["onset"] % 240).tolist()) - {0}


def test_harmony_is_shared_out_as_elsewhere() -> None:
    log_p = np.full(256, -np.inf)
    log_p[60:72] = -np.log(12)
    none = np.zeros(12)
    habits = habits_of(np.arange(0, 600, 60), np.full(10, 30), np.full(10, 60), np.arange(10) // 4)
    assert habits is not None
    habits = dataclasses.replace(habits, classes=none, harmony=np.array([92.0, 0.0, 0.0]))
    sounds = np.isin(np.arange(12), [0, 4, 7])
    with np.errstate(invalid="ignore"):
        found = np.exp(tuned(log_p, habits, sounds))
    assert found.sum() == pytest.approx(1)
    # Three of twelve keys are in the chord, and the nine others 185 times less common, to a power of 1.5 * 92 / 100.
    assert found[[60, 64, 67]].sum() == pytest.approx(3 / (3 + 9 * 185**-1.38))
    assert np.array_equal(tuned(log_p, dataclasses.replace(habits, harmony=none), ~sounds & False), log_p)


def test_chords_that_are_asked_for_come_before_what_the_model_is_sure_of() -> None:
    log_p = np.full(256, -np.inf)
    log_p[60:72] = np.log(0.01 / 11)
    log_p[62] = np.log(0.99)
    habits = habits_of(np.arange(0, 600, 60), np.full(10, 30), np.full(10, 60), np.arange(10) // 4)
    assert habits is not None
    habits = dataclasses.replace(habits, classes=np.zeros(12), harmony=np.array([25.6, 3.5, 2.9]))
    c_major = np.isin(np.arange(12), [0, 4, 7])
    with np.errstate(invalid="ignore"):
        own, asked = (
            np.exp(tuned(log_p, dataclasses.replace(habits, keeps_to_chords=keeps), c_major))[[60, 64, 67]].sum()
            for keeps in (False, True)
        )
    assert own < 0.1
    # Of 40 notes 25.6 as asked, and eight of the model's, of which hardly any is in the chord.
    assert asked == pytest.approx((25.6 + 8 * 0.03 / 11) / 40, rel=0.01)


def test_a_chord_that_the_model_repeats_is_not_scattered_over_those_of_the_part() -> None:
    log_p = np.full(256, -np.inf)
    log_p[60:72] = np.log(0.1 / 11)
    log_p[61] = np.log(0.9)
    habits = habits_of(np.arange(0, 7200, 60), np.full(120, 30), np.tile(np.arange(60, 72), 10), np.arange(120) // 4)
    assert habits is not None
    with np.errstate(invalid="ignore"):
        assert np.exp(tuned(log_p, habits, np.zeros(12, bool)))[61] == pytest.approx(0.9)
        rare = dataclasses.replace(habits, classes=np.append([9.0, 1.0], np.full(10, 11.0)))
        assert 0.8 < np.exp(tuned(log_p, rare, np.zeros(12, bool)))[61] < 0.88, "the part plays it seldom"


def test_a_new_bass_lies_below_a_melody_and_below_chords_as_those_of_songs_do() -> None:
    below_c_major = roots(np.isin(np.arange(12), [0, 4, 7]))
    assert below_c_major.sum() == pytest.approx(1)
    assert below_c_major.argmax() == 0
    assert below_c_major[0] > 1.5 * np.delete(below_c_major, 0).max()
    nothing = np.zeros(0, np.int64)
    habits = dataclasses.replace(new_habits(nothing, nothing, (28, 52), 1, 12, 240), is_bass=True)
    log_p = np.full(256, -np.inf)
    log_p[36:48] = -np.log(12)
    with np.errstate(invalid="ignore"):
        below_g, below_chord = (np.exp(tuned(log_p, habits, np.isin(np.arange(12), own))) for own in ([7], [0, 4, 7]))
    assert below_g[43] == pytest.approx((8 / 12 + 16 * 0.231) / 24, abs=0.001), "it does not double what sounds alone"
    assert below_chord[36:48] == pytest.approx((8 / 12 + 16 * below_c_major) / 24)


def test_drums_beside_drums_are_the_rest_of_a_kit() -> None:
    score = song()
    wider = dataclasses.replace(score, tracks=(*score.tracks, Track("", 0, is_drum=True)))
    for given, a_bar in ((wider, 10.3), (wider.replace(notes=wider.notes[wider.notes["track"] < 2]), 21.0)):
        events = grid_events(given, ((3, 128),))
        slot = int(np.flatnonzero(events.slot_tracks == 3)[0])
        (pace,) = Elsewhere(events, [(1920, 3840)], sounding(events, [slot]), Limits(), None).paces([slot], 1920, 3840)
        assert 240 * pace == pytest.approx(a_bar * (0.6 if len(events.slot_tracks) > 3 else 1))


def test_rhythm_is_weighed_against_the_parts_own_gaps() -> None:
    events = grid_events(song())
    rhythm = Rhythm(events, [0], [(240, 480)])
    log_p = np.full(242, -np.log(242))
    found = np.exp(rhythm.weighed(log_p, 0, 240, 1, begun=1))
    assert found.sum() == pytest.approx(1)
    assert found[30] == pytest.approx(0.5, abs=0.01), "eighths alone, which count as much as the model"
    assert np.exp(rhythm.weighed(log_p, 210, 20, 1, begun=1))[241] > 0.4, "the next note is after the span"
    assert np.array_equal(rhythm.weighed(log_p, 7, 240, 1, begun=1), log_p), "the part has never been there"
    assert np.array_equal(rhythm.weighed(log_p, 0, 240, 1, begun=2), log_p), "it plays no two notes together"
    assert np.exp(rhythm.weighed(log_p, 0, 240, 1, begun=0))[0] > 0.4, "a bar begins with its first note"
    assert np.exp(rhythm.weighed(log_p, 7, 240, 1, begun=0))[23] > 0.4, "the next one, from a place without notes"


def test_chords_have_as_many_notes_as_those_at_their_place() -> None:
    rhythm = Rhythm(grid_events(two_sections()), [0], [])
    log_p = np.full(242, -np.log(242))
    gaps = [np.exp(rhythm.weighed(log_p, 0, 240, 1, begun)).argmax() for begun in range(4)]
    assert gaps == [0, 0, 0, 60]


def two_sections() -> Score:
    """A melody on C over chords in C, and on D over chords in D, each four bars, four times; bars of a single note."""
    rows = []
    for bar in range(32):
        root, start = 60 + 2 * (bar // 4 % 2), 1920 * bar
        rows += [(start + 480 * i, 400, root - 12 + step, 80, 0, 0, 0) for i in range(4) for step in (0, 4, 7)]
        rows += [(start + 960 * (bar // 4 % 2), 400, root + 12, 80, 73, 1, 1)]
    return Score(notes=note_table(sorted(rows)), tracks=(Track("Piano", 0), Track("Flute", 73)))


def test_bars_that_are_alike_are_examples() -> None:
    """In the sixth section, of D, with the flute missing."""
    score = two_sections()
    span = 20 * 240, 24 * 240
    missing = (score.notes["track"] == 1) & (score.notes["onset"] >= 20 * 1920) & (score.notes["onset"] < 24 * 1920)
    events = grid_events(score.replace(notes=score.notes[~missing]), [(1, 73)])
    slot = int(events.slot[events.instrument == 73][0])
    alike = AlikeBars(events, [slot], *span)
    counts = alike.counts(20, np.arange(32), 8.0)
    assert counts[4] == counts.max() > 8.0, "the same place of another section of D"
    assert counts[0] < 0.1, "a section of C"
    assert counts[20] == 0, "the bar itself"
    assert 32.0 < counts.sum() < 46.0, "of alike bars four notes and more for each of the model's, not without end"
    flat = np.full(256, -np.log(256))
    found = np.exp(Motif(events, slot, alike).weighed(flat, 120, 20))
    assert found[74] > 0.75
    assert np.array_equal(Motif(events, slot, alike).weighed(flat, 7, 20), flat), "it has never been there"
    on_one = np.exp(Motif(events, slot, alike).weighed(flat, 0, 20))
    assert on_one[72] < 0.1, "the flute of C is hardly an example"
    near = AlikeBars(events, [slot], *span, like=(0, 4 * 240))
    assert not near.counts(20, np.arange(4, 32), 8.0).any()


def test_bars_that_are_not_alike_hardly_count_however_many_they_are() -> None:
    """A melody that never repeats over chords that never do."""
    rng = np.random.default_rng(0)
    rows = [(240 * i, 200, int(rng.integers(60, 84)), 80, 73, 0, 0) for i in range(256)]
    rows += [(480 * i, 400, int(rng.integers(40, 60)), 80, 0, 1, 1) for i in range(128)]
    events = grid_events(Score(notes=note_table(sorted(rows)), tracks=(Track("Flute", 73), Track("Piano", 0))))
    alike = AlikeBars(events, [0], 16 * 240, 20 * 240)
    assert 0 < alike.counts(16, np.arange(32), 8.0).sum() < 2.5, "three to one for the model"


def test_a_long_span_is_written_in_parts_that_know_each_other() -> None:
    score = song()
    first, again = (generation.edit(score, [bars(3, 22)], None, regional(), seed=5).finish()[0] for _ in range(2))
    assert np.array_equal(first.notes, again.notes)
    other = generation.edit(score, [bars(3, 22)], None, regional(), seed=6).finish()[0]
    assert not np.array_equal(first.notes, other.notes)
    assert len(np.unique(first.notes["onset"] // 1920)) == 20


def test_an_alternative_is_what_it_is_alone() -> None:
    score = song()
    several = generation.edit(score, [bars(5, 6)], [1], regional(), seed=3, count=3).finish()
    assert [one.number for one in several] == [0, 1, 2]
    alone = generation.edit(score, [bars(5, 6)], [1], regional(), seed=3).finish()[0]
    assert np.array_equal(alone.notes, several[0].notes)
    assert not np.array_equal(several[0].notes, several[1].notes)


def test_limits_are_kept() -> None:
    limits = Limits(lowest=60, highest=72, scale="C major", polyphony=2)
    written = generation.edit(song(), [bars(5, 8)], [1], regional(), seed=1, limits=limits).finish()[0]
    pitches = set((written.notes["pitch"] % 12).tolist())
    assert pitches <= {0, 2, 4, 5, 7, 9, 11}
    assert written.notes["pitch"].min() >= 60
    ends = written.notes["onset"] + written.notes["duration"]
    sounding = [((written.notes["onset"] <= t) & (ends > t)).sum() for t in written.notes["onset"]]
    assert max(sounding) <= 2


def test_other_pitches_in_the_same_rhythm() -> None:
    score = song()
    written = generation.edit(score, [bars(5, 8)], [0], regional(), seed=1, verb="revoice").finish()[0].score
    kept = ["onset", "track", "duration", "velocity"]
    assert sorted(written.notes[kept].tolist()) == sorted(score.notes[kept].tolist())
    assert (written.notes["pitch"] != score.notes["pitch"]).any()


def test_it_does_not_thin_out() -> None:
    with pytest.raises(OptionError, match="thin"):
        generation.edit(song(), [bars(5, 8)], [0], regional(), share=0.5, verb="thin_out")


def test_a_piece_from_nothing_has_a_band() -> None:
    written = generation.continuation(None, 4.0, regional(), seed=1).finish()[0].score
    assert len(written.tracks) >= 2
    assert len(written.notes)


def test_temperature_0_is_the_same_for_every_seed() -> None:
    score = song()
    greedy = [
        generation.edit(score, [bars(5, 5)], [0], regional(), Sampling(0.0), seed=s).finish()[0].notes for s in (1, 2)
    ]
    assert np.array_equal(*greedy)


def test_the_network_is_left_as_it_was() -> None:
    model = regional()
    model.network.train()
    generation.edit(song(), [bars(5, 5)], [0], model).finish()
    assert model.network.training
    model.network.eval()
    assert not torch.is_inference(next(model.network.parameters()))


def pianist() -> Model[Any]:
    """A random network that writes the pedal."""
    return dataclasses.replace(regional(), tokenizer=tokenizers.get("region", preset="pedal"))


def test_a_new_performance_is_bounded_by_its_pace_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The habits of songs' parts would thin it out to half of a pianist's notes."""
    requests = requested(monkeypatch)
    generation.generate(None, 4.0, pianist(), seed=1)
    assert all(habits is None for request in requests for habits in request.habits)
    assert requests[0].paces[0] == pytest.approx(25.4 / 240)
    requests.clear()
    generation.generate(pedalled(8), 4.0, pianist(), seed=1)
    assert any(habits is not None for request in requests for habits in request.habits)


def test_a_continuation_writes_the_pedal_of_a_track_that_has_one() -> None:
    score = pedalled(8)
    whole = generation.generate(score, 12.0, pianist(), seed=3)
    assert np.array_equal(whole.controls[: len(score.controls)], score.controls)
    new = whole.controls[len(score.controls) :]
    assert len(new) > 2
    assert (new["number"] == 64).all()
    assert (new["time"] >= score.end).all()
    # Down and up in turn, each up after its down.
    assert new["value"].tolist() == [127, 0] * (len(new) // 2)
    assert (np.diff(new["time"].astype(np.int64)) > 0).all()
    assert len(whole.notes) > len(score.notes)


def test_a_piece_without_a_pedal_gets_none() -> None:
    score = pedalled(8)
    bare = score.replace(controls=score.controls[:0])
    assert not len(generation.generate(bare, 8.0, pianist(), seed=3).controls)


def test_within_a_piece_the_pedal_stays() -> None:
    score = pedalled(12)
    written = generation.edit(score, [bars(4, 6)], [0], pianist(), seed=1).finish()[0]
    assert np.array_equal(written.score.controls, score.controls)
    assert len(written.notes)


def test_a_piano_piece_from_nothing_has_a_pedal() -> None:
    score = generation.generate(None, 12.0, pianist(), seed=4)
    assert [track.program for track in score.tracks] == [0]
    assert len(score.controls)


def sparse_song() -> Score:
    """`song`, and a flute that plays two notes in bar 2 alone."""
    score = song(16)
    flute = note_table([(1920 + 480 * i, 400, 72 + i, 80, 73, 3, 3) for i in range(2)])
    notes = np.concatenate([score.notes, flute])
    notes = notes[np.lexsort((notes["track"], notes["onset"]))]
    return score.replace(notes=notes, tracks=(*score.tracks, Track("Flute", 73)))


VERBS = {
    "continue": lambda score, model: generation.edit(score, model=model, verb="continue", count_bars=2),
    "intro": lambda score, model: generation.edit(score, model=model, verb="intro", count_bars=2),
    "vary": lambda score, model: generation.edit(score, [bars(9, 12)], model=model, verb="vary"),
    "busier": lambda score, model: generation.edit(score, [bars(9, 10)], [0], model, verb="busier", factor=2.0),
    "infill": lambda score, model: generation.edit(score, [bars(9, 12)], None, model),
    "add a track": lambda score, model: generation.edit(score, bars=(9, 12), model=model, verb="add_track", program=48),
    "accompany": lambda score, model: generation.edit(score, tracks=[0], verb="accompany", model=model),
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_writes_with_a_region_model(verb: str) -> None:
    score = sparse_song()
    written = VERBS[verb](score, regional()).finish()[0]
    assert len(written.notes)
    assert written.complete
    for place in np.unique(written.notes["track"]):
        own = written.notes[written.notes["track"] == place]
        assert np.unique(own["onset"], return_counts=True)[1].max() <= 4, "no pile"


@pytest.mark.parametrize("verb", ["continue", "vary", "infill"])
def test_where_no_tracks_are_named_those_play_that_play_there(verb: str) -> None:
    written = VERBS[verb](sparse_song(), regional()).finish()[0]
    assert set(written.notes["track"].tolist()) <= {0, 1, 2}, "the flute is silent there"


def test_limits_come_before_habits() -> None:
    score = song()
    limits = Limits(lowest=84, highest=96, notes_at_once=(5, 6))
    written = generation.edit(score, [bars(9, 10)], [0], regional(), seed=1, limits=limits).finish()[0]
    assert written.notes["pitch"].min() >= 84
    _, together = np.unique(written.notes["onset"], return_counts=True)
    assert together.min() >= 5


@pytest.mark.parametrize(
    ("role", "program", "lowest", "highest"), [("bass", 33, 28, 52), ("pad", 48, 48, 79), ("lead", 80, 60, 91)]
)
def test_a_track_of_a_role(role: str, program: int, lowest: int, highest: int) -> None:
    score = song(12)
    written = generation.edit(score, bars=(3, 8), model=regional(), verb="add_track", role=role, seed=3).finish()[0]
    new, place = written.notes, ROLES[role]
    assert len(new)
    assert set(new["program"].tolist()) == {program}
    assert new["pitch"].min() >= lowest
    assert new["pitch"].max() <= highest
    _, together = np.unique(new["onset"], return_counts=True)
    assert together.max() <= place.at_once
    _, each_bar = np.unique(new["onset"] // 1920, return_counts=True)
    assert each_bar.max() <= place.per_bar
    ends = new["onset"] + new["duration"]
    whole = ends < 8 * 1920
    assert (new["duration"][whole] >= round(480 * place.shortest_quarters)).all()


def test_an_unknown_role() -> None:
    with pytest.raises(OptionError, match="no role 'choir'"):
        generation.edit(song(4), verb="add_track", role="choir", model=regional())


@pytest.mark.parametrize("side", ["below", "above"])
def test_an_accompaniment_lies_on_its_side(side: str) -> None:
    melody = Score(notes=note_table([(480 * i, 400, 66 + i % 5, 80) for i in range(32)]), tracks=(Track("Flute", 73),))
    written = generation.edit(melody, tracks=[0], model=regional(), verb="accompany", side=side, seed=1).finish()[0]
    assert len(written.notes)
    assert set(written.notes["track"].tolist()) == {1}
    pitches = written.notes["pitch"]
    assert pitches.max() < 66 if side == "below" else pitches.min() > 70


def test_a_lone_melody_gets_a_piano_below() -> None:
    melody = Score(notes=note_table([(480 * i, 400, 66 + i % 5, 80) for i in range(32)]), tracks=(Track("Flute", 73),))
    score = generation.accompany(melody, [0], regional(), seed=1)
    assert score.tracks[1].program == 0
    assert score.notes["pitch"][score.notes["track"] == 1].max() < 66


def test_a_part_that_falls_behind_is_hurried_and_one_ahead_slowed() -> None:
    flat = np.full(GAPS, -np.log(GAPS))
    pace = 8 / 240  # eight notes a bar
    gaps = np.arange(LONGEST_GAP)

    def mean_gap(ahead: float) -> float:
        p = np.exp(paced(flat, pace, ahead, 480))[:LONGEST_GAP]
        return float((gaps * p).sum() / p.sum())

    assert np.array_equal(paced(flat, pace, 1.0, 480), flat), "an eighth of a bar is in pace"
    assert mean_gap(-8.0) < 0.5 * mean_gap(0.0)
    assert mean_gap(8.0) > 1.2 * mean_gap(0.0)
    one, six = (np.exp(paced(flat, pace, 8.0, 480, slowing)) for slowing in (1.0, 6.0))
    assert six[60] / six[30] == pytest.approx((one[60] / one[30]) ** 6)
    assert np.array_equal(paced(flat, pace, -8.0, 480, 6.0), paced(flat, pace, -8.0, 480))
    last = paced(flat, pace, -8.0, 60)
    assert last[GAP_END] > flat[GAP_END] - 0.5, "what is missing does not crowd in the last quarter"
    behind, ahead = paced(flat, pace, -8.0, 480), paced(flat, pace, 8.0, 480)
    assert behind[GAP_END] < flat[GAP_END], "a part that is behind does not end"
    assert ahead[GAP_END] == flat[GAP_END]


def test_new_parts_but_drums_are_slowed_more(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requested(monkeypatch)
    score = song()
    score = score.replace(notes=score.notes[score.notes["track"] == 1])
    generation.accompany(score, [1], regional(), seed=3, instruments=["bass", 128])
    slowed = {one.slots[0][1]: RegionLine(one, 0)._slowing for one in requests}
    assert slowed == {33: 6.0, 128: 1.0}
    requests.clear()
    generation.edit(song(), [bars(9, 10)], [0], regional(), seed=4).finish()
    assert RegionLine(requests[0], 0)._slowing == 1.0


def test_density_stays_what_it_is_around() -> None:
    score = song()
    written = generation.edit(score, [bars(9, 16)], [0], regional(), seed=5).finish()[0]
    had = ((score.notes["track"] == 0) & (score.notes["onset"] >= 8 * 1920) & (score.notes["onset"] < 16 * 1920)).sum()
    assert 0.5 * had <= len(written.notes) <= 2 * had


def test_more_notes_do_not_crowd_at_the_end_of_a_bar() -> None:
    counts = np.zeros(4, np.int64)
    for seed in range(4):
        written = generation.edit(
            song(), [bars(9, 10)], [2], regional(), seed=seed, verb="busier", factor=3.0
        ).finish()[0]
        counts += np.bincount(written.notes["onset"] % 1920 // 480, minlength=4)
    assert counts.sum() >= 4 * 2 * 9  # three quarters of thrice four notes
    assert counts[3] < 0.34 * counts.sum()


def test_the_pace_lies_within_the_limits() -> None:
    score = song()
    events = grid_events(score)
    slots = [int(slot) for slot in np.unique(events.slot[events.instrument == 33])]
    others = sounding(events, slots)

    def pace(limits: Limits) -> float:
        """Notes of a bar."""
        return 240 * sum(Elsewhere(events, [(1920, 2400)], others, limits, None).paces(slots, 1920, 2400))

    assert pace(Limits()) == pytest.approx(8, rel=0.05)
    assert pace(Limits(notes_per_bar=(2, 10))) == pace(Limits())
    assert pace(Limits(notes_per_bar=(12, 22))) == pytest.approx(1.35 * 12)
    assert pace(Limits(notes_per_bar=(10, 11))) == pytest.approx(10.5)
    assert pace(Limits(notes_per_bar=(0, 4))) == pytest.approx(4 / 1.35)


def test_region_models_draw_at_their_own_temperature_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Sampling] = []
    real = RegionSampler.__init__

    def noting(self: RegionSampler, network: Any, requests: Any, sampling: Sampling, seeds: Any, *_: Any) -> None:
        drawn.append(sampling)
        real(self, network, requests, sampling, seeds)

    monkeypatch.setattr(RegionSampler, "__init__", noting)
    generation.infill(song(8), bars=(3, 3), tracks=[0], model=regional())
    generation.infill(song(8), bars=(3, 3), tracks=[0], model=regional(), sampling=Sampling())
    generation.infill(song(8), bars=(3, 3), tracks=[0], model=pianist())
    generation.generate(generation.new_piece(["piano", "guitar", "bass", "drums"]), 2.0, regional())
    assert [one.temperature for one in drawn] == [
        0.65,
        1.0,
        1.0,
        0.85,
        0.65,
        0.65,
        0.65,
    ]


def requested(monkeypatch: pytest.MonkeyPatch) -> list[RegionRequest]:
    """A list that gets all requests to the sampler from now on."""
    requests: list[RegionRequest] = []
    real = RegionSampler.__init__

    def noting(
        self: RegionSampler, network: Any, asked: list[RegionRequest], sampling: Sampling, seeds: Any, *_: Any
    ) -> None:
        requests.extend(asked)
        real(self, network, asked, sampling, seeds)

    monkeypatch.setattr(RegionSampler, "__init__", noting)
    return requests


def test_a_piece_from_nothing_begins_as_a_stretch_does(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requested(monkeypatch)
    score = generation.generate(None, 40.0, regional(), seed=4)
    assert [one.is_opening for one in requests] == [True] + [False] * (len(requests) - 1)
    assert [requests[0].slots[0][1], requests[-1].slots[0][1]] == [33, 128]
    assert set(requests[0].rows[:, KIND].tolist()) == {START, TRACK}
    assert (requests[0].rows[1:, ABOUT] == ABOUT_GIVEN).all()
    pitched = score.notes[score.notes["channel"] != 9]
    assert pitched["pitch"].min() >= 21
    assert pitched["pitch"].max() <= 108


def test_a_band_from_nothing_plays_in_time_at_a_usual_pace() -> None:
    piece = generation.new_piece(["piano", "bass", "drums"], tempo=120)
    notes = generation.generate(piece, 16.0, regional(), seed=1).notes
    quarter = generation.new_piece().ticks_per_quarter
    assert set((notes["onset"] % (quarter // 2) * 12 // quarter).tolist()) <= {0, 2, 3, 4}
    drums, bass = notes[notes["track"] == 2], notes[notes["track"] == 1]
    assert len(drums)
    assert drums["pitch"].min() >= 35
    assert drums["pitch"].max() <= 59
    for struck in (
        (35, 36),
        (37, 38, 39, 40),
        (42, 44, 46),
        (41, 42, 43, 45, 46, 47, 48, 49, 50, 51, 52, 53, 55, 57, 59),
    ):
        onsets = drums["onset"][np.isin(drums["pitch"], struck)]
        assert len(np.unique(onsets)) == len(onsets) > 0, "two of these do not begin together"
    assert len(np.unique(bass["onset"])) == len(bass) > 0
    # 13.5, 7.5 and 21 notes a bar.
    a_bar = np.bincount(notes["onset"] // (4 * quarter), minlength=8)
    assert 0.6 * 42 < a_bar[:8].mean() < 1.4 * 42


def test_parts_that_are_written_together_keep_their_own_paces() -> None:
    score = song()
    events = grid_events(score)
    slots = np.argsort(events.slot_instruments).tolist()  # piano, bass, drums: six, eight and four notes a bar
    paces = Elsewhere(events, [(1920, 2400)], sounding(events, slots), Limits(), None).paces(slots, 1920, 2400)
    assert [240 * pace for pace in paces] == pytest.approx([6, 8, 4], rel=0.05)


def test_a_band_is_written_one_part_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requested(monkeypatch)
    session = generation.edit(song(), [bars(9, 16)], None, regional(), seed=4, count=2, best_of=2)
    done = [session.done for _ in session.stream()]
    assert [[instrument for _, instrument in one.slots] for one in requests[::4]] == [[33], [0], [128]]
    lengths = [len(one.past) for one in requests]
    assert lengths == [lengths[0]] * 12, "what is written in the region is not past"
    rows = [one.rows for one in requests]
    same = [np.array_equal(rows[i], rows[j]) for i, j in ((0, 3), (4, 5), (6, 7), (4, 6), (8, 9), (10, 11))]
    assert same == [True, True, True, False, True, True], "candidates go on from one of them"
    assert max(done) <= 1
    first, second = session.results()
    kept = song().notes[(song().notes["onset"] < 8 * 1920) | (song().notes["onset"] >= 16 * 1920)]
    for one in (first, second):
        outside = (one.score.notes["onset"] < 8 * 1920) | (one.score.notes["onset"] >= 16 * 1920)
        assert np.array_equal(one.score.notes[outside], kept)
    assert session.done == 1


def test_parts_are_written_together_where_limits_count_them_together(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requested(monkeypatch)
    each = Limits(notes_per_bar=(2, 20)), Limits(notes_at_once=(1, 4)), Limits(end_on=17), Limits(no_repeats=True)
    for limits in each:
        generation.edit(song(), [bars(9, 16)], None, regional(), seed=4, limits=limits, best_of=1).finish()
    generation.edit(song(), [bars(9, 9)], [0, 1], regional(), seed=4, verb="revoice", best_of=1).finish()
    assert {len(one.slots) for one in requests[:-1]} == {3}
    assert len(requests[-1].slots) == 2


def test_limits_on_density_come_before_what_sounds_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requested(monkeypatch)
    for limits in (Limits(), Limits(notes_per_bar=(10, 12))):
        generation.edit(song(), [bars(9, 10)], [0], regional(), seed=4, limits=limits, best_of=1).finish()
    assert [habits.sounding for one in requests for habits in one.habits if habits is not None] == [1, 256]


def test_an_interrupted_band_is_not_complete() -> None:
    session = generation.edit(song(), [bars(9, 12)], None, regional(), seed=4, best_of=1, allow_empty=True)
    notes = session.stream()
    next(notes)
    assert [one.complete for one in session.results()] == [False]
    list(notes)
    assert [one.complete for one in session.results()] == [True]


def test_a_part_begins_no_note_while_as_many_sound_as_ever_do(monkeypatch: pytest.MonkeyPatch) -> None:
    written = generation.infill(song(), bars=(9, 12), tracks=[0], model=regional(), seed=2).notes
    own = written[(written["track"] == 0) & (written["onset"] >= 8 * 1920) & (written["onset"] < 12 * 1920)]
    ends = own["onset"].astype(np.int64) + own["duration"]
    # A step of the model is eight ticks.
    assert len(own)
    assert all(int(((own["onset"] <= t) & (ends > t + 8)).sum()) == 1 for t in own["onset"])


def likeliest_gap(line: RegionLine, log_p: Any) -> int:
    """The gap that a line takes where the likeliest of those that it allows is drawn each time."""
    drawing = line.draw_gap(log_p)
    weighed, allowed = next(drawing)
    while True:
        try:
            weighed, allowed = drawing.send((int(np.where(allowed, weighed, -np.inf).argmax()), 0.0))
        except StopIteration as end:
            return int(end.value)


def test_a_part_that_runs_ahead_makes_room_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requested(monkeypatch)
    limits = Limits(polyphony=20)  # counts the notes of all parts, which are written together for it
    generation.edit(song(), [bars(9, 16)], None, regional(), seed=4, limits=limits).finish()
    line, even = RegionLine(requests[0], 0), np.full(33, -np.log(33))
    number = {instrument: slot for slot, instrument in requests[0].slots}
    for time in range(0, 240, 30):
        gap = np.full(GAPS, -np.inf)
        gap[30 if time else 0] = 0.0
        assert likeliest_gap(line, gap) == (30 if time else 0)
        weighed, free = line.slots(even)
        if time == 0:
            assert np.array_equal(weighed, even)
        elif time == 180:
            assert weighed[number[33]] == pytest.approx(even[0], abs=0.1), "eight notes a bar are its pace"
            assert weighed[number[0]] > even[0] + 1
        assert free[number[33]] == (time < 120 or time % 60 != 0), "from then on the drums are overdue, on each beat"
        for field, value in ((SLOT, number[33]), (KEY, 36), (DURATION, 20), (VELOCITY, 20)):
            line.take(field, value, 0.0)
        line.end_note()


def test_an_accompaniment_keeps_to_its_instruments_and_the_time_of_the_melody() -> None:
    score = song()
    score = score.replace(notes=score.notes[score.notes["track"] == 1])
    written = generation.accompany(score, [1], regional(), seed=3, instruments=["bass", "synth lead", 128])
    assert [track.program for track in written.tracks[3:]] == [33, 80, 0]
    bass, lead, drums = (written.notes[written.notes["track"] == track] for track in (3, 4, 5))
    assert len(np.unique(bass["onset"])) == len(bass) > 8
    assert 28 <= bass["pitch"].min() <= bass["pitch"].max() <= 52
    assert 38 <= lead["pitch"].min() <= lead["pitch"].max() <= 84
    assert set(drums["pitch"].tolist()) <= {*range(35, 52), 53, 57, 59} - {39}
    assert set((written.notes["onset"] % 240 // 10).tolist()) <= {0, 8, 12, 16}
    assert 1 < len(drums) / 24 < 30
    with pytest.raises(OptionError, match="theremin"):
        generation.accompany(score, [1], regional(), instruments=["theremin"])


def test_gaps_beyond_the_span_end_it() -> None:
    log_p = np.full(GAPS, -np.log(GAPS))
    found = np.exp(_ending(log_p, 30))
    assert found.sum() == pytest.approx(1)
    assert found[:30] == pytest.approx(1 / GAPS)
    assert found[GAP_END] == pytest.approx((GAPS - 30) / GAPS)
    assert not found[30:GAP_END].any()
    assert np.array_equal(_ending(log_p, LONGEST_GAP), log_p)
