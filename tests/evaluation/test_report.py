from __future__ import annotations

import re

from symbolic_music.evaluation.context import Case, EditRegion, evaluate, references, table
from symbolic_music.evaluation.context.report import context_report
from symbolic_music.evaluation.report import Media, Report, Section, Table, as_json, page
from symbolic_music.score import Score


def test_a_page_holds_everything_and_nothing_from_elsewhere() -> None:
    numbers = Table(["a", "b"], [["x", float("nan")], ["<y>", 0.12345]])
    report = Report(
        "A <report>",
        {"n": 3, "seed": 0, "command": "python x.py && y"},
        [Section("One", "Text & more", [numbers, Media(b"png", ".png", "roll")])],
    )
    text = page(report)
    assert "A &lt;report&gt;" in text
    assert "python x.py &amp;&amp; y" in text
    assert "<td>&lt;y&gt;</td><td>0.123</td>" in text
    assert "<td>–</td>" in text
    assert 'src="data:image/png;base64,cG5n"' in text
    assert not re.search(r'(src|href)="(?!data:)', text)
    data = as_json(report)
    assert data["n"] == 3
    assert data["sections"][0]["tables"][0]["rows"] == [["x", None], ["<y>", 0.12345]]
    assert data["sections"][0]["media"] == ["roll"]


def test_the_report_of_edits(quartet: Score) -> None:
    other = quartet.replace(notes=quartet.notes[::-1].copy())
    cases = [
        Case(score, EditRegion(1920, 3840, (track,)), f"{i}")
        for i, score in enumerate((quartet, other))
        for track in (0, 4)
    ]
    writes = references(cases)
    results = {name: evaluate(cases, write) for name, write in writes.items()}
    rows = table(cases, results, ["copy"])
    shown = {name: writes[name] for name in ("original", "copy")}
    report = context_report(rows, cases, shown, {"n": 4, "seed": 0}, shown=1, sample_rate=None)
    assert [section.title.split(":")[0] for section in report.sections] == [
        "Drums regions",
        "Pitched regions",
        "Region 1",
    ]
    rolls = [part for part in report.sections[2].parts if isinstance(part, Media)]
    assert [roll.caption for roll in rolls] == ["original", "copy"]
    assert all(roll.data.startswith(b"\x89PNG") for roll in rolls)
    text = page(report)
    assert "likeness_rhythm" in text
