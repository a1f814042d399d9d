"""A note store as tables on the terminal, and its page of plots."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symbolic_music.cli.output.console import out, out_json, show
from symbolic_music.cli.output.paths import check_output

if TYPE_CHECKING:
    from symbolic_music.corpora.store.statistics import Summary

# Reasons that are shown; the rest is counted together.
_MOST_REASONS = 12


def is_store(path: Path) -> bool:
    """Whether a folder is a note store, finished or not."""
    return path.is_dir() and ((path / "manifest.json").is_file() or (path / "segments").is_dir())


def show_store(path: Path, picture: Path | None, verify: bool, as_json: bool) -> None:
    """Print a store for `info`, after a check of every byte if `verify`; write its page of plots if requested."""
    from symbolic_music.corpora.store.statistics import as_json as json_of
    from symbolic_music.corpora.store.statistics import summary
    from symbolic_music.corpora.store.store import NoteStore

    if picture is not None:
        check_output(picture)
    store = NoteStore(path)
    if verify:
        store.verify()
    facts = summary(store)
    if picture is not None:
        from symbolic_music.plotting.store_page import save_corpus_page

        save_corpus_page(store, picture)
    if as_json:
        out_json({**json_of(facts), "out": None if picture is None else str(picture)})
        return
    print_summary(path, facts)
    if picture is not None:
        out(f"{picture}: page of plots")


def print_summary(path: Path, facts: Summary) -> None:
    """Tables of what a store holds, what was left out, and its near-duplicates where they were looked for."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown_options = {name: value for name, value in facts.options.items() if value and name != "pieces_a_segment"}
    options = ", ".join(f"{name} {value}" for name, value in shown_options.items())
    size, each = facts.bytes / 1e6, facts.bytes / max(1, facts.total.notes)
    head = Table.grid(padding=(0, 2))
    head.add_column(style="dim")
    head.add_column()
    head.add_row("store", Text(str(path), style="bold"))
    head.add_row("corpus", Text(facts.corpus + (f" ({options})" if options else "")))
    head.add_row("on disk", f"{size:,.1f} MB, {each:.1f} bytes a note")
    if facts.repaired:
        what = "piece was" if facts.repaired == 1 else "pieces were"
        head.add_row("repaired", f"{facts.repaired:,} {what} repaired when read")
    if facts.repaired or facts.left_out:
        head.add_row("which, why", Text(str(path / "problems.csv")))

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("split")
    for title in ("pieces", "hours", "notes"):
        table.add_column(title, justify="right")
    rows = list(facts.splits.items())
    for name, totals in [*rows, ("all", facts.total)] if len(rows) > 1 else rows:
        style = "bold" if name == "all" else ""
        cells = (f"{totals.pieces:,}", f"{totals.seconds / 3600:,.1f}", f"{totals.notes:,}")
        table.add_row(Text(name), *cells, style=style)
    shown: list[Any] = [head, table]
    if facts.left_out:
        shown.append(_left_out(facts.left_out))
    if facts.duplicates:
        shown.append(Text("\n".join(_duplicates(facts.duplicates))))
    show(*shown)


def _left_out(reasons: Mapping[str, int]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("left out", justify="right")
    table.add_column("reason")
    first = list(reasons.items())[:_MOST_REASONS]
    for reason, count in first:
        table.add_row(f"{count:,}", Text(reason))
    rest = sum(reasons.values()) - sum(count for _, count in first)
    if rest:
        table.add_row(f"{rest:,}", f"{len(reasons) - len(first):,} other reasons")
    return table


def _duplicates(report: Mapping[str, Any]) -> list[str]:
    plain, own = report["plain_splits"], report["splits"]
    size = f"{plain['pieces']:,} pieces in {plain['groups']:,} groups, the largest of {plain['largest']:,}"
    lines = [f"near-duplicates: {size}"]
    for title, one in (("plain splits", plain), ("these splits", own)):
        leaks = [
            f"{leak['leaking']:,} of {leak['pieces']:,} {name} pieces ({leak['leaking'] / max(1, leak['pieces']):.1%})"
            for name, leak in one["leaks"].items()
        ]
        lines.append(f"  {title}: {', '.join(leaks) or 'none'} have one in train")
    return lines
