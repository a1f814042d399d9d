"""Look up generated notes in a training store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symbolic_music.errors import CorpusError, OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from symbolic_music.evaluation.originality import Index, Originality
    from symbolic_music.generation import Written
    from symbolic_music.score import Score

# Training pieces are looked in.
SPLIT = "train"


def check_store(store: Path | None, report: Path | None) -> None:
    """Before anything is written: FileError or CorpusError unless the store can be looked in.

    Raises:
        OptionError: for a page without a store.
    """
    if store is None:
        if report is not None:
            raise OptionError("--originality-report needs --originality STORE")
        return
    from symbolic_music.corpora.store.store import NoteStore

    opened = NoteStore(store)
    if SPLIT not in opened.splits:
        raise CorpusError(f"{store} has no split {SPLIT!r}; it has {', '.join(opened.splits) or 'none'}")


def looked_up(found: Sequence[Written], store: Path, report: Path | None, names: Sequence[str]) -> list[Originality]:
    """Passages that the new notes of each alternative share with training pieces of a store; a page if requested."""
    from symbolic_music.cli.output.console import working
    from symbolic_music.corpora.store.store import NoteStore
    from symbolic_music.evaluation.originality import open_index, originality

    with working("indexing") as progress:
        index = open_index(NoteStore(store), SPLIT, progress)
    masks = [one.written for one in found]
    shared = [originality(one.score, index, among=mask) for one, mask in zip(found, masks, strict=True)]
    if report is not None:
        scores = [one.score for one in found]
        write_report(report, list(zip(names, scores, shared, masks, strict=True)), index, SPLIT)
    return shared


def summary(shared: Originality) -> str:
    """The longest copied passage in a few words."""
    longest = next((passage for passage in shared.passages if passage.rhythm), None)
    if longest is None:
        return "no passage of the training data"
    moved = f"{longest.transposition:+d} semitones" if longest.transposition else "untransposed"
    return (
        f"longest passage of the training data {longest.own} notes, {longest.start:.1f} to {longest.end:.1f} s "
        f"({longest.source} at {longest.source_start:.1f} s, {moved})"
    )


def write_report(
    target: Path, pieces: Sequence[tuple[str, Score, Originality, NDArray[Any] | None]], index: Index, split: str
) -> None:
    """The page of `evaluation.originality.originality_report`, and its JSON."""
    from symbolic_music.cli.output.pages import facts_of, write_page
    from symbolic_music.evaluation.originality import originality_report

    facts = facts_of(store=str(index.store.path), split=split, n=len(pieces))
    write_page(originality_report(pieces, index.store, facts), target)
