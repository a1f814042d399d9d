"""Prepare a corpus as a note store."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out_json, working


@examples("maestro maestro-v3.0.0-midi.zip -o maestro.store", "folder my-midi --splits 90/5/5 -o mine.store")
def prepare(
    corpus: Annotated[str, typer.Argument(help="maestro, lakh, chorales, pop909, groove, or folder.")],
    source: Annotated[
        Path,
        typer.Argument(metavar="SRC", help="The folder or archive of the corpus; for maestro also a metadata file."),
    ],
    store: Annotated[Path, typer.Option("--output", "-o", help="The folder of the store.")],
    workers: Annotated[
        int | None, typer.Option(help="Number of processes; by default one for each CPU core.", min=1)
    ] = None,
    splits: Annotated[
        str,
        typer.Option(help="Shares as 90/5/5 (folder, pop909), md5 (lakh), dedup (lakh, folder), or dedup:80/10/10."),
    ] = "",
    filter: Annotated[str, typer.Option(help="The filter of a published pipeline: anticipation or mmm.")] = "",
    engine: Annotated[str, typer.Option(help="processes, or ray on a cluster.")] = "processes",
    download: Annotated[
        str,
        typer.Option(metavar="RELEASE", help="First download this release into SRC: v3.0.0 (maestro), full (lakh) ..."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Read a corpus into a note store, from which any tokenizer trains.

    The same command resumes a run that was stopped or killed.
    """
    from symbolic_music.corpora.datasets import downloads
    from symbolic_music.corpora.preparation import pipeline as prepare
    from symbolic_music.corpora.store.statistics import as_json as json_of
    from symbolic_music.corpora.store.statistics import summary

    processes = workers or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    done = [0, 0]
    try:
        with _terminable():
            if download:
                archive = downloads.find(corpus, download)
                with working(f"downloading {archive.url}") as progress:
                    source = downloads.fetch(archive, source, progress)
            with working(f"preparing {corpus}") as progress:

                def report(count: int, total: int) -> None:
                    done[:] = [count, total]
                    progress(count / max(1, total))

                made = prepare.prepare(
                    corpus,
                    source,
                    store,
                    workers=processes,
                    splits=splits,
                    filter=filter,
                    engine=engine,
                    progress=report,
                )
    except KeyboardInterrupt:
        far = f"with {done[0]:,} of {done[1]:,} segments done" if done[1] else "before the first segment"
        sys.stderr.write(f"stopped {far}; the same command resumes\n")
        raise typer.Exit(130) from None
    facts = summary(made)
    if as_json:
        out_json({**json_of(facts), "out": str(store)})
    else:
        from symbolic_music.cli.output.store_table import print_summary

        print_summary(store, facts)


@contextmanager
def _terminable() -> Iterator[None]:
    """Take SIGTERM, which batch systems send, as Ctrl-C."""

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
