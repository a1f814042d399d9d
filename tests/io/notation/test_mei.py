"""MEI is read by music21, in a process of its own."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from symbolic_music import read
from symbolic_music.errors import NotationError
from symbolic_music.io.notation.music21 import music21_process

pytest.importorskip("music21")

_NOTES = "".join(f'<note pname="{step}" oct="4" dur="4"/>' for step in "cdef")
_BASS = '<note pname="c" oct="3" dur="2"/><note pname="g" oct="2" dur="2"/>'
MEI = f"""<?xml version="1.0" encoding="UTF-8"?>
<mei xmlns="http://www.music-encoding.org/ns/mei" meiversion="4.0.0">
 <meiHead><fileDesc><titleStmt><title>Two bars</title></titleStmt><pubStmt/></fileDesc></meiHead>
 <music><body><mdiv><score>
  <scoreDef meter.count="4" meter.unit="4" key.sig="1s">
   <staffGrp>
    <staffDef n="1" lines="5" clef.shape="G" clef.line="2"/><staffDef n="2" lines="5" clef.shape="F" clef.line="4"/>
   </staffGrp>
  </scoreDef>
  <section>
   <measure n="1">
    <staff n="1"><layer n="1">{_NOTES}</layer></staff><staff n="2"><layer n="1">{_BASS}</layer></staff>
   </measure>
   <measure n="2">
    <staff n="1"><layer n="1"><note pname="g" oct="4" dur="1"/></layer></staff>
    <staff n="2"><layer n="1"><note pname="g" oct="2" dur="1"/></layer></staff>
   </measure>
  </section>
 </score></mdiv></body></music>
</mei>
"""


def test_two_staves_of_two_bars(tmp_path: Path) -> None:
    path = tmp_path / "two.mei"
    path.write_text(MEI)
    score = read(path)
    quarter = score.ticks_per_quarter
    rows = [
        (row[0] / quarter, row[1] / quarter, row[2]) for row in score.notes[["onset", "duration", "pitch"]].tolist()
    ]
    upper = [(0, 1, 60), (1, 1, 62), (2, 1, 64), (3, 1, 65), (4, 4, 67)]
    assert sorted(rows) == sorted([*upper, (0, 2, 48), (2, 2, 43), (4, 4, 43)])
    assert len(score.tracks) == 2
    assert (score.bars() / quarter).tolist() == [0, 4]
    assert score.keys[["time", "sharps"]].tolist()[0] == (0, 1)


def test_bars_of_nine_eighths_stay_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "nine.mei"
    long = '<note pname="g" oct="4" dur="2" dots="1"/><note pname="a" oct="4" dur="4" dots="1"/>'
    low = '<note pname="g" oct="2" dur="1"/><note pname="g" oct="2" dur="8"/>'
    text = MEI.replace('meter.count="4" meter.unit="4"', 'meter.count="9" meter.unit="8"')
    path.write_text(text.replace(_NOTES, long).replace(_BASS, low))
    score = read(path)
    assert (score.bars() / score.ticks_per_quarter).tolist() == [0, 4.5]
    upper = score.notes[score.notes["track"] == 0]
    assert (upper["duration"] / score.ticks_per_quarter).tolist() == [3, 1.5, 4]


def test_syllables_that_are_words_and_halves_of_measures(tmp_path: Path) -> None:
    path = tmp_path / "song.mei"
    word = '<note pname="c" oct="4" dur="4"><verse n="1"><syl wordpos="s">Oh</syl></verse></note>'
    text = MEI.replace('<note pname="c" oct="4" dur="4"/>', word, 1)
    path.write_text(text.replace('measure n="1"', 'measure n="1a"').replace('measure n="2"', 'measure n="X"'))
    score = read(path)
    assert len(score.notes) == 8
    assert [text.text for text in score.texts if text.kind == "lyric"] == ["Oh"]


def test_measures_of_endings_are_read(tmp_path: Path) -> None:
    path = tmp_path / "endings.mei"
    path.write_text(re.sub(r"(<measure n=\"2\">.*</measure>)", r'<ending n="1">\1</ending>', MEI, flags=re.DOTALL))
    assert len(read(path).notes) == 8


def test_clefs_in_beams(tmp_path: Path) -> None:
    path = tmp_path / "clefs.mei"
    path.write_text(MEI.replace(_NOTES, f'<beam>{_NOTES}<clef shape="F" line="4"/></beam>', 1))
    assert len(read(path).notes) == 8


def test_tremolos_are_the_notes_that_they_hold(tmp_path: Path) -> None:
    path = tmp_path / "tremolos.mei"
    half = '<note pname="{}" oct="4" dur="2"/>'
    one, two = f"<bTrem>{half.format('c')}</bTrem>", f"<fTrem>{half.format('e')}{half.format('f')}</fTrem>"
    path.write_text(MEI.replace(_NOTES, one + two, 1))
    upper = read(path).notes
    upper = upper[upper["track"] == 0]
    quarter = read(path).ticks_per_quarter
    assert (upper["onset"] / quarter).tolist() == [0, 2, 3, 4]
    assert upper["pitch"].tolist() == [60, 64, 65, 67]


def test_notes_without_a_pitch_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "drums.mei"
    path.write_text(MEI.replace(' pname="c" oct="4"', ' loc="3"', 1))
    with pytest.raises(NotationError, match="notes without a pitch, such as drums, are not read from MEI"):
        read(path)


def test_a_note_that_is_tied_on_both_sides(tmp_path: Path) -> None:
    long = '<note xml:id="a{}" pname="g" oct="2" dur="1"/>'
    ties = '<tie startid="#a1" endid="#a2"/>', '<tie startid="#a2" endid="#a3"/>', ""
    staff = '<staff n="{}"><layer n="1">{}</layer></staff>'
    bars = "".join(
        f'<measure n="{n}">{staff.format(1, _NOTES)}{staff.format(2, long.format(n))}{tie}</measure>'
        for n, tie in enumerate(ties, 1)
    )
    path = tmp_path / "tied.mei"
    path.write_text(re.sub(r"<section>.*</section>", lambda _: f"<section>{bars}</section>", MEI, flags=re.DOTALL))
    lower = read(path).notes
    lower = lower[lower["track"] == 1]
    assert (lower["duration"] / read(path).ticks_per_quarter).tolist() == [12]


@pytest.mark.parametrize("meter", ["", '<meterSig count="5" unit="8"/>'])
def test_measures_in_which_all_staves_rest(tmp_path: Path, meter: str) -> None:
    text = MEI.replace('meter.count="4" meter.unit="4" ', "")
    first = re.sub(r"<layer n=\"1\">.*?</layer>", '<layer n="1"><mRest/></layer>', text, count=2, flags=re.DOTALL)
    path = tmp_path / "silent.mei"
    path.write_text(re.sub(r'(<staffDef n="\d"[^/]*)/>', rf"\1>{meter}</staffDef>", first))
    score = read(path)
    assert (score.bars() / score.ticks_per_quarter).tolist() == [0, 2.5 if meter else 4]


def test_what_music21_cannot_read_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "none.mei"
    path.write_text(MEI.replace('key.sig="1s"', 'key.sig="many"'))
    with pytest.raises(NotationError, match=r"none\.mei: music21 cannot read it"):
        read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<mei>", "not well-formed"),
        ("<html/>", "no MEI with music: it has no <music>"),
        (MEI.replace("staffDef", "staffDev"), "it has no <staffDef>"),
        ("<a>" * 100, "nested deeper than 64"),
        ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "declares XML entities"),
    ],
)
def test_what_is_no_mei_is_refused_without_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    def run(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(music21_process.subprocess, "run", run)
    path = tmp_path / "none.mei"
    path.write_text(text)
    with pytest.raises(NotationError, match=message):
        read(path)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize(
    ("limit", "value", "message"), [("MAX_SECONDS", 1, "within 1 s of processor"), ("MAX_MEMORY", 20 << 20, "20 MiB")]
)
def test_time_and_memory_are_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, message: str
) -> None:
    path = tmp_path / "long.mei"
    before, measure, after = re.split(r"(<measure n=\"1\">.*</measure>)", MEI, flags=re.DOTALL)
    path.write_text(before + 800 * measure + after)
    monkeypatch.setattr(music21_process, limit, value)
    with pytest.raises(NotationError, match=message):
        read(path)


def test_a_small_file_has_few_seconds_and_none_more_than_the_bound() -> None:
    assert music21_process.seconds_for(600) == 7
    assert music21_process.seconds_for(1_600_000) == 10
    assert music21_process.seconds_for(4 << 20) == music21_process.MAX_SECONDS


def in_bars(path: Path, *bars: str) -> Path:
    """A file of one staff with these bars of 4/4."""
    head, rest = MEI.split("  <section>")
    head = head.replace('<staffDef n="2" lines="5" clef.shape="F" clef.line="4"/>', "")
    inner = "".join(
        f'<measure n="{n}"><staff n="1"><layer n="1">{bar}</layer></staff></measure>' for n, bar in enumerate(bars, 1)
    )
    path.write_text(head + "  <section>" + inner + "</section>" + rest.split("</section>")[1])
    return path


def test_signs_of_repeated_beats_and_bars_are_played(tmp_path: Path) -> None:
    eighths = '<beam><note pname="d" oct="4" dur="8"/><note pname="e" oct="4" dur="8"/></beam>'
    third = '<tuplet num="3" numbase="2">' + '<note pname="g" oct="4" dur="8" tie="i"/>' * 3 + "</tuplet>"
    score = read(
        in_bars(
            tmp_path / "repeated.mei",
            '<note pname="c" oct="4" dur="4"/><beatRpt/>' + eighths + "<beatRpt/>",
            "<mRpt/>",
            third + '<beatRpt/><note pname="a" oct="4" dur="2"/>',
        )
    )
    quarter = score.ticks_per_quarter
    onsets = [round(onset / quarter, 2) for onset in score.notes["onset"].tolist()]
    assert onsets[:6] == [0, 1, 2, 2.5, 3, 3.5]
    assert onsets[6:12] == [4, 5, 6, 6.5, 7, 7.5]
    assert onsets[-1] == 10
    assert score.notes["pitch"].tolist()[:12] == [60, 60, 62, 64, 62, 64] * 2


@pytest.mark.parametrize(
    ("bar", "message"),
    [
        ('<note pname="c" oct="4" dur="2"/><beatRpt/><beatRpt/>', "behind something else than a beat"),
        ("<multiRpt/>", "multiRpt, a sign of repetition, is not read"),
    ],
)
def test_signs_of_repetition_that_are_not_read(bar: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(NotationError, match=message):
        read(in_bars(tmp_path / "x.mei", _NOTES, bar))
