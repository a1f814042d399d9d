"""Scores of any origin, written as MusicXML."""

from __future__ import annotations

import re

import numpy as np
import pytest

from symbolic_music.io import musicxml_bytes
from symbolic_music.io.notation.engraving.rhythm import note_value, simplest, tied_values
from symbolic_music.io.notation.engraving.spelling import spelled
from symbolic_music.io.notation.musicxml.chord_symbols import chord_text, harmony_element
from symbolic_music.io.notation.source_document import parse_musicxml
from symbolic_music.score import CONTROL, KEY, METER, Score, Text, Track, note_table
from tests.io.notation.sheets import lines, played


def again(score: Score) -> Score:
    return parse_musicxml(musicxml_bytes(score))


def test_pitches_are_spelled_in_the_key() -> None:
    assert [spelled(p, 0)[:2] for p in (61, 63, 66, 68, 70)] == [
        ("C", 1), ("E", -1), ("F", 1), ("G", 1), ("B", -1),
    ]  # fmt: skip
    assert spelled(66, -4) == ("G", -1, 4)
    assert spelled(60, 7) == ("B", 1, 3)
    assert spelled(59, -7) == ("C", -1, 4)
    for pitch in range(128):
        for sharps in range(-7, 8):
            step, alter, octave = spelled(pitch, sharps)
            assert "C D EF G A B".index(step) + alter + 12 * (octave + 1) == pitch


def test_lengths_as_note_values() -> None:
    from fractions import Fraction as F

    assert note_value(F(3, 2)) == ("quarter", 1, 1, 1)
    assert note_value(F(1, 3)) == ("eighth", 0, 3, 2)
    assert note_value(F(2, 5)) == ("eighth", 0, 5, 4)
    assert note_value(F(5, 4)) is None
    assert tied_values(F(1, 2), F(5, 4)) == [F(1, 2), F(3, 4)]
    for length in (F(5, 12), F(11, 32), F(17, 3), F(9, 20)):
        values = tied_values(F(0), length)
        assert sum(values) == length
        assert all(note_value(value) for value in values)
    assert simplest(916, 10_080) == F(1, 11)
    assert simplest(10_080, 10_080) == 1


def test_an_upbeat_is_written_as_one() -> None:
    notes = note_table([(0, 480, 60), (480, 1440, 62), (1920, 1440, 64)])
    meters = np.array([(0, 1, 4), (480, 3, 4)], METER)
    from symbolic_music.score import BAR_NUMBER

    score = Score(notes=notes, meters=meters, bar_numbers=np.array([(0, 0)], BAR_NUMBER))
    text = musicxml_bytes(score).decode()
    assert re.findall(r"<measure [^>]*>", text)[0] == '<measure number="0" implicit="yes">'
    assert text.count("<time>") == 1
    assert lines(again(score)) == [0, 1, 4]
    assert again(score).numbers().tolist() == [0, 1, 2]


def test_velocities_words_marks_chords_and_pedal() -> None:
    score = Score(
        notes=note_table([(0, 480, 60, 33), (480, 480, 62, 80), (960, 960, 64, 127)]),
        keys=np.array([(0, -3, 1)], KEY),
        controls=np.array([(0, 64, 100, 0), (960, 64, 0, 0)], CONTROL),
        texts=(Text(0, "Intro"), Text(480, "la-", "lyric", 0), Text(960, "Cm7", "chord", 0)),
    )
    found = again(score)
    assert found.notes["velocity"].tolist() == [33, 80, 127]
    assert [(t.time // 21, t.text, t.kind) for t in found.texts] == [
        (0, "Intro", "marker"), (480, "la-", "lyric"), (960, "Cm7", "chord"),
    ]  # fmt: skip
    assert found.controls[["number", "value"]].tolist() == [(64, 127), (64, 0)]
    assert found.keys.tolist() == [(0, -3, 1)]


def test_drums_and_pitches_in_one_track() -> None:
    notes = note_table([(0, 240, 36, 90, 0, 9, 0), (240, 240, 75, 80, 0, 9, 0), (480, 480, 60, 80, 11, 0, 0)])
    found = again(Score(notes=notes, tracks=(Track("kit", 0, True),)))
    assert found.instruments.tolist() == [128, 128, 11]
    assert found.notes["pitch"].tolist() == [36, 75, 60]


def test_a_piano_has_two_staves_and_says_the_same() -> None:
    notes = note_table([(0, 960, 40), (0, 480, 72), (480, 480, 74), (0, 1920, 76), (960, 480, 59), (960, 480, 60)])
    score = Score(notes=notes, tracks=(Track("Piano", 0),))
    assert "<staves>2</staves>" in musicxml_bytes(score).decode()
    assert played(again(score)) == played(score)


def test_two_notes_of_one_pitch_at_once_stay_two() -> None:
    score = Score(notes=note_table([(0, 480, 60), (0, 480, 60), (0, 960, 60)]))
    assert played(again(score)) == [(0, 1, 60), (0, 1, 60), (0, 2, 60)]


def test_bars_that_change_their_meter_in_the_middle() -> None:
    score = Score(notes=note_table([(0, 4000, 60)]), meters=np.array([(0, 4, 4), (1000, 3, 4)], METER))
    found = again(score)
    assert lines(found)[:3] == pytest.approx([0, 25 / 12, 61 / 12])


@pytest.mark.parametrize("symbol", ["C", "F#m7", "Bbmaj7/D", "G7", "Adim7", "Esus4", "Dm(maj7)", "C(add9)", "G7(b5)",
                                    "N.C.", "Gm7b5", "N6?!"])  # fmt: skip
def test_chord_symbols_come_back(symbol: str) -> None:
    assert chord_text(harmony_element(symbol)) == symbol


def test_music21_reads_what_is_written() -> None:
    converter = pytest.importorskip("music21.converter")
    notes = note_table(
        [(0, 480, 60), (480, 160, 61), (640, 320, 63), (960, 1440, 65, 80, 0, 0, 0), (0, 1920, 36, 80, 0, 9, 1)]
    )
    score = Score(notes=notes, tracks=(Track("Melody", 56), Track("Drums", 0, True)))
    found = converter.parseData(musicxml_bytes(score).decode(), format="musicxml")
    melody = [(float(n.offset), [p.midi for p in n.pitches]) for n in found.parts[0].stripTies().flatten().notes]
    assert melody == [(0.0, [60]), (1.0, [61]), (pytest.approx(4 / 3), [63]), (2.0, [65])]
    assert [type(n).__name__ for n in found.parts[1].flatten().notes] == ["Unpitched"]
