"""MAESTRO (Hawthorne et al. 2019), versions 1 to 3: the pieces of a metadata file, with published splits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from symbolic_music.corpora.datasets.base import Listing, Source, no_splits, read_table
from symbolic_music.errors import CorpusError

LICENCE = "CC BY-NC-SA 4.0"
_PATTERN = "maestro-v*.[cj]s[vo]*"


def listing(root: Path, splits: str) -> Listing:
    """The pieces of a metadata file, csv or json, or of the one in a folder that describes it best.

    That is the one whose list differs least from the files that are there; of equals the newest. A list of one version
    over the files of another is fine: only what it lists is taken.

    Raises:
        CorpusError: when there is no such file, or it is not MAESTRO's.
    """
    no_splits("maestro", splits)
    metadata = root if root.is_file() else _best(root)
    rows = read_metadata(metadata)
    version = metadata.stem.removeprefix("maestro-")
    sources = [
        Source(
            str(row["midi_filename"]),
            (str(row["midi_filename"]),),
            str(row["split"]),
            str(row["canonical_title"]),
            str(row["canonical_composer"]),
            LICENCE,
            {"year": int(row["year"])},
        )
        for row in rows
    ]
    options = {"splits": "official", "metadata": version}
    return Listing(metadata.parent, tuple(sorted(sources, key=lambda source: source.name)), options)


def _best(root: Path) -> Path:
    found = sorted(p for p in (*root.glob(_PATTERN), *root.glob(f"*/{_PATTERN}")) if p.suffix in (".csv", ".json"))
    if not found:
        raise CorpusError(f"{root} is not MAESTRO: it has no maestro-v*.csv or .json")
    present: dict[Path, set[str]] = {}

    def rank(path: Path) -> tuple[int, str]:
        folder = path.parent
        if folder not in present:
            files = (p for p in folder.glob("*/*") if p.suffix in (".midi", ".mid"))
            present[folder] = {p.relative_to(folder).as_posix() for p in files}
        listed = {str(row["midi_filename"]) for row in read_metadata(path)}
        return -len(listed ^ present[folder]), path.name.removesuffix(path.suffix)

    return max(found, key=rank)


def read_metadata(path: Path) -> Sequence[dict[str, Any]]:
    """The rows of a metadata file: csv, json as a list of rows (v1, v2), or json as columns (v3).

    Raises:
        CorpusError: when it is something else.
    """
    try:
        rows = _rows_of_json(path) if path.suffix == ".json" else read_table(path)
        needed = ("midi_filename", "split", "canonical_title", "canonical_composer", "year")
        for row in rows:
            int(row["year"])
            if not all(row[name] for name in needed):
                raise ValueError(f"a row without {' or '.join(needed)}")
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror}") from None
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CorpusError(f"{path} is not MAESTRO's metadata: {error!r}") from None
    return list(rows)


def _rows_of_json(path: Path) -> Any:
    rows = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(rows, dict):
        return rows
    return [{name: column[key] for name, column in rows.items()} for key in rows["midi_filename"]]
