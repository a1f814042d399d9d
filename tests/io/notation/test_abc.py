"""ABC through our own reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from symbolic_music import read
from symbolic_music.errors import NotationError
from symbolic_music.io import read_unfolded
from symbolic_music.io.notation.source_document import parse_musicxml
from symbolic_music.io.notation.text.abc import abc_to_musicxml
from symbolic_music.io.notation.text.abc_fields import parse_key, parse_tempo
from symbolic_music.score import Score
from tests.io.notation.sheets import lines, played

HEAD = "X:1\nM:4/4\nL:1/4\nK:C\n"


def abc(text: str) -> Score:
    return parse_musicxml(abc_to_musicxml(text)[0])


def pitches(music: str, head: str = HEAD) -> list[int]:
    return [row[2] for row in played(abc(head + music + "\n"))]


def test_notes_octaves_lengths_and_rests() -> None:
    assert played(abc(HEAD + "C,2 c' z/2 d/ | e3/2 f/4 g//|\n")) == [
        (0, 2, 48), (2, 1, 84), (3.5, 0.5, 74), (4, 1.5, 76), (5.5, 0.25, 77), (5.75, 0.25, 79),
    ]  # fmt: skip


def test_accidentals_hold_for_the_bar_in_all_octaves() -> None:
    assert pitches("^F F f _B | F B ^B B|") == [66, 66, 78, 70, 65, 71, 72, 72]
    assert pitches("F c =f f", "X:1\nL:1/4\nK:D\n") == [66, 73, 77, 77]


@pytest.mark.parametrize(
    ("key", "sharps", "altered"),
    [("G", 1, {"F": 1}), ("Em", 1, {"F": 1}), ("Bb", -2, {"B": -1, "E": -1}), ("D dorian", 0, {}),
     ("A mix", 2, {"F": 1, "C": 1}), ("F#minor", 3, {"F": 1, "C": 1, "G": 1}), ("HP", 2, {"F": 1, "C": 1}),
     ("D ^c _b", 2, {"F": 1, "C": 1, "B": -1}), ("none", 0, {})],
)  # fmt: skip
def test_keys(key: str, sharps: int, altered: dict[str, int]) -> None:
    found = parse_key(key)
    assert found is not None
    assert (found.sharps, found.alters) == (sharps, altered)


def test_tempos() -> None:
    from fractions import Fraction as F

    assert parse_tempo("1/4=120", F(1, 2)) == 120
    assert parse_tempo('"Allegro" 3/8=80', F(1, 2)) == 120
    assert parse_tempo("120", F(1, 2)) == 60
    assert abc("X:1\nQ:1/4=90\nL:1/4\nK:C\nC [Q:1/4=60] D|\n").tempos["microseconds"].tolist() == [666_667, 1_000_000]


def test_tuplets_and_broken_rhythm() -> None:
    assert [row[:2] for row in played(abc(HEAD + "(3CDE F>G|\n"))] == [
        (0, 0.667), (0.667, 0.667), (1.333, 0.667), (2, 1.5), (3.5, 0.5),
    ]  # fmt: skip
    assert [row[1] for row in played(abc(HEAD + "C<D C>>D (3:2:2C2D|\n"))] == [0.5, 1.5, 1.75, 0.25, 1.333, 0.667]


def test_chords_ties_and_graces() -> None:
    assert played(abc(HEAD + "[CEG]2- [CEG]2 | {d}c4-|c4|\n")) == [
        (0, 4, 60), (0, 4, 64), (0, 4, 67), (3.875, 0.125, 74), (4, 8, 72),
    ]  # fmt: skip
    assert played(abc(HEAD + "^F4-|F4|F4|\n")) == [(0, 8, 66), (8, 4, 65)]


VOICES = ["V:1\nCDEF|\nGABc|\nV:2\nC,4|\nD,4|\n", "V:1\nV:2\nV:1\nCDEF|\nV:2\nC,4|\nV:1\nGABc|\nV:2\nD,4|\n",
          "[V:1]CDEF|GABc|\n[V:2]C,4|D,4|\n", "[V:1]CDEF|[V:2]C,4|\n[V:1]GABc|[V:2]D,4|\n"]  # fmt: skip


@pytest.mark.parametrize("music", VOICES)
def test_voices_in_all_forms_sound_together(music: str) -> None:
    score = abc(HEAD + music)
    assert [row[2] for row in played(score, 0)] == [60, 62, 64, 65, 67, 69, 71, 72]
    assert played(score, 1) == [(0, 4, 48), (4, 4, 50)]


def test_overlays_sound_with_their_bar() -> None:
    assert played(abc(HEAD + "C4 & E2G2 | D4|\n")) == [(0, 2, 64), (0, 4, 60), (2, 2, 67), (4, 4, 62)]


def test_an_overlay_of_several_bars_is_an_error() -> None:
    with pytest.raises(NotationError, match="of several bars"):
        abc_to_musicxml(HEAD + "(& C4 | D4 & E4 | F4 &)|")


def test_inline_fields_change_key_meter_and_length() -> None:
    score = abc(HEAD + "F4|[K:G]F4|[M:3/4][L:1/8]F6|F6|\n")
    assert [row[2] for row in played(score)] == [65, 66, 66, 66]
    assert lines(score) == [0, 4, 8, 11]


def test_an_upbeat_has_number_0() -> None:
    score = abc("X:1\nM:3/4\nL:1/4\nK:G\nD|GAB|G3|]\n")
    assert lines(score) == [0, 1, 4]
    assert score.numbers().tolist() == [0, 1, 2]


def test_programs_channels_and_transpositions() -> None:
    score = abc("X:1\nL:1/4\nK:C\nV:1\n%%MIDI program 40\nC4|\nV:2 clef=perc\nF4|\nV:3 transpose=-2\nD4|\n")
    assert [track.program for track in score.tracks] == [40, 0, 0]
    assert [row[2] for row in played(score, 1)] == [36]
    assert score.tracks[1].is_drum
    assert played(score, 2) == [(0, 4, 60)]
    assert abc("X:1\nL:1/4\n%%MIDI program 73\nK:C\nC|\n").tracks[0].program == 73
    assert abc("X:1\nL:1/4\nK:C clef=treble-8\nC|\n").notes["pitch"].tolist() == [48]


def test_words_and_chord_symbols() -> None:
    score = abc(HEAD + '"Am7"C D "^slow"E F|\nw: Sal-ve _ Re\nw: oth-er * one\n')
    assert [(t.time // 10_080, t.text, t.kind) for t in score.texts] == [
        (0, "Am7", "chord"), (0, "Sal-", "lyric"), (1, "ve", "lyric"), (2, "slow", "text"), (3, "Re", "lyric"),
    ]  # fmt: skip


def test_repeats_and_endings_are_told() -> None:
    score = abc(HEAD + "|:C4|1 D4:|2 E4||F4|]\n")
    assert score.problems == ("repeats are read once, as written: bars 1 to 2 (twice)",)
    text = abc_to_musicxml(HEAD + "|:C4|1 D4:|2 E4||F4|]\n")[0].decode()
    assert text.count('type="start"') == 2


def test_decorations_become_dynamics_and_marks() -> None:
    score = abc(HEAD + "!p!C !f!D !accent!E F|\n")
    assert score.notes["velocity"].tolist() == [48, 96, 108, 96]


def test_the_first_of_several_tunes(tmp_path: Path) -> None:
    path = tmp_path / "x.abc"
    path.write_text(HEAD + "C|\n\nX:2\nK:C\nD|\n")
    assert read(path).problems[-1] == "2 pieces in one file: only the first is read"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "no tune"),
        ("X:1\nT:x\n", "no tune"),
        (HEAD + "C99999|", "a note of"),
        (HEAD + "C0|", "no length"),
        (HEAD + "\n".join(f"V:{i}\nC|" for i in range(300)), "more than 256 voices"),
        (HEAD + "C" + "&C" * 40, "overlays"),
        (HEAD + "C" + ">" * 200_000 + "D|", "a note of"),  # each three signs halved it again, for minutes
    ],
)
def test_what_is_no_tune(text: str, message: str) -> None:
    with pytest.raises(NotationError, match=message):
        abc_to_musicxml(text)


def test_a_mark_is_on_a_note_once() -> None:
    marked, _ = abc_to_musicxml(HEAD + "." * 100_000 + "!trill!C|\n")
    assert marked.count(b"<staccato") == 1
    assert marked.count(b"<trill-mark") == 1


def test_words_begin_with_their_line_of_music() -> None:
    score = abc(HEAD + "CDEF|GABc|\nCDEF|GABc|\nw: la | lo\nw: da - | du\n")
    # In quarters; of the verses the first is sung.
    assert [(t.time // 10_080, t.text) for t in score.texts if t.kind == "lyric"] == [(8, "la"), (12, "lo")]


def test_a_program_that_changes_in_a_voice() -> None:
    score = abc(HEAD + "V:1\n%%MIDI program 40\nCD EF|\n%%MIDI program 73\nGA [I:MIDI program 40]Bc|\n")
    assert score.notes["program"].tolist() == [40] * 4 + [73] * 2 + [40] * 2
    assert score.notes["track"].tolist() == [0] * 8
    late = abc(HEAD + "CD EF|\n%%MIDI program 73\n{g}G2 [EG]2|\n")
    assert late.notes["program"].tolist() == [0] * 4 + [73] * 4
    named = abc(HEAD + 'V:1 name="Violin"\nCD EF|\n%%MIDI program 73\nG4|\n')
    assert named.notes["program"].tolist() == [40] * 4 + [73]


def test_what_is_not_read_is_told_of_an_unfolded_tune_too(tmp_path: Path) -> None:
    path = tmp_path / "x.abc"
    path.write_text("X:1\nM:2/4\nL:1/4\nP:ABA\nK:C\nP:A\nCD|\nP:B\nEF|\n")
    assert read(path).problems == read_unfolded(path).problems == ("not read: the order of parts (P:)",)


def test_a_transposition_that_changes_in_a_voice() -> None:
    assert pitches("CD|\n%%MIDI transpose 12\nCD [I:MIDI transpose -1]C|") == [60, 62, 72, 74, 59]


def test_accidentals_hold_as_far_as_the_tune_says() -> None:
    assert pitches("^F f F, =f F|F f") == [66, 78, 54, 77, 65, 65, 77]
    assert sorted(pitches("^F f & F2|")) == [65, 66, 78]
    assert pitches("^F f F|", HEAD + "%%propagate-accidentals octave\n") == [66, 77, 66]
    assert pitches("^F f F|", "I:propagate-accidentals not\n" + HEAD) == [66, 77, 65]


@pytest.mark.parametrize(
    ("music", "played_pitches"),
    [
        ("|:C4|1-2 D4:|3 E4|]", [60, 62, 60, 62, 60, 64]),
        ("|:C4|1,3 D4:|2 E4:|4 F4|]", [60, 62, 60, 64, 60, 62, 60, 65]),
        ("|:C4|1 D4:|2 E4||F4|G4:|", [60, 62, 60, 64, 65, 67, 65, 67]),
        ("|:C4|1 D4:|2 E4:|F4:|", [60, 62, 60, 64, 65, 65]),
    ],
)
def test_endings_of_several_passes_unfold(music: str, played_pitches: list[int], tmp_path: Path) -> None:
    path = tmp_path / "x.abc"
    path.write_text(HEAD + music + "\n")
    assert read_unfolded(path).notes["pitch"].tolist() == played_pitches


def test_passes_are_told_as_they_are_played() -> None:
    assert abc(HEAD + "|:C4|1-2 D4:|3 E4|]\n").problems == ("repeats are read once, as written: bars 1 to 2 (3 times)",)
