"""**kern through our own reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from symbolic_music import read
from symbolic_music.errors import NotationError
from symbolic_music.io import musicxml_bytes
from symbolic_music.io.notation.source_document import parse_musicxml
from symbolic_music.io.notation.text.kern import kern_to_musicxml
from symbolic_music.score import Score
from tests.io.notation.sheets import lines, played


def kern(*rows: str) -> Score:
    return parse_musicxml(kern_to_musicxml("\n".join(row.replace(" ; ", "\t") for row in rows) + "\n")[0])


def test_notes_lengths_and_octaves() -> None:
    score = kern("**kern", "*M4/4", "4c", "8.CC#", "16dd-", "12e", "12e", "12e", "4r", "*-")
    assert played(score) == [
        (0, 1, 60), (1, 0.75, 37), (1.75, 0.25, 73), (2, 0.333, 64), (2.333, 0.333, 64), (2.667, 0.333, 64),
    ]  # fmt: skip


def test_an_upbeat_and_the_numbers_of_the_bars() -> None:
    score = kern("**kern", "*M3/4", "4d", "=1", "2.g", "=2", "2.g", "==", "*-")
    assert lines(score) == [0, 1, 4]
    assert score.numbers().tolist() == [0, 1, 2]
    assert score.meters.tolist() == [(0, 1, 4), (10_080, 3, 4)]


def test_the_last_column_is_the_upper_part() -> None:
    score = kern("**kern ; **kern", '*I"Bass ; *I"Soprano', "4C ; 8c", ". ; 8d", "4D ; 4e", "*- ; *-")
    assert [track.name for track in score.tracks] == ["Soprano", "Bass"]
    assert played(score, 0) == [(0, 0.5, 60), (0.5, 0.5, 62), (1, 1, 64)]
    assert played(score, 1) == [(0, 1, 48), (1, 1, 50)]


def test_columns_that_split_and_join() -> None:
    score = kern("**kern", "4c", "*^", "4e ; 8g", ". ; 8a", "*v ; *v", "4c", "*-")
    assert played(score) == [(0, 1, 60), (1, 0.5, 67), (1, 1, 64), (1.5, 0.5, 69), (2, 1, 60)]


def test_chords_ties_and_grace_notes() -> None:
    score = kern("**kern", "[4c 4e", "=", "4c] 4e", "8qd", "4f", "*-")
    assert played(score) == [(0, 1, 64), (0, 2, 60), (1, 1, 64), (1.875, 0.125, 62), (2, 1, 65)]


def test_words_and_dynamics() -> None:
    score = kern("**kern ; **text ; **dynam", "4c ; Ky- ; p", "4d ; -ri- ; <", "4e ; -e ; [ f", "*- ; *- ; *-")
    assert [(t.text, t.kind, t.track) for t in score.texts] == [
        ("Ky-", "lyric", 0), ("ri-", "lyric", 0), ("e", "lyric", 0),
    ]  # fmt: skip
    assert score.notes["velocity"].tolist() == [48, 48, 96]


def test_slurs_articulations_and_repeats_are_in_the_document() -> None:
    document, told = kern_to_musicxml("**kern\n*M2/4\n(4c'\n4d)^\n=:|!\n4e;\n4f{\n==\n*-\n")
    text = document.decode()
    for element in ('<slur type="start"', '<slur type="stop"', "<staccato/>", "<accent/>", "<fermata/>",
                    '<repeat direction="backward"/>'):  # fmt: skip
        assert text.count(element) == 1
    assert told == ("not read: phrase marks",)


def test_keys_meters_tempos() -> None:
    score = kern("**kern", "*k[b-e-]", "*g:", "*M2/4", "*MM90", "2c", "=", "*M3/4", "2.c", "*-")
    assert score.keys.tolist() == [(0, -2, 1)]
    assert [row[1:] for row in score.meters.tolist()] == [(2, 4), (3, 4)]
    assert score.tempos["microseconds"].tolist() == [666_667]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", r"line 1: no \*\*kern"),
        ("**text\nla\n*-\n", r"no \*\*kern column"),
        ("**kern\t**kern\n4c\n", "line 2: 1 columns where there are 2"),
        ("**kern\n0%0c\n", "no length"),
        ("**kern\nc\n", "without a length"),
        ("**kern\n" + "*^\n" + "\n".join("\t".join(["*^"] * 2**n) for n in range(1, 9)), "more than 256 columns"),
        ("", r"no \*\*kern"),
    ],
)
def test_what_is_no_kern(text: str, message: str) -> None:
    with pytest.raises(NotationError, match=message):
        kern_to_musicxml(text)


def test_an_edit_of_a_kern_file_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.krn"
    path.write_text("**kern\n*M2/4\n(4c\n4d)\n=2\n4e\n4f\n=3\n2g;\n==\n*-\n")
    score = read(path)
    notes = score.notes.copy()
    notes["pitch"][2] = 70
    again = musicxml_bytes(score.replace(notes=notes))
    assert again.count(b"<slur") == 2
    assert again.count(b"<fermata") == 1
    assert parse_musicxml(again).notes["pitch"].tolist() == [60, 62, 70, 65, 67]


def test_a_column_that_is_added_is_a_part_from_there_on() -> None:
    added = ("*+", "* ; **kern", "* ; *M2/4", "=2 ; =2")
    score = kern("**kern", "*M2/4", "=1", "2c", *added, "4d ; 2f", "4e ; .", "== ; ==", "*- ; *-")
    assert played(score, 1) == [(0, 2, 60), (2, 1, 62), (3, 1, 64)]
    assert played(score, 0) == [(2, 2, 65)]
    assert lines(score) == [0, 2]
    assert not score.problems


def test_an_added_column_in_the_middle_of_a_bar_begins_with_its_row() -> None:
    score = kern("**kern", "*M4/4", "4c", "2d", "*+", "* ; **kern", "4e ; 8g", ". ; 8a", "*- ; *-")
    assert played(score, 0) == [(3, 0.5, 67), (3.5, 0.5, 69)]


def test_words_and_unknown_columns_that_are_added() -> None:
    rows = ("**kern", "4c", "*+", "* ; **text", "4d ; la", "*+ ; *", "* ; **odd ; *", "4e ; x ; lu", "*- ; *- ; *-")
    score = kern(*rows)
    assert [(text.time, text.text) for text in score.texts] == [(10_080, "la"), (20_160, "lu")]
    told = kern_to_musicxml("**kern\n4c\n*+\n*\t**odd\n4d\tx\n*-\t*-\n")[1]
    assert told == ("not read: **odd",)
