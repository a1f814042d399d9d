"""A report as a self-contained HTML page of tables, pictures and audio, and as JSON."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #8884; text-align: right; }
th:first-child, td:first-child { text-align: left; }
td { font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
img { max-width: 100%; background: white; }
figure { margin: 1rem 0; }
small, figcaption { opacity: .75; }
"""
_TYPES = {".png": "image/png", ".wav": "audio/wav", ".flac": "audio/flac", ".ogg": "audio/ogg", ".mp3": "audio/mpeg"}


@dataclass(frozen=True)
class Table:
    """Rows of text and numbers under a heading a column."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Media:
    """A picture (.png) or sound (.wav, .flac, .ogg, .mp3) as the bytes of a file, and what it is."""

    data: bytes
    suffix: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A heading, a paragraph, and what stands below."""

    title: str
    text: str = ""
    parts: Sequence[Table | Media] = ()


@dataclass(frozen=True)
class Report:
    """A title, how its figures came about (n, seed, split, command, commit, machine), and sections."""

    title: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    sections: Sequence[Section] = ()


def page(report: Report) -> str:
    """The report as one HTML file without anything from elsewhere."""
    facts = "; ".join(f"{html.escape(str(name))} {html.escape(str(value))}" for name, value in report.facts.items())
    body = "".join(_section(section) for section in report.sections)
    title = html.escape(report.title)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{title}</h1><p><small>{facts}</small></p>\n{body}</body></html>\n"
    )


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain data, pictures and audio by their captions."""
    sections = [
        {
            "title": section.title,
            "text": section.text,
            "tables": [
                {"columns": list(part.columns), "rows": [[_plain(cell) for cell in row] for row in part.rows]}
                for part in section.parts
                if isinstance(part, Table)
            ],
            "media": [part.caption for part in section.parts if isinstance(part, Media)],
        }
        for section in report.sections
    ]
    return {"title": report.title, **report.facts, "sections": sections}


def _plain(cell: Any) -> Any:
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _section(section: Section) -> str:
    text = f"<p>{html.escape(section.text)}</p>" if section.text else ""
    parts = "".join(_table(part) if isinstance(part, Table) else _media(part) for part in section.parts)
    return f"<section><h2>{html.escape(section.title)}</h2>{text}\n{parts}</section>\n"


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in table.columns)
    rows = "".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>\n" for row in table.rows)
    return f'<div class="scroll"><table><tr>{head}</tr>\n{rows}</table></div>\n'


def _cell(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:.3g}" if math.isfinite(cell) else "–"
    return html.escape(str(cell))


def _media(media: Media) -> str:
    address = f"data:{_TYPES[media.suffix]};base64,{base64.b64encode(media.data).decode()}"
    caption = html.escape(media.caption)
    if media.suffix == ".png":
        shown = f'<img src="{address}" alt="{caption}">'
    else:
        shown = f'<audio controls src="{address}" aria-label="{caption}"></audio>'
    return f"<figure>{shown}<figcaption>{caption}</figcaption></figure>\n"
