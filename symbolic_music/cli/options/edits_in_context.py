"""Edit regions of a store by a model, and hold them against the original, copies, retrieval and random bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symbolic_music.errors import EvaluationError, SymbolicMusicError

if TYPE_CHECKING:
    from symbolic_music.cli.output.console import Progress
    from symbolic_music.corpora.store.store import NoteStore
    from symbolic_music.evaluation.context import Case, EditRegion, Row, Write
    from symbolic_music.models.model import Model
    from symbolic_music.score import Score


@dataclass(frozen=True)
class Edits:
    """Regions, who wrote them, the table of all metrics, and what could not be written."""

    cases: Sequence[Case]
    writes: Mapping[str, Write]
    rows: Sequence[Row]
    errors: Sequence[str]
    seed: int

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        from symbolic_music.evaluation.context import as_json

        pieces = len({case.piece for case in self.cases})
        return {
            "n": len(self.cases), "pieces": pieces, "seed": self.seed, "errors": list(self.errors),
            "rows": as_json(self.rows),
        }  # fmt: skip


def edited(model: Model[Any], store: NoteStore, split: str, count: int, seed: int, progress: Progress) -> Edits:
    """Write regions of four bars anew, each with what its piece has around it.

    Raises:
        EvaluationError: when no piece has a region, or the model can write none of them.
    """
    from symbolic_music import generation
    from symbolic_music.evaluation import context

    cases, errors = context.choose_cases(store, split, count, seed=seed), list[str]()

    def write(score: Score, region: EditRegion) -> Score:
        beats = [tick / score.ticks_per_quarter for tick in (region.first, region.last)]
        where = generation.Region(beats[0], beats[1], "beats")
        return generation.edit(score, [where], region.tracks, model, seed=seed).finish()[0].score

    def write_or_leave_empty(score: Score, region: EditRegion) -> Score:
        try:
            return write(score, region)
        except SymbolicMusicError as error:
            errors.append(str(error))
            return score.replace(notes=score.notes[~region.mask(score.notes)])

    writes = {model.card.name: write_or_leave_empty, **context.references(cases, seed)}
    results = {model.card.name: context.evaluate(cases, write_or_leave_empty, progress)}
    if len(errors) == len(cases):
        raise EvaluationError(f"{model.card.name} can write none of the {len(cases)} regions: {errors[0]}")
    results |= {name: context.evaluate(cases, write) for name, write in writes.items() if name not in results}
    return Edits(cases, writes, context.table(cases, results, list(writes)[1:]), errors, seed)
