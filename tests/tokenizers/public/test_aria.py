"""The ids of Aria, by hand and by what its authors' tokenizer gives."""

from __future__ import annotations

import numpy as np
import pytest

from symbolic_music import tokenizers
from symbolic_music.errors import UnknownNameError
from symbolic_music.score import CONTROL, TEMPO, Score, Track, note_table
from symbolic_music.tokenizers.public import aria_vocabulary as v


def named(score: Score, preset: str = "default") -> list[str]:
    tokenizer = tokenizers.get("aria", preset=preset)
    ids = tokenizer.encode(score)
    assert tokenizer.grammar.violation(ids) is None
    return [tokenizer.vocabulary.name(token) for token in ids]


def piano(rows: list[tuple[int, ...]], pedal: list[tuple[int, int, int, int]] | None = None) -> Score:
    """Ticks are milliseconds."""
    return Score(500, note_table(rows), controls=np.array(pedal or [], CONTROL), tracks=(Track(),))


def test_a_piece_by_hand() -> None:
    score = piano([(1000, 503, 60, 64), (1500, 2, 64, 1), (6004, 9000, 67, 127)])
    assert named(score) == [
        "Instrument_piano", "Start_None", "Note_piano_60_60", "Onset_0", "Duration_500",
        "Note_piano_64_10", "Onset_500", "Duration_10",
        "Segment_None", "Note_piano_67_120", "Onset_0", "Duration_5000", "End_None",
    ]  # fmt: skip


def test_the_pedal_holds_notes_and_is_told_by_demo() -> None:
    score = piano([(0, 100, 60, 64), (400, 100, 62, 64)], [(50, 64, 100, 0), (300, 64, 10, 0)])
    assert named(score)[4] == "Duration_300"
    told = named(score, "demo")
    assert told[2:9] == [
        "Note_piano_60_60", "Onset_0", "Duration_300", "PedalOn_None", "Onset_50", "PedalOff_None", "Onset_300",
    ]  # fmt: skip


def test_sizes_are_those_of_the_checkpoints() -> None:
    assert len(tokenizers.get("aria").vocabulary) == 17_727
    assert len(tokenizers.get("aria", preset="demo").vocabulary) == 17_729
    with pytest.raises(UnknownNameError):
        tokenizers.get("aria", preset="gen")


def test_places_of_ids_are_those_of_the_original() -> None:
    """As its `encode` gives them for these tokens."""
    vocabulary = tokenizers.get("aria").vocabulary
    for name, place in (
        ("Start_None", 0), ("Segment_None", 5), ("Instrument_piano", 6), ("Instrument_drum", 16), ("Composer_bach", 17),
        ("Genre_classical", 38), ("Note_piano_0_0", 39), ("Note_synth_lead_127_120", 16_678), ("Drum_35", 16_679),
        ("Duration_0", 16_726), ("Onset_0", 17_227), ("Onset_4990", 17_726),
    ):  # fmt: skip
        assert vocabulary.id(name) == place


@pytest.mark.parametrize(
    ("number", "step"), [(0, 0), (4, 0), (6, 1), (4996, 499), (15, 2), (25, 2), (2495, 249), (2505, 250)]
)
def test_times_between_two_steps_go_where_a_search_by_halves_leads(number: int, step: int) -> None:
    assert v.onset_step(number) == step


def test_instruments_drums_and_what_is_left_out() -> None:
    tracks = (Track("", 33), Track("", 0, True), Track("", 12), Track("", 3))
    rows = [(0, 100, 40, 80, 33, 0, 0), (0, 10, 36, 80, 0, 9, 1), (0, 10, 90, 80, 0, 9, 1), (0, 100, 60, 80, 12, 0, 2),
            (0, 100, 60, 80, 3, 0, 3)]  # fmt: skip
    score = Score(500, note_table(rows), tracks=tracks)
    assert named(score) == [
        "Instrument_piano", "Instrument_bass", "Instrument_drum", "Start_None", "Note_bass_40_80", "Onset_0",
        "Duration_100", "Drum_36", "Onset_0", "Unknown_None", "Onset_0", "Note_piano_60_80", "Onset_0", "Duration_100",
        "End_None",
    ]  # fmt: skip


def test_a_stretch_after_the_last_tempo_is_counted_as_the_original_counts() -> None:
    clock = v.Clock([0, 1000], [500_000, 1_000_000], 500)
    assert clock.milliseconds(0, 1000) == 1000
    assert clock.milliseconds(0, 1100) == 1200
    # From after the last change of tempo: (1200 - 1000) x 2 ms less (1100 - 1000) x 1 ms.
    assert clock.milliseconds(1100, 1200) == 300


def test_what_is_decoded_is_encoded_alike() -> None:
    score = piano([(0, 500, 60, 60), (0, 250, 64, 90), (7000, 30, 67, 120)])
    tokenizer = tokenizers.get("aria")
    ids = tokenizer.encode(score)
    again = tokenizer.decode(ids)
    assert tokenizer.encode(again).tolist() == ids.tolist()
    assert again.tempos.tolist() == np.array([(0, 500_000)], TEMPO).tolist()
    # Without the prefix no notes come back, as in the original.
    assert len(tokenizer.decode(ids[1:])) == 0
