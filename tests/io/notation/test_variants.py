"""Ten further ways to write upbeats, transpositions, drums, programs and chord symbols, with what they sound like."""

from __future__ import annotations

from pathlib import Path

from symbolic_music import read
from symbolic_music.io import musicxml_bytes, read_unfolded
from symbolic_music.io.notation.source_document import parse_musicxml
from symbolic_music.score import Score
from tests.io.notation.sheets import document, drum, drums, instrument, line, lines, note, played, start


def one(*bars: str | tuple[str, str], instruments: str = "", name: str = "") -> Score:
    return parse_musicxml(document((name, instruments, list(bars))))


def test_an_upbeat_of_two_parts_one_of_which_rests() -> None:
    upbeat = 'number="0" implicit="yes"'
    score = parse_musicxml(
        document(("A", "", [(upbeat, start(3) + note("D5")), ('number="1"', line("G4 A4 B4"))]),
                 ("B", "", [(upbeat, start(3) + note("r")), ('number="1"', line("G3 A3 B3"))]))
    )  # fmt: skip
    assert lines(score) == [0, 1]
    assert score.numbers().tolist() == [0, 1]
    assert played(score, 1) == [(1, 1, 55), (2, 1, 57), (3, 1, 59)]


def test_an_upbeat_before_a_meter_that_changes() -> None:
    meter = "<attributes><time><beats>2</beats><beat-type>4</beat-type></time></attributes>"
    score = one(('number="0" implicit="yes"', start(4) + note("D4")), ('number="1"', line("C4 C4 C4 C4")),
                ('number="2"', meter + line("E4 E4")), ('number="3"', line("F4 F4")))  # fmt: skip
    assert lines(score) == [0, 1, 5, 7]
    assert score.numbers().tolist() == [0, 1, 2, 3]


def test_a_horn_among_flutes_is_written_where_it_is_read() -> None:
    horn = start(more="<transpose><diatonic>-4</diatonic><chromatic>-7</chromatic></transpose>")
    score = parse_musicxml(document(("Flute", "", [start() + line("C5 D5")]), ("Horn", "", [horn + line("C5 D5")])))
    assert [row[2] for row in played(score, 0)] == [72, 74]
    assert [row[2] for row in played(score, 1)] == [65, 67]
    notes = score.notes.copy()
    notes["pitch"][notes["track"] == 1] += 2
    again = parse_musicxml(musicxml_bytes(score.replace(notes=notes)))
    assert [row[2] for row in played(again, 1)] == [67, 69]
    assert b"<transpose>" in musicxml_bytes(score.replace(notes=notes))


def test_a_piccolo_sounds_an_octave_higher() -> None:
    up = "<transpose><diatonic>0</diatonic><chromatic>0</chromatic><octave-change>1</octave-change></transpose>"
    assert [row[2] for row in played(one(start(more=up) + line("C5 r B4")))] == [84, 83]


def test_a_staff_transposes_by_itself() -> None:
    lower = '<staves>2</staves><transpose number="2"><chromatic>-12</chromatic></transpose>'
    back = "<backup><duration>2</duration></backup>"
    score = one(start(more=lower) + note("C5", inside="<staff>1</staff>") + back
                + note("C4", inside="<staff>2</staff>").replace("<voice>1", "<voice>2"))  # fmt: skip
    assert played(score) == [(0, 1, 48), (0, 1, 72)]


def test_drums_and_a_melody_in_one_part_stay_apart() -> None:
    score = one(
        start() + note("C4") + drum(38) + note("E4") + drum(42, "G5"), instruments=instrument(0) + drums(38, 42)
    )
    on_kit = score.notes["channel"] == 9
    assert score.notes["pitch"][on_kit].tolist() == [38, 42]
    again = parse_musicxml(musicxml_bytes(score))
    assert played(again) == played(score)


def test_a_program_of_the_part_and_one_by_its_name() -> None:
    score = parse_musicxml(
        document(("x", instrument(73), [start() + line("C5")]), ("Violoncello", "", [start() + line("C3")]))
    )
    assert [track.program for track in score.tracks] == [73, 42]


def test_ties_through_three_bars_make_one_note() -> None:
    def tied(*kinds: str) -> str:
        return note("C4", 8, sounds="".join(f'<tie type="{kind}"/>' for kind in kinds))

    assert played(one(start() + tied("start"), tied("stop", "start"), tied("stop"))) == [(0, 12, 60)]


def test_chord_symbols_are_texts_where_they_stand() -> None:
    def harmony(root: str, kind: str, more: str = "") -> str:
        return f"<harmony><root><root-step>{root}</root-step></root><kind>{kind}</kind>{more}</harmony>"

    bass = "<bass><bass-step>G</bass-step></bass>"
    score = one(start() + harmony("C", "major", bass) + line("C4 D4") + harmony("A", "minor-seventh") + line("E4 F4"))
    quarter = score.ticks_per_quarter
    assert [(text.time / quarter, text.text) for text in score.texts if text.kind == "chord"] == [
        (0, "C/G"),
        (2, "Am7"),
    ]
    assert len(score) == 4


def test_second_endings_are_told_and_unfold(tmp_path: Path) -> None:
    first = '<barline location="left"><ending number="1" type="start"/></barline>'
    stop = '<ending number="1" type="stop"/><repeat direction="backward"/>'
    second = '<barline location="left"><ending number="2" type="start"/></barline>'
    held = document(("", "", [
        start() + note("C4", 8), first + note("D4", 8) + f'<barline location="right">{stop}</barline>',
        second + note("E4", 8) + '<barline location="right"><ending number="2" type="stop"/></barline>',
    ]))  # fmt: skip
    (tmp_path / "a.musicxml").write_bytes(held)
    score = read(tmp_path / "a.musicxml")
    assert [row[2] for row in played(score)] == [60, 62, 64]
    assert any("repeats" in told for told in score.problems)
    assert [row[2] for row in played(read_unfolded(tmp_path / "a.musicxml"))] == [60, 62, 60, 64]
