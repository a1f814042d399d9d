"""Scores that come from notation, edited and written again."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music import read, transforms
from symbolic_music.io import musicxml_bytes
from symbolic_music.io.notation.source_document import parse_musicxml
from symbolic_music.score import Score, Track, note_table
from tests.io.notation.sheets import document, drum, drums, instrument, line, lines, note, played, start

T = 10_080
SLUR = '<notations><slur type="{}" number="1"/></notations>'


def bars_of(data: bytes, part: int = 0) -> list[bytes]:
    """The measures of a part, as they stand in the bytes."""
    parts = re.findall(rb"<part id=.*?</part>", data, re.DOTALL)
    return re.findall(rb"<measure[ >].*?</measure>", parts[part], re.DOTALL)


def with_notes(score: Score, bar: int, rows: list[tuple[float, float, int]], track: int = 0) -> Score:
    """Other notes (onset in the bar and length in quarters, pitch) in a bar of a track."""
    low, *rest = score.bars(score.end + 1).tolist()[bar:]
    high = rest[0] if rest else score.end
    old = score.notes
    gone = (old["track"] == track) & (old["onset"] >= low) & (old["onset"] < high)
    sample = old[old["track"] == track][0]
    new = [
        (low + round(at * T), round(length * T), pitch, 80, int(sample["program"]), int(sample["channel"]), track)
        for at, length, pitch in rows
    ]
    return score.replace(notes=np.concatenate([old[~gone], note_table(new)]))


def test_without_an_edit_the_document_is_the_same_bytes() -> None:
    data = document(("A", "", [start() + line("C4 D4 E4 F4") + "<!-- a comment -->\n", "<print/>" + line("G4")]))
    assert musicxml_bytes(parse_musicxml(data)) == data


def test_only_the_edited_measure_of_the_part_is_written_again() -> None:
    lyric = note("C4", 8, inside="<lyric><text>Ah</text></lyric><notations><fermata/></notations>")
    data = document(("A", "", [start() + lyric] + [lyric] * 2), ("B", "", [start() + lyric] + [lyric] * 2))
    edit = with_notes(parse_musicxml(data), 1, [(0, 1.5, 62), (1.5, 2.5, 64)])
    again = musicxml_bytes(edit)
    before, after = bars_of(data), bars_of(again)
    assert [i for i in range(3) if before[i] != after[i]] == [1]
    assert bars_of(data, 1) == bars_of(again, 1)
    assert played(parse_musicxml(again), 0) == [(0, 4, 60), (4, 1.5, 62), (5.5, 2.5, 64), (8, 4, 60)]


def test_a_syllable_stays_where_another_note_begins_in_the_place_of_its_own() -> None:
    def sung(pitch: str, syllable: str) -> str:
        return note(pitch, inside=f"<lyric><syllabic>single</syllabic><text>{syllable}</text></lyric>")

    high = sung("C4", "this") + sung("D4", "is") + sung("E4", "my") + sung("F4", "song")
    low = (note("C3") + sung("D3", "low") + line("E3 F3")).replace("<voice>1", "<voice>2")
    score = parse_musicxml(document(("A", "", [start() + high + "<backup><duration>8</duration></backup>" + low])))
    notes = score.notes[score.notes["pitch"] != 64].copy()  # the third goes, with its syllable
    notes["pitch"][notes["pitch"] == 65] = 67
    out = musicxml_bytes(score.replace(notes=notes))
    assert sorted(re.findall(rb"<text>(.*?)</text>", out)) == [b"is", b"low", b"song", b"this"]
    texts = sorted((text.time, text.text) for text in parse_musicxml(out).texts)
    assert texts == [(0, "this"), (T, "is"), (T, "low"), (3 * T, "song")]


def test_lengths_that_divisions_cannot_say_stay_in_an_edited_measure() -> None:
    dotted = [note(name, 2, inside="<type>quarter</type><dot/>") for name in ("C4", "D4")]
    low = note("C3", 3, inside="<type>half</type><dot/>").replace("<voice>1", "<voice>2")
    bar = "".join(dotted) + "<backup><duration>4</duration></backup>" + low
    data = document(("A", "", [start(6, 8, divisions=1) + bar, bar]))
    score = parse_musicxml(data)
    assert played(score)[3:] == [(3, 1.5, 60), (3, 3, 48), (4.5, 1.5, 62)]
    kept = score.notes[score.notes["pitch"] != 48]
    lower = score.notes[score.notes["pitch"] == 48].copy()
    lower["pitch"][1] = 50
    edit = score.replace(notes=np.concatenate([kept, lower]))
    again = musicxml_bytes(edit)
    assert parse_musicxml(again) == edit
    assert bars_of(again)[0] == bars_of(data)[0]


def test_written_pitch_of_a_transposing_part() -> None:
    clarinet = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    score = parse_musicxml(document(("A", "", [start(more=clarinet) + line("D5"), line("D5")])))
    again = musicxml_bytes(with_notes(score, 1, [(0, 1, 70)]))
    assert b"<step>C</step><octave>5</octave>" in bars_of(again)[1]
    assert [row[2] for row in played(parse_musicxml(again))] == [72, 70]


def test_new_times_may_need_finer_divisions_in_that_bar_only() -> None:
    data = document(("A", "", [start(2) + line("C4 D4"), line("C4 D4"), line("C4 D4")]))
    edit = with_notes(parse_musicxml(data), 1, [(0, 1 / 3, 60), (1 / 3, 2 / 3, 62), (1.25, 0.75, 64)])
    again = parse_musicxml(musicxml_bytes(edit))
    assert (again.notes == edit.notes).all()
    assert lines(again) == [0, 2, 4]


def test_directions_chord_symbols_and_bar_lines_of_an_edited_bar_stay() -> None:
    chord = "<harmony><root><root-step>A</root-step></root><kind>dominant</kind></harmony>"
    words = "<direction><direction-type><words>rit.</words></direction-type></direction>"
    back = '<barline location="right"><repeat direction="backward"/></barline>'
    data = document(("A", "", [start(2) + line("C4") + chord + words + line("D4") + back, line("C4 D4")]))
    again = musicxml_bytes(with_notes(parse_musicxml(data), 0, [(0, 2, 67)]))
    bar = bars_of(again)[0].decode()
    assert bar.endswith("</barline></measure>")
    texts = [(t.time, t.text, t.kind) for t in parse_musicxml(again).texts]
    assert texts == [(T, "A7", "chord"), (T, "rit.", "text")]


def test_a_voice_that_the_edit_left_alone_stays_in_the_edited_bar() -> None:
    low = note("C3", 4, inside="<notations><fermata/></notations>").replace("<voice>1", "<voice>2")
    data = document(("A", "", [start(2) + line("C5 D5") + "<backup><duration>4</duration></backup>" + low]))
    score = parse_musicxml(data)
    notes = score.notes.copy()
    notes["pitch"][notes["pitch"] == 74] = 76
    again = musicxml_bytes(score.replace(notes=notes)).decode()
    assert low in again.replace("<fermata />", "<fermata/>")
    assert played(parse_musicxml(again.encode())) == [(0, 1, 72), (0, 2, 48), (1, 1, 76)]


def test_articulations_and_words_of_notes_that_stay_in_an_edited_voice() -> None:
    sung = note("C4", inside="<notations><articulations><staccato/></articulations></notations>"
                             "<lyric><text>la</text></lyric>")  # fmt: skip
    score = parse_musicxml(document(("A", "", [start(2) + sung + line("D4")])))
    edit = with_notes(score, 0, [(0, 1, 60), (1, 1, 69)])
    again = musicxml_bytes(edit)
    assert b"<staccato" in again
    assert b"<text>la</text>" in again


def test_a_slur_whose_end_is_edited_ends_at_the_new_notes() -> None:
    begins, ends = note("C4", 4, inside=SLUR.format("start")), note("D4", 4, inside=SLUR.format("stop"))
    score = parse_musicxml(document(("A", "", [start(2) + begins, ends, line("E4", 4)])))
    again = bars_of(musicxml_bytes(with_notes(score, 1, [(0, 1, 65), (1, 1, 67)])))
    assert re.search(rb'slur type="stop" number="1"', again[1])
    again = bars_of(musicxml_bytes(with_notes(score, 0, [(0, 1, 65), (1, 1, 67)])))
    assert re.search(rb'slur type="start" number="1"', again[0])
    assert again[0].index(b"slur") > again[0].index(b"<step>G")


def test_grace_notes_stay_with_their_measure() -> None:
    grace = note("D5", before="<grace/>")
    data = document(("A", "", [start(2) + line("C5 C5"), grace + line("E5 F5")]))
    score = parse_musicxml(data)
    edit = with_notes(score, 1, [(0, 1, 76), (1, 1, 79)])
    again = musicxml_bytes(edit)
    assert bars_of(again)[0] == bars_of(data)[0]
    assert bars_of(again)[1].count(b"<grace") == 1
    assert (parse_musicxml(again).notes == edit.notes).all()
    without = score.replace(notes=score.notes[score.notes["pitch"] != 74])
    assert b"<grace" not in musicxml_bytes(without)
    assert bars_of(musicxml_bytes(without))[0] == bars_of(data)[0]


def test_of_two_grace_notes_alike_the_one_that_is_left_stays() -> None:
    grace = note("D5", before="<grace/>")
    score = parse_musicxml(document(("A", "", [start(4) + line("C5") + grace + line("E5 F5") + grace + line("C5")])))
    for onset in (0.875, 2.875):
        edit = score.replace(notes=score.notes[score.notes["onset"] != round(onset * T)])
        again = musicxml_bytes(edit)
        assert again.count(b"<grace") == 1
        assert played(parse_musicxml(again)) == played(edit)


def test_a_note_that_goes_into_the_next_bar_is_tied() -> None:
    score = parse_musicxml(document(("A", "", [start(2) + line("C4 D4"), line("r r"), line("C4 D4")])))
    edit = with_notes(score, 0, [(1, 2, 64)])
    again = musicxml_bytes(edit)
    assert played(parse_musicxml(again)) == [(1, 2, 64), (4, 1, 60), (5, 1, 62)]
    assert bars_of(again)[1].count(b'<tie type="stop"') == 1


def test_drums_take_their_places_and_new_ones_get_an_instrument() -> None:
    data = document(("A", drums(36), [start(2) + drum(36, "F4") + drum(36, "F4"), drum(36, "F4", 4)]))
    edit = with_notes(parse_musicxml(data), 1, [(0, 1, 36), (0, 1, 42), (1, 1, 42)])
    again = musicxml_bytes(edit)
    score = parse_musicxml(again)
    assert played(score) == played(edit)
    assert score.notes["channel"].tolist() == [9] * 5
    assert again.count(b"<midi-unpitched>43<") == 1
    assert bars_of(again)[0] == bars_of(data)[0]


def test_velocities_of_new_notes_are_written_where_the_dynamics_say_otherwise() -> None:
    p = "<direction><direction-type><dynamics><p/></dynamics></direction-type></direction>"
    score = parse_musicxml(document(("A", "", [start(2) + p + line("C4 D4"), line("C4 D4")])))
    notes = score.notes.copy()
    notes["velocity"][2:] = [48, 101]
    notes["pitch"][2:] = 65
    again = musicxml_bytes(score.replace(notes=notes))
    assert parse_musicxml(again).notes["velocity"].tolist() == [48, 48, 48, 101]
    assert bars_of(again)[1].count(b"dynamics=") == 1


def test_a_continuation_adds_bars_and_moves_the_final_bar_line() -> None:
    final = '<barline location="right"><bar-style>light-heavy</bar-style></barline>'
    data = document(("A", "", [start(2) + line("C4 D4"), line("C4") + final]), ("B", "", [start(2) + line("r r")] * 2))
    score = parse_musicxml(data)
    more = note_table([(5 * T, T, 64, 80, 0, 0, 0), (6 * T, 2 * T, 65, 80, 0, 0, 0)])
    edit = score.replace(notes=np.concatenate([score.notes, more]))
    again = musicxml_bytes(edit)
    first = bars_of(again)
    assert len(first) == len(bars_of(again, 1)) == 4
    assert [bar.count(b"light-heavy") for bar in first] == [0, 0, 0, 1]
    assert re.findall(rb'number="(\d+)"', b"".join(re.findall(rb"<measure[^>]*>", b"".join(first)))) == [
        b"1", b"2", b"3", b"4",
    ]  # fmt: skip
    assert played(parse_musicxml(again)) == played(edit)


def test_a_new_track_is_a_new_part() -> None:
    data = document(("A", "", [start(2) + line("C4 D4"), line("C4 D4")]))
    score = parse_musicxml(data)
    edit = score.replace(
        notes=np.concatenate([score.notes, note_table([(T, 2 * T, 50, 70, 32, 1, 1)])]),
        tracks=(*score.tracks, Track("Bass", 32)),
    )
    again = musicxml_bytes(edit)
    assert bars_of(again)[:2] == bars_of(data)
    assert played(parse_musicxml(again), 1) == [(1, 2, 50)]
    assert parse_musicxml(again).tracks[1] == Track("Bass", 32)


def test_what_is_no_edit_of_notes_is_written_anew() -> None:
    score = parse_musicxml(document(("A", instrument(40), [start(3) + line("C4 D4 E4"), line("C4 D4 E4")])))
    moved = transforms.transpose(score, 2).replace(keys=transforms.transpose(score, 2).keys)
    again = parse_musicxml(musicxml_bytes(transforms.stretch(moved, 2)))
    assert [row[2] for row in played(again)] == [62, 64, 66] * 2
    assert again.tempos["microseconds"].tolist() == [1_000_000]
    assert again.tracks[0].program == 40


def test_an_edit_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.musicxml"
    path.write_bytes(document(("A", "", [start(2) + line("C4 D4"), line("C4 D4")])))
    edit = with_notes(read(path), 0, [(0, 2, 72)])
    assert played(read(edit.write(tmp_path / "b.mxl"))) == [(0, 2, 72), (2, 1, 60), (3, 1, 62)]
    assert read(tmp_path / "b.mxl").source == parse_musicxml(musicxml_bytes(edit)).source


rows = st.lists(
    st.tuples(
        st.sampled_from([0, 0.25, 0.5, 1, 1.5, 4 / 3, 1.2]),
        st.sampled_from([0.25, 0.5, 1 / 3, 0.2, 0.75]),
        st.integers(40, 80),
    ),
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(rows, st.integers(0, 3))
def test_any_notes_of_a_bar_come_back(new: list[tuple[float, float, int]], bar: int) -> None:
    data = document(("A", "", [start(2) + line("C4 D4"), line("C4", 1) + note("D4", 3), line("r r"), line("C4", 4)]))
    edit = with_notes(parse_musicxml(data), bar, new)
    again = musicxml_bytes(edit)
    assert played(parse_musicxml(again)) == played(edit)
    changed = {i for i in range(4) if bars_of(again)[i] != bars_of(data)[i]}
    assert changed <= {bar, bar + 1}  # a note may go on into the next bar


@pytest.mark.parametrize("name", ["bach/bwv66.6", "mozart/k155/movement2", "schoenberg/opus19/movement2"])
def test_real_music(name: str) -> None:
    corpus = pytest.importorskip("music21.corpus")
    score = read(Path(corpus.getWork(name)))
    random.seed(name)
    bar = random.randrange(1, len(score.bars()) - 1)
    edit = with_notes(score, bar, [(0, 0.5, 60), (0.5, 0.25, 64), (0.5, 0.5, 67)])
    again = musicxml_bytes(edit)
    assert played(parse_musicxml(again)) == played(edit)
    assert len(again) > 1000
    changed = [i for i, old in enumerate(bars_of(score.source.document)) if bars_of(again)[i] != old]
    assert set(changed) <= {bar - 1, bar, bar + 1}


def test_a_first_bar_is_edited_in_the_transposition_and_on_the_staves_that_it_says() -> None:
    horn = start(more="<transpose><chromatic>-7</chromatic></transpose>")
    later = "<attributes><transpose><chromatic>-2</chromatic></transpose></attributes>"
    score = parse_musicxml(document(("Horn", "", [horn + line("C5") + later + line("C5")])))
    assert [row[2] for row in played(score)] == [65, 70]
    notes = score.notes.copy()
    notes["pitch"] += 2
    again = parse_musicxml(musicxml_bytes(score.replace(notes=notes)))
    assert [row[2] for row in played(again)] == [67, 72]
    lower = "<backup><duration>2</duration></backup><note><pitch><step>C</step><octave>3</octave></pitch>"
    lower += "<duration>2</duration><voice>5</voice><staff>2</staff></note>"
    piano = start(more="<staves>2</staves>") + note("C5", inside="<staff>1</staff>") + lower
    score = parse_musicxml(document(("Piano", "", [piano])))
    notes = score.notes.copy()
    notes["pitch"] += 2
    out = musicxml_bytes(score.replace(notes=notes))
    assert out.count(b"<staff>1</staff>") == 1
    assert out.count(b"<staff>2</staff>") == 1
    assert played(parse_musicxml(out)) == [(0, 1, 50), (0, 1, 74)]
