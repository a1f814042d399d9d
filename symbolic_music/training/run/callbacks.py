"""Callbacks of a run, which are called as it goes on; `tensorboard_and_wandb` has two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]


class Callback:
    """Does nothing: override what is wanted. Only the first of several processes calls it."""

    def on_step(self, row: Row) -> None:
        """After each step: step, loss (nats a token), rate (ids a second), left (seconds)."""

    def on_log(self, row: Row) -> None:
        """For each row of log.csv: see `run_log.columns_of`."""

    def on_end(self) -> None:
        """When the run ends or is interrupted."""
