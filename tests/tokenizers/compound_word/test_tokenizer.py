from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music import tokenizers
from symbolic_music.errors import TokenError
from symbolic_music.score import METER, TEMPO, Score, Track, note_table
from tests.tokenizers.example_music import PIECES, piece, scores, slow_violation, walk

PRESETS = ("default", "default with chords", "original", "miditok")


def build(preset):
    if preset == "default with chords":
        return tokenizers.get("compound", use_chords=True)
    return tokenizers.get("compound", preset=preset)


def names(tokenizer, words):
    """The fields of each word that are not empty, by name."""
    named = [[tokenizer.vocabulary.name(int(token), field) for field, token in enumerate(word)] for word in words]
    return [[name for name in word if name != "Ignore_None"] for word in named]


def sequences(tokenizer, score):
    ids = tokenizer.encode(score)
    return ids if isinstance(ids, list) else [ids]


def tune(rows, tempos=((0, 500_000),), tracks=()):
    return Score(
        notes=note_table(rows),
        tempos=np.array(list(tempos), TEMPO),
        meters=np.array([(0, 4, 4)], METER),
        tracks=tuple(tracks),
    )


def test_default_words():
    compound = tokenizers.get("compound")
    tracks = [Track("", 40), Track("", 40), Track("", 0, True)]
    rows = [(0, 480, 60, 64, 40, 0, 0), (0, 480, 55, 64, 40, 1, 1), (0, 480, 36, 64, 0, 9, 2)]
    assert names(compound, compound.encode(tune(rows, [(0, 500_000), (240, 1_000_000)], tracks))) == [
        ["Family_Metric", "Bar_None", "TimeSig_4/4"],
        ["Family_Metric", "Position_0", "Tempo_120.00"],
        ["Family_Note", "Pitch_60", "Velocity_63", "Duration_1.0.24", "Program_40", "Part_0"],
        ["Family_Note", "Pitch_55", "Velocity_63", "Duration_1.0.24", "Program_40", "Part_1"],
        ["Family_Note", "PitchDrum_36", "Velocity_63", "Duration_1.0.24", "Program_-1", "Part_0"],
        ["Family_Metric", "Position_12", "Tempo_60.00"],
    ]


def test_original_words():
    compound = tokenizers.get("compound", preset="original")
    rows = [(3840, 960, 60, 64), (3840, 960, 64, 65), (3840, 960, 67, 20), (4800, 59, 72, 127)]
    assert names(compound, compound.encode(tune(rows, [(0, 500_000), (4320, 400_000)]))) == [
        ["Bar_None", "Type_Metrical"],
        # Two empty bars are gone, and with them the chord "N" of the silence: the last chord of position 0 counts.
        ["Tempo_119", "Chord_C_M", "Beat_0", "Type_Metrical"],
        ["Type_Note", "Pitch_67", "Duration_960", "Velocity_40"],
        ["Type_Note", "Pitch_64", "Duration_960", "Velocity_64"],
        ["Type_Note", "Pitch_60", "Duration_960", "Velocity_64"],
        ["Tempo_149", "Chord_CONTI", "Beat_4", "Type_Metrical"],
        ["Tempo_CONTI", "Chord_N_N", "Beat_8", "Type_Metrical"],
        ["Type_Note", "Pitch_72", "Duration_0", "Velocity_126"],
        ["Bar_None", "Type_Metrical"],
        ["Type_EOS"],
    ]


def test_original_sizes_and_order_of_the_released_dictionary():
    vocabulary = tokenizers.get("compound", preset="original").vocabulary
    chord, beat, kind, duration = (vocabulary.fields[i] for i in (1, 2, 3, 5))
    assert [len(field) for field in (chord, beat, kind, duration)] == [135, 18, 3, 18]
    assert beat[:6] == ("Ignore_None", "Bar_None", "Beat_0", "Beat_1", "Beat_10", "Beat_11")
    assert chord[:4] == ("Ignore_None", "Chord_CONTI", "Chord_A#_+", "Chord_A#_/o7")
    assert duration[:4] == ("Ignore_None", "Duration_0", "Duration_1080", "Duration_120")


def test_a_chord_that_shares_its_tick_with_a_tempo_change():
    """MidiTok's CPWord loses the chord; the words of its preset do so too, those of the original's hold both."""
    score = tune([(960, 960, p, 64) for p in (60, 64, 67)], [(0, 500_000), (960, 400_000)])
    miditok = tokenizers.get("compound", preset="miditok", use_tempos=True, use_chords=True)
    assert not any("Chord_maj" in word for word in names(miditok, miditok.encode(score)[0]))
    ours = tokenizers.get("compound", use_chords=True)
    assert ["Family_Metric", "Position_48", "Tempo_151.19", "Chord_C:maj"] in names(ours, ours.encode(score))
    original = tokenizers.get("compound", preset="original")
    assert ["Tempo_149", "Chord_C_M", "Beat_8", "Type_Metrical"] in names(original, original.encode(score))


def test_words_out_of_place_are_named():
    compound = tokenizers.get("compound")
    ids = compound.encode(tune([(0, 480, 60, 64)]))
    with pytest.raises(TokenError, match=r"Position_0.* may not follow at position 0"):
        compound.decode(ids[1:])
    broken = ids.copy()
    broken[2, 2] = compound.vocabulary.id("Ignore_None", 2)
    with pytest.raises(TokenError, match="at position 2"):
        compound.decode(broken)
    with pytest.raises(TokenError, match=r"shape \(n, 9\)"):
        compound.decode(ids[:, :5])


@pytest.mark.parametrize("preset", PRESETS)
@given(score=scores())
@settings(max_examples=60)
def test_encoded_scores_obey_and_come_back_the_same_the_second_time(preset, score):
    compound = build(preset)
    ids = compound.encode(score)
    for one in sequences(compound, score):
        assert one.dtype == np.int32
        assert one.shape[1:] == (len(compound.vocabulary.sizes),)
        assert compound.grammar.violation(one) is None
        assert slow_violation(compound, one) is None
    once = compound.decode(ids)
    assert compound.decode(compound.encode(once)) == once


@given(score=scores())
def test_both_defaults_say_the_same(score):
    remi, compound = tokenizers.get("remi"), tokenizers.get("compound")
    assert remi.decode(remi.encode(score)) == compound.decode(compound.encode(score))


@pytest.mark.parametrize("preset", PRESETS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_walks_through_the_grammar_decode(preset, seed):
    compound = build(preset)
    ids = np.array(walk(compound.grammar, np.random.default_rng(seed), 40), np.int32)
    assert compound.grammar.violation(ids) is None
    once = compound.decode(ids)
    assert len(once) == sum("Note" in word[0] or "Type_Note" in word for word in names(compound, ids))
    if preset != "original":  # there leading empty bars are lost
        assert compound.decode(compound.encode(once)) == once


@pytest.mark.parametrize("preset", PRESETS)
@given(score=scores(most_notes=8), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_violation_at_once_is_violation_one_by_one(preset, score, seed):
    compound = build(preset)
    rng = np.random.default_rng(seed)
    for ids in sequences(compound, score):
        broken = ids.copy()
        for at in rng.integers(0, max(len(ids), 1), min(3, len(ids))):
            field = rng.integers(ids.shape[1])
            if rng.random() < 0.7:
                broken[at] = rng.choice(ids)
            else:
                broken[at, field] = rng.integers(-1, compound.vocabulary.sizes[field] + 1)
        assert compound.grammar.violation(broken) == slow_violation(compound, broken)


@pytest.mark.parametrize("preset", PRESETS)
def test_masks_are_those_of_the_words_that_agree(preset):
    grammar = build(preset).grammar
    state = grammar.start()
    masks = grammar.allowed(state)
    assert all(not mask.flags.writeable for mask in masks)
    kind = int(np.flatnonzero(masks[1])[0])
    assert all(
        (narrow <= wide).all()
        for narrow, wide in zip(grammar.given(state, [None, kind] + [None] * (len(masks) - 2)), masks, strict=True)
    )


@pytest.mark.parametrize("name", PIECES)
@pytest.mark.parametrize("preset", PRESETS)
def test_real_pieces(name, preset):
    compound = build(preset)
    score = piece(name)
    ids = compound.encode(score)
    assert all(compound.grammar.violation(one) is None for one in sequences(compound, score))
    once = compound.decode(ids)
    assert compound.decode(compound.encode(once)) == once


@pytest.mark.parametrize("preset", PRESETS)
def test_empty_scores_and_configs(preset):
    compound = build(preset)
    assert len(compound.decode(compound.encode(Score()))) == 0
    again = tokenizers.get(**json.loads(json.dumps(compound.to_config())))
    assert again.to_config() == compound.to_config()
    assert again.vocabulary == compound.vocabulary
