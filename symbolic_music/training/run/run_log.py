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
from symbolic_music.training.run.callbacks import Callback

# How what is written fits its surroundings (`evaluation.context`), where the config asks for it, in rows of the splits
# "context", "context, original" and "context, copy"; likeness is of rhythm and pitch, of drums and others alike.
CONTEXT = ("likeness", "likeness_rhythm", "on_grid", "in_key", "in_chord", "clashes", "density_kept", "in_range")
COLUMNS = ("step", "split", "nats_per_token", "nats_per_note", "bits_per_second", "tokens_per_second", "seconds",
           "learning_rate", "gradient_norm", *CONTEXT)  # fmt: skip


class Records:
    """Rows of a run, each a dict of `COLUMNS`; files are replaced whole."""

    def __init__(self, folder: Path, callbacks: Sequence[Callback] = ()) -> None:
        self.folder, self.rows, self.callbacks = folder, list[dict[str, Any]](), callbacks

    def add(self, **values: float | str) -> None:
        """A row; what is left out or not a number stays empty."""
        row = {name: values.get(name, "") for name in COLUMNS}
        self.rows.append({k: "" if v != v else round(v, 7) if isinstance(v, float) else v for k, v in row.items()})
        for callback in self.callbacks:
            callback.on_log(values)
        self.write()

    def write(self) -> None:
        """log.csv, and curves.png where matplotlib is installed."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_bytes(self.folder / "log.csv", text.getvalue().encode())
        try:
            from symbolic_music.plotting import loss_curve
        except MissingExtraError:
            return
        loss_curve(self.rows, self.folder / "curves.png", title=self.folder.name)


def write_sample(model: Model[Any], step: int, folder: Path, seconds: float, seed: int) -> None:
    """Write an unconditional sample of a model as step-000500.mid with its piano roll."""
    from symbolic_music.generation import generate

    score = generate(None, seconds, model, seed=seed)
    target = score.write(folder / f"step-{step:06}.mid")
    try:
        from symbolic_music.plotting import save_piano_roll
    except MissingExtraError:
        return
    if len(score):
        save_piano_roll(score, target.with_suffix(".png"))


def log_rows(rows: Any) -> list[dict[str, Any]]:
    """Rows that a checkpoint kept; ValueError for other contents."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.keys() <= set(COLUMNS) for row in rows):
        raise ValueError("its log is no log")
    return rows
