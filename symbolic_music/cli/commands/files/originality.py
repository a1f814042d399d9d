"""Find passages of files in a note store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out, out_json, show, working
from symbolic_music.cli.output.paths import check_page

if TYPE_CHECKING:
    from symbolic_music.evaluation.originality import Originality
    from symbolic_music.score import Score


@examples("generated maestro.store --baseline test")
def originality(
    files: Annotated[
        list[Path], typer.Argument(help="MIDI or notation files or folders of MIDI files, and last a note store.")
    ],
    split: Annotated[str, typer.Option(help="The split of the store to search.")] = "train",
    baseline: Annotated[str | None, typer.Option(help="Another split of the store, measured for comparison.")] = None,
    pieces: Annotated[int, typer.Option(help="Maximum number of pieces of the baseline.", min=1)] = 100,
    report: Annotated[
        Path | None, typer.Option(help="Also write an HTML page that shows both passages of each match.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find passages of files in the pieces of a store, in any transposition and tempo."""
    from symbolic_music.cli.options.originality import write_report
    from symbolic_music.corpora.store.store import NoteStore
    from symbolic_music.errors import FileError, OptionError, ScoreError
    from symbolic_music.evaluation.originality import as_json as plain
    from symbolic_music.evaluation.originality import open_index
    from symbolic_music.evaluation.originality import originality as measured
    from symbolic_music.io import read
    from symbolic_music.io.files import MIDI_SUFFIXES

    if len(files) < 2:
        raise OptionError("name at least one file, then the note store")
    *sources, store_path = files
    paths = [path for source in sources for path in ([source] if not source.is_dir() else sorted(
        inner for inner in source.rglob("*") if inner.suffix.lower() in MIDI_SUFFIXES))]  # fmt: skip
    if report is not None:
        check_page(report, *paths)
    if not paths:
        raise OptionError(f"{', '.join(map(str, sources))}: no MIDI files")
    store = NoteStore(store_path)
    scores: dict[Path, Score] = {}
    left_out: dict[str, str] = {}
    for path in paths:
        try:
            scores[path] = read(path)
        except (FileError, ScoreError) as error:
            if path in sources:
                raise
            left_out[str(path)] = str(error).removeprefix(f"{path}: ")
    if not scores:
        raise FileError(f"{', '.join(map(str, sources))}: no MIDI file that can be read")
    with working("indexing") as progress:
        index = open_index(store, split, progress)
    found = {str(path): measured(score, index) for path, score in scores.items()}
    if report is not None:
        write_report(report, [(path.name, scores[path], found[str(path)], None) for path in scores], index, split)
    usual: list[dict[str, Any]] = []
    if baseline is not None:
        if baseline not in store.splits:
            raise OptionError(f"{store.path} has no split {baseline!r}; it has {', '.join(store.splits) or 'none'}")
        chosen = store.splits[baseline].tolist()
        step = -(-len(chosen) // pieces)
        usual = [plain(measured(store.music(i), index, without=i)) for i in chosen[::step]]
        for one in usual:
            del one["passages"]
    if as_json:
        size = index.bytes / max(1, int(index.starts[-1]))
        record = {"store": str(store.path), "split": split, "bytes_a_note": size, "report": report and str(report)}
        record |= {"left_out": left_out}
        out_json({**record, "files": {name: plain(one) for name, one in found.items()}, "baseline": usual})
        return
    _print(found, usual, baseline)
    for name, why in left_out.items():
        out(f"left out: {name}: {why}")
    if report is not None:
        out(f"{report}: which bars are where")


def _print(found: dict[str, Originality], usual: list[dict[str, Any]], baseline: str | None) -> None:
    import numpy as np
    from rich.table import Table

    table = Table("file", "notes", "longest", "share", "where", "in", "at", "semitones", "tempo")
    for name, one in found.items():
        first = next((passage for passage in one.passages if passage.rhythm), None)
        where = [""] * 5
        if first is not None:
            where = [f"{first.start:.1f} to {first.end:.1f} s", first.source, f"{first.source_start:.1f} s",
                     f"{first.transposition:+d}", f"{1 / first.stretch:.2f}"]  # fmt: skip
        table.add_row(Path(name).name, f"{one.notes:,}", f"{one.longest}", f"{one.share:.1%}", *where)
    show(table)
    if usual:
        longest = np.quantile([one["longest"] for one in usual], (0.5, 0.95))
        share = np.quantile([one["share"] for one in usual], (0.5, 0.95))
        table = Table(title=f"{len(usual)} pieces of {baseline}", show_header=False)
        table.add_row("longest passage: median, 95 %", f"{longest[0]:.0f}, {longest[1]:.0f} notes")
        table.add_row("share of notes in passages: median, 95 %", f"{share[0]:.1%}, {share[1]:.1%}")
        show(table)
