"""The log of a run: log.csv and a picture of the curves."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from symbolic_music.errors import MissingExtraError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.models.model import Model
from symbolic_music.score import Score
from symbolic_music.training.run.callbacks import Callback

# How what is written fits its surroundings (`evaluation.context`), where the config asks for it, in rows of the splits
# "context", "context, original" and "context, copy"; likeness is of rhythm and pitch, of drums and others alike.
CONTEXT = ("likeness", "likeness_rhythm", "on_grid", "in_key", "in_chord", "clashes", "density_kept", "in_range")
HELD = "held out "  # before a measure's name where both rows of an evaluation stand in one


def columns_of(loss: str, rate: str, others: Sequence[str]) -> tuple[str, ...]:
    """The columns of a log, by the names of the loss, of the speed, and of what a task measures besides."""
    return ("step", "split", loss, *others, rate, "seconds", "learning_rate", "gradient_norm")


class Records:
    """Rows of a run, each a dict of its columns; files are replaced whole."""

    def __init__(self, folder: Path, columns: Sequence[str], callbacks: Sequence[Callback] = ()) -> None:
        self.folder, self.columns, self.rows, self.callbacks = folder, columns, list[dict[str, Any]](), callbacks

    def add(self, **values: float | str) -> None:
        """A row; what is left out or not a number stays empty."""
        row = {name: values.get(name, "") for name in self.columns}
        self.rows.append({k: "" if v != v else round(v, 7) if isinstance(v, float) else v for k, v in row.items()})
        for callback in self.callbacks:
            callback.on_log(values)
        self.write()

    def write(self) -> None:
        """log.csv, and curves.png where matplotlib is installed."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_bytes(self.folder / "log.csv", text.getvalue().encode())
        try:
            from symbolic_music.plotting import loss_curve
        except MissingExtraError:
            return
        loss_curve(self.rows, self.folder / "curves.png", title=self.folder.name)


def write_sample(
    model: Model[Any], step: int, folder: Path, seconds: float, seed: int, request: Score | None = None
) -> None:
    """Write a sample of a model as step-000500.mid with its piano roll: from nothing, or for a piece without notes."""
    from symbolic_music.generation import generate

    score = generate(request, seconds, model, seed=seed, allow_empty=True)  # an early step may write nothing
    target = score.write(folder / f"step-{step:06}.mid")
    try:
        from symbolic_music.plotting import save_piano_roll
    except MissingExtraError:
        return
    if len(score):
        save_piano_roll(score, target.with_suffix(".png"))


def log_rows(rows: Any, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Rows that a checkpoint kept; ValueError for other contents.

    Codecs and voices kept one row an evaluation, training and held out together: each becomes two here.
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("its log is no log")
    found = []
    for row in rows:
        if not {key.removeprefix(HELD) for key in row} <= set(columns):
            raise ValueError("its log is no log")
        if "split" in row:
            found.append(row)
            continue
        held = {key.removeprefix(HELD): value for key, value in row.items() if key.startswith(HELD)}
        for split, values in (("train", row), ("valid", held)):
            known = {name: values.get(name, "") for name in columns}
            found.append({**known, "step": row["step"], "split": split})
    return found
