"""The ids of MIDI-GPT, by hand, and beside its authors' package where that is installed."""

from __future__ import annotations

import numpy as np
import pytest

from symbolic_music import tokenizers
from symbolic_music.errors import OptionError
from symbolic_music.score import METER, Score, Track, note_table
from symbolic_music.tokenizers.public.midigpt import level_of
from symbolic_music.tokenizers.public.midigpt_layout import YELLOW


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


def test_its_authors_package_gives_the_same() -> None:
    core = pytest.importorskip("midigpt._core", reason="midigpt is not installed")
    import json

    from midigpt import Score as TheirScore
    from midigpt.tokenizer import Tokenizer

    from symbolic_music.io.midi.writer import midi_bytes

    theirs = Tokenizer(core.EncoderConfig.from_json(json.dumps(dict(YELLOW))))
    options = core.EncodeOptions()
    options.window_bars = 8
    their_ids = theirs.encode(TheirScore.from_bytes(midi_bytes(song())), options)
    assert tokenizers.get("midigpt").encode(song()).tolist() == list(their_ids)


def test_configurations_that_are_not_known_are_refused() -> None:
    assert len(tokenizers.get("midigpt", configuration=YELLOW).vocabulary) == 647
    for wrong, message in (
        ({}, "no configuration of its tokenizer"),
        ({**YELLOW, "time_signatures": ["4/4"]}, "lists of this configuration"),
        ({**YELLOW, "resolution": 0}, "numbers of this configuration"),
    ):
        with pytest.raises(OptionError, match=message):
            tokenizers.get("midigpt", configuration=wrong)
