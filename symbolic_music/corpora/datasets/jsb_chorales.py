"""The JSB Chorales as a corpus: the pieces of one json file, with its splits (229 / 76 / 77)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from symbolic_music.corpora.datasets.base import Listing, Source, find_one, no_splits
from symbolic_music.corpora.datasets.chorale_grid import chorale_from_grid
from symbolic_music.corpora.datasets.splits import VALIDATION
from symbolic_music.errors import CorpusError
from symbolic_music.score import Score

LICENCE = "public domain (the music; its encoding states none)"


def listing(root: Path, splits: str) -> Listing:
    """The chorales of Jsb16thSeparated.json, a file or in a folder, named `Jsb16thSeparated.json#train/0` and so on.

    Raises:
        CorpusError: when the file is missing or something else.
    """
    no_splits("chorales", splits)
    path = root if root.is_file() else find_one(root, ["Jsb16thSeparated.json"], "the JSB Chorales")
    try:
        pieces = _parsed(path.read_bytes())
        if not isinstance(pieces, dict) or not all(isinstance(own, list) for own in pieces.values()):
            raise TypeError
        names = [(split, place) for split in sorted(pieces) for place in range(len(pieces[split]))]
    except (ValueError, TypeError, LookupError, RecursionError):
        raise CorpusError(f"{path} does not map splits to pieces; expected Jsb16thSeparated.json") from None
    sources = [
        Source(
            f"{path.name}#{split}/{place}",
            (path.name,),
            {"valid": VALIDATION}.get(split, split),
            composer="Johann Sebastian Bach",
            license=LICENCE,
            read=read_chorale,
        )
        for split, place in names
    ]
    return Listing(path.parent, tuple(sources), {"splits": "official"})


def read_chorale(source: Source, path: Path, contents: Sequence[bytes]) -> tuple[Score, Mapping[str, Any]]:
    """The chorale that the part of the name after # points at."""
    split, _, place = source.name.removeprefix(f"{path.name}#").rpartition("/")
    return chorale_from_grid(_parsed(contents[0])[split][int(place)]), {}


@lru_cache(maxsize=1)
def _parsed(data: bytes) -> Any:
    return json.loads(data)
