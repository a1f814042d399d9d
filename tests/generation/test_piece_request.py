"""Pieces that are asked for by instruments, tempo, meter and key."""

from __future__ import annotations

import numpy as np
import pytest

from symbolic_music import generation
from symbolic_music.errors import OptionError
from symbolic_music.general_midi import instrument_number
from symbolic_music.generation import Limits, new_piece
from symbolic_music.generation.piece_request import usual_band, with_progression
from symbolic_music.score import Score
from symbolic_music.theory import key_name, key_signature
from tests.generation.untouched import four_parts, ours, regional


def test_instruments_by_name() -> None:
    names = {"bass": 33, "Violin": 40, "0": 0, "128": 128, "drums": 128, "strings": 48, "synth bass 1": 38}
    assert {name: instrument_number(name) for name in names} == names
    for name in ("kazoo", "", "129", "-1"):
        with pytest.raises(OptionError, match="no instrument"):
            instrument_number(name)


def test_a_usual_band_is_drawn_by_seed() -> None:
    drawn = [usual_band(Score(), seed) for seed in range(200)]
    assert drawn[3].tracks == usual_band(Score(), 3).tracks
    with_drums = [any(track.is_drum for track in one.tracks) for one in drawn]
    assert 0.7 < np.mean(with_drums) < 0.9
    assert all(1 <= len(one.tracks) <= 6 and len(set(one.tracks)) == len(one.tracks) for one in drawn)
    tempos = [6e7 / float(one.tempos["microseconds"][0]) for one in drawn]
    assert 65.9 < min(tempos) < 90 < 140 < max(tempos) < 180.1
    asked = new_piece(tempo=97)
    assert np.array_equal(usual_band(asked, 1).tempos, asked.tempos), "a tempo that is asked for stays"


def test_a_new_piece_has_chords_unless_others_are_asked_for() -> None:
    piece = Score()
    found = with_progression(Limits(), 1, piece)
    assert found == with_progression(Limits(), 1, piece) != with_progression(Limits(), 2, piece)
    in_d = with_progression(Limits(scale="D minor"), 1, piece)
    assert in_d.chart is not None
    assert in_d.chart.startswith("Dm | ")
    assert in_d.passing_notes
    for limits in (Limits(chart="C | F"), Limits(free=True), Limits(scale="D dorian"), Limits(chords=((1, "C"),))):
        assert with_progression(limits, 1, piece) == limits


def test_the_chords_of_a_new_piece_are_in_its_key() -> None:
    found = with_progression(Limits(), 6, new_piece(["piano", "bass"], key="D minor"))
    assert found.chart is not None
    assert found.chart.startswith("Dm | ")
    assert set(found.chart.split(" | ")) <= {"Dm", "Bb", "C", "F", "Gm", "A", "Am"}


@pytest.mark.parametrize(
    "limits",
    [
        Limits(pitch_classes=(0, 4, 7)),
        Limits(pitch_classes=(0, 2, 4, 7, 9)),
        Limits(pitch_classes=(6,)),
        Limits(lowest=60, highest=62),
        Limits(scale="C major", lowest=60, highest=63),
        Limits(scale="C major", lowest=62, highest=62),
    ],
)
def test_the_chords_of_a_new_piece_keep_to_the_limits(limits: Limits) -> None:
    """Limits refuse chords of which no pitch is left; those that were not asked for are chosen among the others."""
    for seed in range(48):
        found = with_progression(limits, seed, Score())
        if limits.pitch_classes == (0, 4, 7):
            assert found.chart is not None
            assert found.chart.startswith("C | ")
    assert len(generation.generate(None, 2.0, regional(), seed=6, limits=limits))


def test_every_signature_has_its_name_and_back() -> None:
    for sharps in range(-7, 8):
        for minor in (False, True):
            assert key_signature(key_name(sharps, minor)) == (sharps, minor)
    assert key_signature("f# minor") == (3, True)
    assert key_signature("Eb") == (-3, False)
    for name in ("H minor", "C dorian", "", "G# major"):
        with pytest.raises(OptionError, match="no key"):
            key_signature(name)


def test_the_request_as_a_score() -> None:
    piece = new_piece(["piano", 33, "drums"], tempo=90, meter="6/8", key="D minor")
    assert [(track.program, track.is_drum) for track in piece.tracks] == [(0, False), (33, False), (0, True)]
    assert piece.tempos["microseconds"].tolist() == [666_667]
    assert piece.meters[["numerator", "denominator"]].tolist() == [(6, 8)]
    assert piece.keys[["sharps", "minor"]].tolist() == [(-1, 1)]
    for wrong in ({"tempo": 5}, {"meter": "4"}, {"meter": "0/4"}, {"meter": "3/5"}, {"instruments": [129]}):
        with pytest.raises(OptionError):
            new_piece(**wrong)


@pytest.mark.parametrize("model", [regional, ours])
def test_what_was_asked_for_is_written(model) -> None:
    piece = new_piece([33, 128], tempo=90, meter="3/4", key="D minor")
    limits = generation.limits_of_request(model(), piece, Limits())
    written = generation.continuation(piece, 8.0, model(), seed=1, limits=limits).finish()[0].score
    assert len(written) >= 4
    assert [(track.program, track.is_drum) for track in written.tracks] == [(33, False), (0, True)]
    assert written.meters[["numerator", "denominator"]].tolist() == [(3, 4)]
    bass = written.notes[written.notes["track"] == 0]
    assert set((bass["pitch"] % 12).tolist()) <= {2, 4, 5, 7, 9, 10, 0}


def test_a_limit_comes_before_the_key() -> None:
    piece = new_piece(["piano"], key="D minor")
    assert generation.limits_of_request(regional(), piece, Limits(scale="C blues")).scale == "C blues"
    with pytest.raises(OptionError, match="takes no instruments"):
        generation.limits_of_request(four_parts(), piece, Limits())


def test_a_piece_from_nothing_does_not_fall_silent() -> None:
    for seed in range(3):
        piece = new_piece(["piano", "bass"], tempo=120)
        notes = generation.continuation(piece, 20.0, regional(), seed=seed).finish()[0].notes
        gaps = [b - a for a, b in zip([0, *notes["onset"]], [*notes["onset"], 19200], strict=True)]
        assert max(gaps) <= 8 * 480 + 960
