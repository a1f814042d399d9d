"""The command line in this process, as the command line's own tests run it."""

from __future__ import annotations

from tests.cli.conftest import mistake, run

__all__ = ["mistake", "run"]
