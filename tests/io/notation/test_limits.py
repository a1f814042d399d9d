"""Files that are made to cost memory and time."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import pytest

from symbolic_music import read
from symbolic_music.errors import NotationError
from symbolic_music.io.notation.repeats import played_order, told_repeats
from symbolic_music.io.notation.source_document import parse_musicxml
from symbolic_music.io.notation.written_music import Measure
from tests.io.notation.sheets import document, line, note, played, start

ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><score-partwise><part id="P1">&c;</part></score-partwise>'
)
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><score-partwise>&a;</score-partwise>'
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ENTITIES.encode(), "declares XML entities"),
        (OUTSIDE.encode(), "declares XML entities"),
        (b"<a>" * 100_000, "nested deeper than 64"),
        (b"<score-partwise>" + b"<a/>" * 1_600_000 + b"</score-partwise>", "more than 1,500,000 elements"),
        (b"<score-partwise>" + b" " * (33 << 20) + b"</score-partwise>", "at most 32 MiB"),
        (b"<score-partwise>" + b"<measure/>" * 400_000 + b"</score-partwise>", "more than 420 MiB of memory"),
        (b"<score-partwise>" + b"<note/>" * 360_000 + b"</score-partwise>", "more than 420 MiB of memory"),
        (b"<score-partwise/>", "no parts"),
        (b"<html></html>", "outermost element is <html>"),
        (b"<score-partwise>", "not well-formed"),
        (b'<?xml version="1.0" encoding="klingon"?><score-partwise/>', "not klingon"),
        (b"", "not well-formed"),
    ],
)
def test_documents_that_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(NotationError, match=message):
        parse_musicxml(data)


@pytest.mark.parametrize(
    ("bar", "message"),
    [
        (start() + note("C4", 999_999_999), "longer than any note"),
        (start() + note("C4").replace(">2<", ">-2<"), "a duration of '-2'"),
        (start() + note("C4").replace(">2<", ">1e9<"), "a duration of '1e9'"),
        (start(divisions=0) + note("C4"), "0 divisions"),
        ("".join(note("C4", 4000) for _ in range(4)), "longer than any measure"),
    ],
)
def test_lengths_that_no_note_has(bar: str, message: str) -> None:
    with pytest.raises(NotationError, match=message):
        parse_musicxml(document(("", "", [bar])))


@pytest.mark.parametrize("beats", ["99999999", "0", "-3", "3+", "x", "1e6"])
def test_meters_that_are_none_are_left_out_and_told(beats: str) -> None:
    data = document(("", "", [start(4) + line("C4 D4")])).replace(b"<beats>4<", f"<beats>{beats}<".encode())
    score = parse_musicxml(data)
    assert played(score) == [(0, 1, 60), (1, 1, 62)]
    assert any("an invalid meter" in told for told in score.problems)
    assert len(score.bars()) == 1


def test_a_piece_longer_than_ticks_can_count() -> None:
    bars = "".join(f"<measure>{note('C4', 4000)}</measure>" for _ in range(40))
    data = document(("", "", ["@"])).replace(b'<measure number="1">@</measure>', bars.encode())
    with pytest.raises(NotationError, match="2\\^30 ticks"):
        parse_musicxml(data.replace(b"<duration>4000", b"<duration>4000"))


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "/").replace("_", "."), content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04 no archive", "not a compressed MusicXML"),
        (archive(a_txt=b"x"), "holds no MusicXML"),
        (archive(score_xml=b" " * (40 << 20)), "unpacks to more than 32 MiB"),
        (archive(**{"META-INF__container_xml": b"<a"}), "not well-formed"),
        (
            archive(**{"META-INF__container_xml": b'<c><rootfile full-path="../../etc/passwd"/></c>'}),
            "not a compressed",
        ),
        (b"PK" * (9 << 20), "are unpacked"),
    ],
)
def test_archives_that_are_refused(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.mxl").write_bytes(data)
    with pytest.raises(NotationError, match=message):
        read(tmp_path / "x.mxl")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.krn", "**kern\n*M4/4\n" + "4c\n" * 800_000, "at most 2 MiB"),
        ("x.krn", "**kern\n" + "*\n" * 151_000, "more than 150,000 lines"),
        ("x.krn", "**kern\n" + "64c\n" * 61_000, "more than 60,000 notes"),
        ("x.krn", "**kern\n" + "4c 4e 4g\n=\n" * 24_000 + "4c 4e 4g\n" * 12_000, "more than 100,000 notes in chords"),
        ("x.krn", "**kern\n" + "4c\n=\n" * 31_000, "more than 25,000 bars"),
        (
            "x.krn",
            "**kern" + "\t**kern" * 255 + ("\n4c" + "\t." * 255 + "\n=" + "\t=" * 255) * 200,
            "more than 25,000 bars",
        ),
        ("x.krn", "**kern\n" + "".join(f"*MM{i}.5\n" for i in range(1, 2_000)) + "4c\n", "more than 1,000 signs"),
        ("x.abc", "X:1\nK:C\n" + f"{'CCCCCCCC|' * 2_000}\n" + "w:a\n" * 200, "more than 100 verses"),
        ("x.abc", "X:1\nK:C\n" + ("C|\n" + "w: a\nw: b\n" * 9) * 4_900, "more than 80,000 syllables"),
        ("x.abc", "X:1\nK:C\n" + ("[" + "CEGc" * 16 + "]|") * 1_300, "more than 80,000 notes in chords"),
        ("x.abc", "X:1\nK:C\n" + "C|" * 21_000, "more than 20,000 bars"),
        ("x.abc", "X:1\nK:C\n" + "CCCCCCCC|" * 6_000, "more than 40,000 notes"),
        ("x.abc", "X:1\nK:C\n" + "C" * 60_000, "a bar of more than 4,096 quarters"),
        ("x.abc", "X:1\nK:C\n" + "[1" * 90_000, "more than 40,000 bar lines"),
        ("x.abc", "X:1\nK:C\n" + "".join(f"V:{i}\n{'CCCCCCCC|' * 3_000}\n" for i in "12"), "more than 40,000 notes"),
        ("x.abc", "X:1\nK:C\n" + "V:1\nC|\nV:2\nD|\n" * 26_000, "more than 20,000"),
        ("x.abc", "X:1\nK:C\n" + "{c}" * 60_000, "more than 40,000 notes"),
        ("x.abc", "X:1\nK:C\n" + '"A"' * 2_000, "more than 1,000 signs"),
        ("x.abc", "X:1\nK:C\nC" + "[M:3/4]" * 2_000, "more than 1,000 signs"),
        ("x.abc", "X:1\nK:C\n" + "[M:3/4]" * 10_000, "too many changes of key"),
        ("x.abc", "X:1\nK:C\n[" + "C" * 100 + "]", "a chord of 100 notes"),
        ("x.abc", "X:1\nK:C\n" + "|".join(["Z9999"] * 20) + "\n", "more than [24]0,000|longer than 2"),
    ],
)
def test_texts_that_are_refused(name: str, text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(NotationError, match=message):
        read(tmp_path / name)


@pytest.mark.parametrize("opening", ["[", "{", "[r:", "[M:", '"', "!", "("])
def test_what_is_never_closed_is_passed_over(opening: str, tmp_path: Path) -> None:
    (tmp_path / "x.abc").write_text("X:1\nK:C\n" + "C" * 10 + opening * 10_000 + "\n")
    assert len(read(tmp_path / "x.abc").notes) >= 10


def test_archives_of_other_methods_are_refused_before_they_ask_for_memory(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.mxl", "w", zipfile.ZIP_LZMA) as file:
        file.writestr("score.xml", document(("", "", [start() + line("C4")])))
    with pytest.raises(NotationError, match="compressed otherwise"):
        read(tmp_path / "x.mxl")


@pytest.mark.parametrize(
    "measures",
    [
        [Measure(repeat_times=2, ending=(1,)) for _ in range(100_000)],
        [Measure(jumps={"dacapo"}), *(Measure(jumps={"tocoda"}) for _ in range(100_000))],
        [*(Measure(ending=(1,)) for _ in range(100_000)), Measure(jumps={"dacapo"})],
        [Measure(repeat_start=True), *(Measure(ending=(16,)) for _ in range(100_000)), Measure(repeat_times=99_999)],
    ],
    ids=["endings", "codas", "an ending", "passed over"],
)
def test_repeats_are_followed_in_time_that_grows_with_the_piece(measures: list[Measure]) -> None:
    began = time.process_time()
    order, passes, _ = played_order(measures)
    told_repeats(measures, range(len(measures)))
    assert len(order) == len(passes) > 0
    assert time.process_time() - began < 5


def test_a_long_piece_without_repeats_has_no_problem() -> None:
    assert played_order([Measure()] * 30_000)[2] == ""
