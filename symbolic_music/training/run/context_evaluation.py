"""Fit of a run's model to the context of validation pieces."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.errors import SymbolicMusicError, TrainingError
from symbolic_music.evaluation.context import Case, EditRegion, copy_before, measure, next_region, original
from symbolic_music.models.model import Model
from symbolic_music.score import Score
from symbolic_music.training.config import ContextConfig, RegionsData, StoreEditsData, TrainConfig
from symbolic_music.training.run.run_log import CONTEXT, Records

# Notes of a region: longer ones take more time than they are worth.
_MOST_NOTES = 120
# Pieces that are looked at for each region that is wanted.
_TRIES = 20


def chosen_cases(data: StoreEditsData | RegionsData, asked: ContextConfig) -> list[Case]:
    """Regions of validation pieces of the stores by their shares: the same ones always, each of another piece.

    Raises:
        TrainingError: when no piece has such a region.
    """
    rng, stores = np.random.default_rng(0), [NoteStore(path) for path in data.stores]
    splits = [store.splits.get(data.validation, np.zeros(0, np.int64)) for store in stores]
    shares = np.array(list(data.stores.values())) * [len(split) > 0 for split in splits]
    found, seen = list[Case](), set[tuple[int, int]]()
    for _ in range(_TRIES * asked.regions if shares.any() else 0):
        if len(found) == asked.regions:
            break
        store = int(rng.choice(len(stores), p=shares / shares.sum()))
        index = int(rng.choice(splits[store]))
        if (store, index) in seen:
            continue
        seen.add((store, index))
        score = stores[store].music(index)
        region = next_region(score, len(found), rng, asked.bars, _MOST_NOTES, either=False)
        if region is not None:
            found.append(Case(score, region, f"{stores[store].path}:{index}"))
    if not found:
        raise TrainingError(
            f"context: no piece of split {data.validation!r} has {asked.bars} bars of a track to write anew; "
            "leave context out, or ask for fewer bars"
        )
    return found


class ContextEvaluation:
    """The regions of a run, written and measured at each evaluation.

    Raises:
        TrainingError: for data whose models do not write single tracks of a store's pieces, or without any region.
    """

    def __init__(self, config: TrainConfig, asked: ContextConfig) -> None:
        if not isinstance(config.data, StoreEditsData | RegionsData):
            raise TrainingError(f"context is for data of kind edits or regions, not {config.data.kind}")
        self.cases = chosen_cases(config.data, asked)
        self._seed = config.seed

    def references(self) -> dict[str, dict[str, float]]:
        """The means of the original and of a copy of the bars before, by name."""
        writes = {"original": original, "copy": copy_before}
        return {
            name: means([measure(case, write(case.score, case.region)) for case in self.cases])
            for name, write in writes.items()
        }

    def log(self, model: Model[Any], records: Records, step: int, seconds: float) -> None:
        """A row of what a model writes; the first time also of the original and of the copy."""
        known = {row["split"] for row in records.rows}
        for name, values in self.references().items() if "context" not in known else ():
            records.add(split=f"context, {name}", step=step, **values)
        records.add(split="context", step=step, seconds=seconds, **self.of(model))

    def of(self, model: Model[Any]) -> dict[str, float]:
        """The means over all regions as a model writes them; what it cannot write is empty."""
        return means([measure(case, self._written(case.score, case.region, model)) for case in self.cases])

    def _written(self, score: Score, region: EditRegion, model: Model[Any]) -> Score:
        from symbolic_music import generation

        beats = [tick / score.ticks_per_quarter for tick in (region.first, region.last)]
        where = generation.Region(beats[0], beats[1], "beats")
        try:
            return generation.edit(score, [where], region.tracks, model, seed=self._seed).finish()[0].score
        except SymbolicMusicError:
            return score.replace(notes=score.notes[~region.mask(score.notes)])


def means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each of `run_log.CONTEXT` over the regions that have it; nan where none has.

    Args:
        rows: of `evaluation.context.measure`. Likeness of pitched regions is their likeness of rhythm and pitch.
    """
    merged = [
        {**row, "likeness": row["likeness_rhythm_pitch"] if math.isnan(row["likeness"]) else row["likeness"]}
        for row in rows
    ]
    out = {}
    for name in CONTEXT:
        known = [row[name] for row in merged if not math.isnan(row[name])]
        out[name] = float(np.mean(known)) if known else math.nan
    return out
