"""The curves of a run in TensorBoard, and in a project of Weights & Biases."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from symbolic_music.errors import MissingExtraError
from symbolic_music.training.run.callbacks import Callback, Row


class TensorBoard(Callback):
    """Curves as TensorBoard's events, in FOLDER/tensorboard.

    Raises:
        MissingExtraError: without tensorboard.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MissingExtraError("tensorboard", "tensorboard") from None
        self._writer: Any = SummaryWriter(str(folder / "tensorboard"))

    def on_log(self, row: Row) -> None:
        """Add the numbers of a row."""
        for name, value in numbers(row).items():
            self._writer.add_scalar(f"{row['split']}/{name}", value, row["step"])
        self._writer.flush()

    def on_end(self) -> None:
        """Close the file."""
        self._writer.close()


class WeightsAndBiases(Callback):
    """Curves in a project of Weights & Biases; a run that is resumed goes on in the same one there.

    Raises:
        MissingExtraError: without wandb.
    """

    def __init__(self, project: str, name: str, config: Mapping[str, Any]) -> None:
        try:
            import wandb
        except ImportError:
            raise MissingExtraError("wandb", "wandb") from None
        self._run: Any = wandb.init(project=project, name=name, id=name, resume="allow", config=dict(config))

    def on_log(self, row: Row) -> None:
        """Add the numbers of a row."""
        self._run.log({f"{row['split']}/{name}": value for name, value in numbers(row).items()}, step=int(row["step"]))

    def on_end(self) -> None:
        """Send what is left."""
        self._run.finish()


def numbers(row: Row) -> dict[str, float]:
    """The measured numbers of a row of the log."""
    return {name: value for name, value in row.items() if isinstance(value, float) and math.isfinite(value)}
