"""What was measured of each file by a run of a commit, so that a later run of that commit goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from result_file import commit


class FileLog:
    """JSON lines of a file, or nothing at all where no path is given: what other commits measured is not taken."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._commit = path, commit()
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        rows = [row for row in map(json.loads, lines) if row.get("commit") == self._commit]
        self._known: dict[tuple[str, str], Any] = {(row["corpus"], row["file"]): row["measured"] for row in rows}

    def get(self, corpus: str, name: str) -> Any:
        """What was measured of a file, as JSON; None where it was not measured."""
        return self._known.get((corpus, name))

    def add(self, corpus: str, name: str, measured: Any) -> None:
        """One more."""
        if self._path is not None:
            row = {"commit": self._commit, "corpus": corpus, "file": name, "measured": measured}
            with self._path.open("a") as out:
                out.write(json.dumps(row) + "\n")
