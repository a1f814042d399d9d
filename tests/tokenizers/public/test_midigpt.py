"""The ids of MIDI-GPT, by hand, and beside its authors' package where that is installed."""

from __future__ import annotations

import numpy as np
import pytest

from symbolic_music import tokenizers
from symbolic_music.errors import OptionError
from symbolic_music.score import METER, Score, Track, note_table
from symbolic_music.tokenizers.public.midigpt import level_of
from symbolic_music.tokenizers.public.midigpt_bars import bars_of, tracks_of
from symbolic_music.tokenizers.public.midigpt_layout import PRESETS, YELLOW


def song() -> Score:
    """Two bars in 4/4 and one in 3/4: a bass and drums."""
    tracks = (Track("", 34), Track("", 0, True))
    rows = [
        (0, 480, 40, 80, 34, 0, 0), (0, 240, 47, 80, 34, 0, 0), (480, 60, 45, 100, 34, 0, 0),
        (1920, 3000, 40, 1, 34, 0, 0), (0, 60, 36, 127, 0, 9, 1), (3840 + 720, 60, 38, 127, 0, 9, 1),
    ]  # fmt: skip
    return Score(480, note_table(rows), meters=np.array([(0, 4, 4), (3840, 3, 4)], METER), tracks=tracks)


def test_a_song_by_hand() -> None:
    tokenizer = tokenizers.get("midigpt")
    ids = tokenizer.encode(song())
    names = [tokenizer.vocabulary.name(token) for token in ids]
    first, second = names[2 : names.index("TrackEnd_0") + 1], names[names.index("TrackEnd_0") + 1 :]
    assert names[:2] == ["PieceStart_0", "NumBars_1"]
    assert first[:6] == [
        "Track_0", "Instrument_27", "MinPolyphony_0", "MaxPolyphony_0", "MinNoteDuration_2", "MaxNoteDuration_5",
    ]  # fmt: skip
    assert first[6:20] == [
        "Bar_0", "TimeSig_13", "VelocityLevel_20", "NoteOnset_40", "NoteDuration_11", "NoteOnset_47", "NoteDuration_5",
        "TimeAbsolutePos_12", "VelocityLevel_25", "NoteOnset_45", "NoteDuration_0", "BarEnd_0", "Bar_0", "TimeSig_13",
    ]  # fmt: skip
    assert first[-4:] == ["Bar_0", "TimeSig_10", "BarEnd_0", "TrackEnd_0"]
    assert second[:3] == ["Track_1", "Instrument_0", "NoteDensity_0"]
    assert second[-5:] == ["TimeAbsolutePos_18", "VelocityLevel_31", "NoteOnset_38", "BarEnd_0", "TrackEnd_0"]
    assert tokenizer.grammar.violation(ids) is None
    again = tokenizer.decode(ids)
    assert again.tracks == (Track("", 33), Track("", 0, True))  # 33 and 34 are one instrument
    assert (again.notes["onset"] // 4).tolist() == sorted(song().notes["onset"].tolist())


@pytest.mark.parametrize(("velocity", "level"), [(0, 0), (1, 1), (80, 20), (126, 31), (127, 31)])
def test_levels_of_velocity(velocity: int, level: int) -> None:
    assert level_of(velocity, 32) == level


def late(score: Score, ticks: int) -> Score:
    """With onsets so many ticks later."""
    notes = score.notes.copy()
    notes["onset"] += ticks
    return score.replace(notes=notes)


def test_prism_encodes_key_range_silence_and_bars() -> None:
    tokenizer = tokenizers.get("midigpt", preset="prism")
    names = [tokenizer.vocabulary.name(token) for token in tokenizer.encode(song())]
    assert len(tokenizer.vocabulary) == 843
    assert names[:14] == [
        "PieceStart_0", "NumBars_3", "Track_0", "Instrument_27", "MinNoteDuration_2", "MaxNoteDuration_5",
        "PitchRange_7", "KeySignature_4", "SilenceProportion_7", "Bar_0", "BarLevelOnsetPolyphonyMin_0",
        "BarLevelOnsetPolyphonyMax_1", "TimeSig_13", "VelocityLevel_20",
    ]  # fmt: skip
    drums = names[names.index("TrackEnd_0") + 1 :]
    assert drums[:5] == ["Track_1", "Instrument_0", "SilenceProportion_9", "Bar_0", "BarLevelOnsetDensity_0"]


def test_expressive_encodes_every_velocity_and_shifts() -> None:
    """20 ticks of 480 are half a step of the grid: 6 of its 12 parts, of which 5 are the most."""
    tokenizer = tokenizers.get("midigpt", preset="expressive")
    assert len(tokenizer.vocabulary) == 964
    for ticks, shift in ((0, None), (10, 3), (20, 5), (40, None)):
        score = late(song(), ticks)
        ids = tokenizer.encode(score)
        names = [tokenizer.vocabulary.name(token) for token in ids]
        assert names[1:4] == ["UseVelocity_1", "UseMicrotiming_1", "NumBars_3"]
        first = names.index("VelocityLevel_80") + 1
        assert names[first] == ("NoteOnset_40" if shift is None else f"Delta_{shift}")
        assert tokenizer.grammar.violation(ids) is None
        again = tokenizer.decode(ids)
        assert again.notes["velocity"].tolist() == score.notes["velocity"].tolist()
        assert abs(again.notes["onset"] / 4 - np.sort(score.notes["onset"])).max() <= (3.5 if shift == 5 else 0.5)


def test_bars_to_fill_have_the_usual_attributes_and_no_shifts() -> None:
    tokenizer = tokenizers.get("midigpt", preset="expressive")
    resolution = tokenizer.layout.resolution
    bars = bars_of(song())
    tracks = tracks_of(song(), bars, resolution)
    tracks[0].bars[1] = []
    ids = tokenizer.encode_bars(bars, tracks, [{}, {}], {(0, 1)})
    names = [tokenizer.vocabulary.name(token) for token in ids]
    assert names[:3] == ["PieceStart_1", "UseVelocity_1", "UseMicrotiming_0"]
    second = [at for at, name in enumerate(names) if name == "Bar_0"][1]
    assert names[second : second + 5] == [
        "Bar_0", "BarLevelOnsetPolyphonyMin_0", "BarLevelOnsetPolyphonyMax_1", "TimeSig_13", "FillInPlaceholder_0",
    ]  # fmt: skip
    state = tokenizer.grammar.start()
    for token in ids:
        state = tokenizer.grammar.advance(state, token)
    allowed = tokenizer.grammar.allowed(state)
    kinds = {tokenizer.vocabulary.name(token).split("_")[0] for token in np.flatnonzero(allowed)}
    assert kinds == {"TimeAbsolutePos", "VelocityLevel", "NoteOnset", "FillInEnd"}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("ticks", [0, 10, 20, 35])
def test_its_authors_package_gives_the_same(preset: str, ticks: int) -> None:
    core = pytest.importorskip("midigpt._core", reason="midigpt is not installed")
    import json

    from midigpt import Score as TheirScore
    from midigpt.tokenizer import Tokenizer

    from symbolic_music.io.midi.writer import midi_bytes

    theirs = Tokenizer(core.EncoderConfig.from_json(json.dumps(dict(PRESETS[preset]))))
    options = core.EncodeOptions()
    own = tokenizers.get("midigpt", preset=preset)
    options.window_bars = max(own.layout.bars)
    score = late(song(), ticks)
    their_ids = list(theirs.encode(TheirScore.from_bytes(midi_bytes(score)), options))
    assert own.encode(score).tolist() == their_ids
    again = theirs.decode(their_ids)
    found = sorted((n.pitch, n.velocity, n.duration_ticks) for t in again.tracks for b in t.bars for n in b.notes)
    ours = own.decode(their_ids).notes[["pitch", "velocity", "duration"]].tolist()
    assert sorted(ours) == found


def test_configurations_that_are_not_known_are_refused() -> None:
    assert len(tokenizers.get("midigpt", configuration=YELLOW).vocabulary) == 647
    for wrong, message in (
        ({}, "no configuration of its tokenizer"),
        ({**YELLOW, "time_signatures": ["4/4"]}, "lists of this configuration"),
        ({**YELLOW, "resolution": 0}, "numbers of this configuration"),
    ):
        with pytest.raises(OptionError, match=message):
            tokenizers.get("midigpt", configuration=wrong)
