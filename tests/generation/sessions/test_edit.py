"""The one edit: whatever is not asked for comes back, in memory and in a file. The weights have no say in that."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symbolic_music import generation
from symbolic_music.errors import EmptyScoreError, OptionError, RegionError
from symbolic_music.generation import Region, bars, tracks_of
from symbolic_music.generation.regions import Span, spans_of, ticks_of
from symbolic_music.io import read
from symbolic_music.models import Model
from symbolic_music.score import CONTROL, TEMPO, Score, Text, Track, note_table
from symbolic_music.transforms import select_tracks
from tests.corpora.example_stores import band
from tests.corpus_paths import corpus_dir
from tests.generation.untouched import asked, check, check_file, check_kept, four_parts, ours, published, regional
from tests.tokenizers.example_music import PIECES, piece, scores

MODELS = {"published": published, "ours": ours, "regional": regional}
models = pytest.mark.parametrize("model", [pytest.param(make, id=name) for name, make in MODELS.items()])


@st.composite
def edits(draw: st.DrawFn) -> tuple[Score, list[Region], list[int]]:
    """A score with pedals and texts, some regions of a second or so, the first with a note, some tracks."""
    score = draw(scores(most_notes=12))
    assume(len(score) and score.duration > 0.1)
    time, track = st.integers(0, 20 * score.ticks_per_quarter), st.integers(0, len(score.tracks) - 1)
    rows = draw(st.lists(st.tuples(time, st.integers(0, 119), st.integers(0, 127), track), max_size=3))
    texts = draw(st.lists(st.builds(Text, time, st.sampled_from(["A", "coda"])), max_size=2))
    score = score.replace(controls=np.array(rows, CONTROL), texts=tuple(sorted(texts, key=lambda text: text.time)))
    one = draw(st.integers(0, len(score) - 1))
    starts = [float(score.onset_seconds[one]), *draw(st.lists(st.floats(0, 0.9), max_size=2))]
    regions = []
    for i, start in enumerate(starts):
        begin = start * (score.duration if i else 1)
        regions.append(Region(begin, min(begin + draw(st.floats(0.1, 1.5)), score.duration)))
    return score, regions, list({int(score.notes["track"][one]), *draw(st.lists(track, max_size=2))})


def spans_or_skip(score: Score, regions: list[Region]) -> list[Span]:
    try:
        return spans_of(score, regions)
    except RegionError:
        assume(False)
        raise


@models
@settings(max_examples=25, report_multiple_bugs=False)
@given(edit=edits(), seed=st.integers(0, 9))
def test_all_that_was_not_asked_for_comes_back(model, edit, seed: int) -> None:
    score, regions, tracks = edit
    spans = spans_or_skip(score, regions)
    for written in generation.edit(score, regions, tracks, model(), seed=seed, count=2, allow_empty=True).finish():
        check(score, written, spans, tracks)
        check_file(score, written, spans, tracks)


@settings(max_examples=25, report_multiple_bugs=False)
@given(edit=edits(), seed=st.integers(0, 9))
def test_parts_of_one_note_at_a_time_leave_the_rest(edit, seed: int) -> None:
    score, regions, tracks = edit
    tracks = [track for track in tracks if not score.tracks[track].is_drum]
    assume(tracks)
    spans = spans_or_skip(score, regions)
    written = generation.edit(score, regions, tracks, four_parts(), seed=seed, allow_empty=True).finish()[0]
    check(score, written, spans, tracks)
    check_file(score, written, spans, tracks)
    for track in tracks:
        own = written.notes[written.notes["track"] == track]
        # A step of 10 ms is less than a tick of some of these scores, and a note lasts a tick at least.
        tick = 1 + score.ticks_per_quarter // 60
        assert (own["onset"][1:].astype(int) + tick >= own["onset"][:-1].astype(int) + own["duration"][:-1]).all()


@models
@settings(max_examples=15, report_multiple_bugs=False)
@given(edit=edits())
def test_other_pitches_keep_the_rhythm(model, edit) -> None:
    score, regions, tracks = edit
    spans = spans_or_skip(score, regions)
    old = score.notes[asked(score, spans, tracks)]
    assume(len(old))
    written = generation.edit(score, regions, tracks, model(), seed=1, verb="revoice").finish()[0]
    check_kept(score, written, spans, tracks)
    new = written.score.notes[asked(written.score, spans, tracks)]
    kept = ["onset", "duration", "velocity", "channel", "program", "track", "hanging"]
    assert sorted(new[kept].tolist()) == sorted(old[kept].tolist())  # chords are in the order of their pitches


@pytest.mark.parametrize("model", [published, ours])  # a region model does not thin out
@settings(max_examples=15, report_multiple_bugs=False)
@given(edit=edits(), share=st.sampled_from([0.25, 0.5, 0.8]))
def test_thinning_out_leaves_some_of_the_notes_as_they_were(model, edit, share: float) -> None:
    score, regions, tracks = edit
    spans = spans_or_skip(score, regions)
    old = score.notes[asked(score, spans, tracks)]
    assume(len(old))
    written = generation.edit(
        score, regions, tracks, model(), seed=1, share=share, verb="thin_out", allow_empty=True
    ).finish()[0]
    check_kept(score, written, spans, tracks)
    kept, had = Counter(written.notes.tolist()), Counter(old.tolist())
    assert kept <= had
    slack = 3 * len(spans)
    assert share * len(old) - slack <= len(written.notes) <= share * len(old) + len(spans)


@models
@pytest.mark.parametrize("name", PIECES)
def test_real_pieces_come_back(model, name: str) -> None:
    score = piece(name)
    regions, tracks = [bars(2, 3), bars(5)], [len(score.tracks) - 1]
    written = generation.edit(score, regions, tracks, model(), seed=1, allow_empty=True).finish()[0]
    assert len(written.notes)
    check(score, written, spans_of(score, regions), tracks)
    check_file(score, written, spans_of(score, regions), tracks)


@models
@pytest.mark.corpora
def test_files_of_the_web_come_back(model) -> None:
    rng = random.Random(5)
    files = sorted(corpus_dir("lakh-subset").rglob("*.mid"))
    count = 0
    for path in rng.sample(files, 30):
        score = read(path)
        start = rng.random() * 0.9 * score.duration
        regions = [Region(start, min(start + rng.uniform(0.5, 4), score.duration))]
        tracks = sorted(rng.sample(range(len(score.tracks)), rng.randint(1, min(5, len(score.tracks)))))
        written = generation.edit(score, regions, tracks, model(), seed=count, allow_empty=True).finish()[0]
        count += len(written.notes)
        check(score, written, spans_of(score, regions), tracks)
        check_file(score, written, spans_of(score, regions), tracks)
    assert count > 100


@models
def test_what_accompanies_and_what_is_added_leaves_the_rest(model) -> None:
    score = band(2, 40).clip(0, 5)
    whole = [(int(score.notes["onset"][0]), score.end)]
    for written, tracks in (
        (generation.edit(score, (), [1], model(), seed=3, verb="accompany").finish()[0], [0, 2]),
        (generation.edit(score, model=model(), seed=3, verb="add_track", program=40).finish()[0], [3]),
    ):
        check(score, written, whole, tracks)
        assert set(written.notes["track"].tolist()) <= set(tracks)
        assert len(written.notes)
    drums = generation.edit(score, [bars(2)], None, model(), verb="add_track", program=128).finish()[0]
    assert drums.score.tracks[3] == Track("", 0, True)
    check(score, drums, spans_of(score, [bars(2)]), [3])


@models
def test_a_piece_goes_on_after_its_end(model) -> None:
    score = band(3, 40)
    written = generation.continuation(score, 3.0, model(), seed=1).finish()[0]
    last = round(float(score.ticks(score.duration + 3.0)))
    check(score, written, [(score.end, last)], [0, 1, 2])
    assert len(written.notes)


@pytest.mark.parametrize("model", [published, ours, four_parts])
def test_a_prompt_without_notes_stays_too(quartet: Score, model) -> None:
    tempos = np.array([(0, 400_000), (960, 600_000)], TEMPO)
    score = quartet.replace(ticks_per_quarter=96, notes=quartet.notes[:0], tempos=tempos, texts=(Text(0, "A"),))
    written = generation.continuation(score, 3.0, model(), seed=1).finish()[0]
    assert len(written.notes)
    check(score, written, [(0, round(float(score.ticks(3.0))))], list(range(9)))


def test_regions_are_what_musicians_mean() -> None:
    score = band(1)  # 3/4 for four bars, then 4/4; 240 ticks a quarter
    assert spans_of(score, [bars(2)]) == [(720, 1440)]
    assert spans_of(score, [bars(4, 5)]) == [(2160, 2880 + 960)]
    assert spans_of(score, [Region(1.5, 2, "bars")]) == [(360, 720)]
    assert spans_of(score, [Region(4, 8, "beats")]) == [(960, 1920)]
    assert spans_of(score, [Region(0.4, 0.8)]) == [(240, 480)]
    assert spans_of(score, [bars(9), bars(2), bars(3)]) == [(720, 2160), (2880 + 4 * 960, 2880 + 5 * 960)]


def test_bars_go_on_after_the_end(quartet: Score) -> None:
    assert ticks_of(quartet, [1, 2.25, 3, 4, 10_001], "bars").tolist() == [0, 2400, 3840, 5760, 19_200_000]
    score = band(1)
    assert ticks_of(score, [5, 6.5], "bars").tolist() == [2880, 2880 + 1.5 * 960]


def test_a_program_is_that_of_the_tracks_that_play_it(quartet: Score) -> None:
    score = quartet.replace(tracks=(*quartet.tracks, Track("Words", 73), Track("", 5)))
    assert tracks_of(score, [73, 128]) == [0, 4]
    with pytest.raises(RegionError, match="no track plays program 5"):
        tracks_of(score, [5])


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (lambda: bars(0), "there is no bar 0: bars begin with 1"),
        (lambda: bars(3, 2), "need 0 <= start < end"),
        (lambda: Region(float("nan"), 2), "need 0 <= start < end"),
        (lambda: Region(0, float("inf")), "need 0 <= start < end"),
        (lambda: bars(99), r"the region \(bar 99\) is outside the piece, which has 2 bars"),
        (lambda: Region(0, 9, "beats"), "outside the piece, which lasts 8 beats"),
        (lambda: Region(0, 1, "minutes"), "in seconds, beats or bars"),
        (lambda: Region(1 + 1e-4, 1 + 2e-4), "shorter than a tick"),
    ],
)
def test_impossible_regions(quartet: Score, region, message: str) -> None:
    with pytest.raises(RegionError, match=message):
        spans_of(quartet, [region()])


def test_other_impossible_edits(quartet: Score) -> None:
    with pytest.raises(EmptyScoreError):
        generation.edit(Score(), [bars(1)], None, published())
    with pytest.raises(EmptyScoreError):
        generation.edit(Score(), (), [0], published(), verb="accompany")
    with pytest.raises(RegionError, match="no region"):
        generation.edit(quartet, [], None, published())
    with pytest.raises(RegionError, match="nothing to keep"):
        generation.edit(quartet.replace(tracks=(*quartet.tracks, Track())), [bars(1)], [5], published(), verb="revoice")
    with pytest.raises(RegionError, match="no tracks"):
        generation.continuation(select_tracks(quartet, [4]), 1.0, four_parts())
    with pytest.raises(OptionError, match="program"):
        generation.edit(quartet, model=published(), verb="add_track", program=129)
    with pytest.raises(OptionError, match="at least one alternative"):
        generation.edit(quartet, [bars(1)], None, published(), count=0)


def test_a_held_note_stays_and_is_not_struck_again() -> None:
    held = Score(notes=note_table([(0, 1920, 60, 80), (480, 100, 64, 90)]), tracks=(Track(),))
    for seed in range(20):
        written = generation.edit(held, [Region(0.25, 1.5)], [0], published(), seed=seed, allow_empty=True).finish()[0]
        same = written.notes[written.notes["pitch"] == 60]
        assert (same["onset"] >= 1920).all()
        check_file(held, written, spans_of(held, [Region(0.25, 1.5)]), [0])


@models
def test_another_pitch_is_none_that_sounds_in_its_track_after_the_region(model) -> None:
    before, after = [(0, 12000, 40, 90)], [(11000, 100, pitch, 90) for pitch in range(41, 127)]
    score = Score(notes=note_table([*before, (10000, 1500, 60, 80), *after]), tracks=(Track(),))
    regions = [Region(10000 / 960, 10500 / 960)]
    for seed in range(5):
        written = generation.edit(score, regions, [0], model(), seed=seed, verb="revoice").finish()[0]
        assert written.notes["pitch"][0] in {*range(40), 127}
        check_file(score, written, spans_of(score, regions), [0])


def test_alternatives_differ_and_the_first_is_what_one_alone_is(quartet: Score) -> None:
    def written(count: int, model: Model) -> list[Score]:
        return [
            one.score for one in generation.edit(quartet, [bars(1), bars(2)], [1], model, seed=4, count=count).finish()
        ]

    for model in (published(), ours()):
        several = written(10, model)
        assert several[0] == written(1, model)[0]
        assert several == written(10, model)
        assert all(one != several[0] for one in several[1:])
