"""What a MusicXML document sounds like."""

from __future__ import annotations

from pathlib import Path

import pytest

from symbolic_music import read
from symbolic_music.io import read_unfolded
from symbolic_music.io.notation.source_document import parse_musicxml
from symbolic_music.score import Score
from tests.io.notation.sheets import document, drum, drums, instrument, line, lines, note, played, start


def one(*bars: str | tuple[str, str], instruments: str = "", name: str = "") -> Score:
    return parse_musicxml(document((name, instruments, list(bars))))


def direction(kind: str, sound: str = "") -> str:
    return f"<direction><direction-type>{kind}</direction-type>{sound}</direction>"


def test_a_transposing_instrument_sounds_lower_than_it_is_written() -> None:
    clarinet = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    bass = "<transpose><chromatic>-2</chromatic><octave-change>-1</octave-change></transpose>"
    score = parse_musicxml(
        document(("A", "", [start(more=clarinet) + line("D5 E5")]), ("B", "", [start(more=bass) + line("D5 E5")]))
    )
    assert [row[2] for row in played(score, 0)] == [72, 74]
    assert [row[2] for row in played(score, 1)] == [60, 62]


def test_keys_are_those_that_sound() -> None:
    clarinet = "<transpose><chromatic>-2</chromatic></transpose>"
    data = document(("A", "", [start(more=clarinet) + line("D5")])).replace(b"<fifths>0<", b"<fifths>3<")
    assert parse_musicxml(data).keys["sharps"].tolist() == [1]
    assert parse_musicxml(data).notes["pitch"].tolist() == [72]


def test_a_transposition_may_change_in_the_middle() -> None:
    to_a = "<attributes><transpose><chromatic>-3</chromatic></transpose></attributes>"
    assert [row[2] for row in played(one(start() + line("C5") + to_a + line("C5")))] == [72, 69]


def test_drums_are_what_their_instrument_says_else_what_their_place_does() -> None:
    score = one(start() + drum(36, "F4") + drum(42, "G5"), instruments=drums(36, 42))
    assert played(score) == [(0, 1, 36), (1, 1, 42)]
    assert score.tracks[0].is_drum
    assert score.notes["channel"].tolist() == [9, 9]
    placed = "<note><unpitched><display-step>F</display-step><display-octave>4</display-octave></unpitched>"
    score = one(start() + placed + "<duration>2</duration></note>" + line("C4"))
    assert played(score) == [(0, 1, 36), (1, 1, 60)]
    assert not score.tracks[0].is_drum
    assert score.notes["channel"].tolist() == [9, 0]
    assert any("1 drum guessed from its place" in told for told in score.problems)


def test_an_upbeat_is_a_bar_of_its_own_and_has_number_0() -> None:
    score = one(('number="0" implicit="yes"', start(3) + line("D4")), ('number="1"', line("G4 A4 B4")),
                ('number="2"', line("G4 A4 B4")))  # fmt: skip
    assert lines(score) == [0, 1, 4]
    assert score.numbers().tolist() == [0, 1, 2]
    assert score.meters.tolist() == [(0, 1, 4), (10_080, 3, 4)]


def test_an_upbeat_that_nothing_calls_one() -> None:
    score = one(start(4) + line("D4", 1), line("G4 A4 B4 C5"), line("G4 A4 B4 C5"))
    assert lines(score) == [0, 0.5, 4.5]
    assert score.numbers().tolist() == [1, 2, 3]


def test_a_bar_that_a_repeat_divides_has_one_number() -> None:
    back = '<barline location="right"><repeat direction="backward"/></barline>'
    score = one(start(3) + line("G4 A4 B4"), line("G4 A4") + back, ('number="X1" implicit="yes"', line("B4")),
                ('number="3"', line("G4 A4 B4")))  # fmt: skip
    assert lines(score) == [0, 3, 5, 6]
    assert score.numbers().tolist() == [1, 2, 2, 3]
    assert score.problems == ("repeats are read once, as written: bars 1 to 2 (twice)",)


def test_a_bar_of_quintuplets_too_many() -> None:
    score = one(start(4, divisions=5) + "".join(note("C4", 1) for _ in range(22)), line("C4", 20), line("D4", 20))
    assert lines(score) == [0, 4.4, 8.4]


def test_a_last_bar_that_fills_up_the_upbeat_changes_no_meter() -> None:
    score = one(start(3) + line("D4"), line("G4 A4 B4"), line("G4 A4"))
    assert [row[1:] for row in score.meters.tolist()] == [(1, 4), (3, 4)]


def test_meters_that_change_and_that_add_up() -> None:
    time = "<attributes><time><beats>3+2</beats><beat-type>8</beat-type></time></attributes>"
    score = one(start(2) + line("C4 D4"), time + line("C4 D4") + note("E4", 1), line("C4 D4") + note("E4", 1))
    assert score.meters.tolist() == [(0, 2, 4), (20_160, 5, 8)]
    assert lines(score) == [0, 2, 4.5]


def test_programs_names_volume_and_pan() -> None:
    mixed = instrument(40).replace("</midi-instrument>", "<volume>50</volume><pan>-90</pan></midi-instrument>")
    score = one(start() + line("C4"), instruments=mixed)
    assert score.tracks[0].program == 40
    assert score.controls[["number", "value"]].tolist() == [(7, 64), (10, 0)]
    assert one(start() + line("C4"), name="Flauto II").tracks[0].program == 73
    assert one(start() + line("C4"), name="Nobody").tracks[0].program == 0


def test_a_part_may_change_its_instrument() -> None:
    two = instrument(73) + instrument(72).replace("I1", "I2")
    piccolo = note("D4").replace("<voice>", '<instrument id="P1-I2"/><voice>')
    assert one(start() + line("C4") + piccolo, instruments=two).notes["program"].tolist() == [73, 72]


def test_dynamics_hold_until_the_next_and_hairpins_go_between() -> None:
    p, f = direction("<dynamics><p/></dynamics>"), direction("<dynamics><f/></dynamics>")
    grow, stop = direction('<wedge type="crescendo"/>'), direction('<wedge type="stop"/>')
    score = one(start() + line("C4") + p + grow + line("C4 C4 C4"), line("C4") + stop + f + line("C4 C4"))
    assert score.notes["velocity"].tolist() == [80, 48, 60, 72, 84, 96, 96]
    score = one(start() + direction('<wedge type="diminuendo"/>') + line("C4 C4") + stop + line("C4 C4"))
    assert score.notes["velocity"].tolist() == [80, 72, 64, 64]


def test_marks_of_one_note_and_accents() -> None:
    sudden, fp = direction("<dynamics><sfz/></dynamics>"), direction("<dynamics><fp/></dynamics>")
    accent = "<notations><articulations><accent/></articulations></notations>"
    loud = note("C4").replace("<note>", '<note dynamics="100">')
    score = one(start() + sudden + line("C4 C4") + fp + line("C4 C4"), note("C4", inside=accent) + loud)
    assert score.notes["velocity"].tolist() == [112, 80, 96, 48, 60, 90]


def test_loudness_that_a_sound_says() -> None:
    assert one(start() + '<sound dynamics="50"/>' + line("C4")).notes["velocity"].tolist() == [45]


def test_tempos_of_marks_and_of_sounds() -> None:
    mark = direction("<metronome><beat-unit>quarter</beat-unit><beat-unit-dot/><per-minute>60</per-minute></metronome>")
    score = one(start() + mark + line("C4 D4"), '<sound tempo="120"/>' + line("C4"))
    assert score.tempos.tolist() == [(0, 666_667), (20_160, 500_000)]


def test_ties_over_bars_and_voices() -> None:
    on, off = '<tie type="start"/>', '<tie type="stop"/>'
    other = note("C4", sounds=off).replace("<voice>1", "<voice>2")
    score = one(start(2) + line("r") + note("C4", sounds=on), other + line("C4"))
    assert played(score) == [(1, 2, 60), (3, 1, 60)]


def test_a_tie_without_an_end_is_a_note() -> None:
    assert played(one(start(2) + note("C4", sounds='<tie type="start"/>') + line("D4"))) == [(0, 1, 60), (1, 1, 62)]


def test_chords_and_voices() -> None:
    chord = note("E4", before="<chord/>")
    back = "<backup><duration>4</duration></backup>"
    score = one(start(2) + line("C4") + chord + line("D4") + back + line("C3", 4))
    assert played(score) == [(0, 1, 60), (0, 1, 64), (0, 2, 48), (1, 1, 62)]


def coarse(name: str, duration: int, kind: str = "quarter", more: str = "<dot/>") -> str:
    return note(name, duration, inside=f"<type>{kind}</type>{more}")


def test_lengths_that_divisions_cannot_say_are_those_of_the_type() -> None:
    first = start(6, 8, divisions=1)
    for durations in ((2, 2), (1, 1), (1, 2)):
        score = one(first + "".join(map(coarse, ("C4", "D4"), durations)) + "<backup><duration>3</duration></backup>"
                    + coarse("C3", 3, "half"), line("E4", 3))  # fmt: skip
        assert played(score) == [(0, 1.5, 60), (0, 3, 48), (1.5, 1.5, 62), (3, 3, 64)]
        assert (score.bars() / score.ticks_per_quarter).tolist() == [0, 3]


def test_tuplets_that_divisions_cannot_say() -> None:
    third = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>"
    names = zip(("C4", "D4", "E4"), (1, 1, 2), strict=True)
    bar = "".join(coarse(name, length, "quarter", third) for name, length in names)
    score = one(start(2, divisions=2) + bar + "<forward><duration>0</duration></forward>", line("F4"))
    quarter = score.ticks_per_quarter
    assert score.notes["onset"].tolist() == [0, 2 * quarter // 3, 4 * quarter // 3, 2 * quarter]


def test_a_duration_that_is_another_than_the_type_by_a_division_or_more_stays() -> None:
    assert played(one(start(2, divisions=2) + coarse("C4", 2, "eighth", "") + line("D4"))) == [(0, 1, 60), (1, 1, 62)]


def test_grace_notes_sound_before_their_beat() -> None:
    grace = note("D5", before="<grace/>") + note("E5", before='<grace slash="yes"/>')
    score = one(start(2) + line("C5") + grace + line("F5"))
    assert played(score) == [(0, 1, 72), (0.75, 0.125, 74), (0.875, 0.125, 76), (1, 1, 77)]
    assert played(one(start(2) + note("D5", before="<grace/>") + line("C5")))[0] == (0, 0.125, 74)
    steal = note("D5", before='<grace steal-time-following="50"/>')
    assert played(one(start(2) + steal + line("C5"))) == [(0, 0.5, 74), (0.5, 0.5, 72)]


def test_words_stay_with_their_part_and_chord_symbols_are_no_notes() -> None:
    sung = note("C4", inside="<lyric><syllabic>begin</syllabic><text>A</text></lyric>") + note(
        "D4", inside="<lyric><syllabic>end</syllabic><text>men</text></lyric>"
    )
    chord = (
        "<harmony><root><root-step>B</root-step><root-alter>-1</root-alter></root><kind>minor-seventh</kind>"
        "<bass><bass-step>F</bass-step></bass></harmony>"
    )
    score = parse_musicxml(document(("A", "", [start() + line("C4")]), ("B", "", [start() + chord + sung])))
    assert [(t.time // 10_080, t.text, t.kind, t.track) for t in score.texts] == [
        (0, "Bbm7/F", "chord", 1), (0, "A-", "lyric", 1), (1, "men", "lyric", 1),
    ]  # fmt: skip
    assert len(score) == 3


def test_pedal_rehearsal_marks_and_words() -> None:
    score = one(start() + direction("<rehearsal>A</rehearsal>") + direction('<pedal type="start"/>') + line("C4")
                + direction('<pedal type="stop"/>') + direction("<words>dolce</words>") + line("C4"))  # fmt: skip
    assert score.controls[["time", "number", "value"]].tolist() == [(0, 64, 127), (10_080, 64, 0)]
    assert [(t.text, t.kind) for t in score.texts] == [("A", "marker"), ("dolce", "text")]


def test_what_is_not_played_is_told() -> None:
    trill = "<notations><ornaments><trill-mark/></ornaments></notations>"
    cue = note("D4", before="<cue/>")
    quarter_tone = note("F#4").replace("<alter>1<", "<alter>0.5<")
    score = one(start() + note("C4", inside=trill) + cue + quarter_tone)
    assert played(score) == [(0, 1, 60), (2, 1, 65)]
    assert score.problems == ("not played as written: 1 cue note, 1 microtone, 1 trill",)


def test_repeats_endings_and_jumps_unfold(tmp_path: Path) -> None:
    def bar(name: str, left: str = "", right: str = "", sound: str = "") -> str:
        return f"{left}{note(name, 2)}{sound}{right}"

    forward = '<barline location="left"><repeat direction="forward"/></barline>'

    def volta(n: str, side: str, more: str = "") -> str:
        kind = "start" if side == "left" else "stop"
        return f'<barline location="{side}"><ending number="{n}" type="{kind}"/>{more}</barline>'

    back = '<repeat direction="backward"/>'
    path = tmp_path / "x.musicxml"
    path.write_bytes(document(("", "", [
        start(1) + bar("C4"), bar("D4", forward), bar("E4", volta("1", "left"), volta("1", "right", back)),
        bar("F4", volta("2", "left"), volta("2", "right")), bar("G4", sound='<sound dacapo="yes"/>'),
    ])))  # fmt: skip
    assert [row[2] for row in played(read_unfolded(path))] == [60, 62, 64, 62, 65, 67, 60, 62, 65, 67]
    assert [row[2] for row in played(read(path))] == [60, 62, 64, 65, 67]
    assert read(path).problems == ("repeats are read once, as written: bars 2 to 3 (twice), da capo",)
    path.write_bytes(document(("", "", [
        start(1) + bar("C4"), bar("D4", sound='<sound segno="a"/>'), bar("E4", sound='<sound tocoda="b"/>'),
        bar("F4", sound='<sound dalsegno="a"/>'), bar("G4", sound='<sound coda="b"/>'),
    ])))  # fmt: skip
    assert [row[2] for row in played(read_unfolded(path))] == [60, 62, 64, 65, 62, 64, 67]


def test_each_pass_has_its_verse(tmp_path: Path) -> None:
    verses = '<lyric number="1"><text>one</text></lyric><lyric number="2"><text>two</text></lyric>'
    back = '<barline location="right"><repeat direction="backward"/></barline>'
    path = tmp_path / "x.musicxml"
    path.write_bytes(document(("", "", [start(1) + note("C4", inside=verses) + back])))
    assert [t.text for t in read_unfolded(path).texts] == ["one", "two"]
    assert [t.text for t in read(path).texts] == ["one"]
    assert "2 verses: the first is read" in read(path).problems


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "utf-8-sig"])
def test_other_encodings(encoding: str) -> None:
    text = document(("Flöte", "", [start() + line("C4")])).decode()
    name = {"utf-8-sig": "UTF-8"}.get(encoding, encoding)
    score = parse_musicxml(text.replace("UTF-8", name).encode(encoding))
    assert score.tracks[0].name == "Flöte"


def test_a_document_measure_by_measure() -> None:
    timewise = (
        '<score-timewise><part-list><score-part id="P1"><part-name>A</part-name></score-part>'
        '<score-part id="P2"><part-name>B</part-name></score-part></part-list>'
        f'<measure number="1"><part id="P1">{start(2)}{line("C4 D4")}</part>'
        f'<part id="P2">{start(2)}{line("E4 F4")}</part></measure><measure number="2">'
        f'<part id="P1">{line("G4")}</part><part id="P2">{line("A4")}</part></measure>'
        "</score-timewise>"
    )
    score = parse_musicxml(timewise.encode())
    assert [row[2] for row in played(score, 0)] == [60, 62, 67]
    assert [row[2] for row in played(score, 1)] == [64, 65, 69]
