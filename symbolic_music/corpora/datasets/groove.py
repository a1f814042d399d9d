"""The Groove MIDI Dataset (Gillick et al. 2019): drum performances with their drummer, style and published split."""

from __future__ import annotations

from pathlib import Path

from symbolic_music.corpora.datasets.base import Listing, Source, find_one, no_splits, read_table
from symbolic_music.errors import CorpusError

LICENCE = "CC BY 4.0"
_FACTS = ("drummer", "session", "style", "bpm", "beat_type", "time_signature")


def listing(root: Path, splits: str) -> Listing:
    """The performances of info.csv, with its splits (train, validation, test).

    Raises:
        CorpusError: when there is no info.csv, or it has other columns.
    """
    no_splits("groove", splits)
    path = find_one(root, ["info.csv"], "the Groove MIDI Dataset")
    try:
        sources = [
            Source(
                row["midi_filename"],
                (row["midi_filename"],),
                row["split"],
                row["id"],
                license=LICENCE,
                facts={name: int(row[name]) if name == "bpm" else row[name] for name in _FACTS},
            )
            for row in read_table(path)
        ]
    except (KeyError, ValueError) as error:
        raise CorpusError(f"{path} is not the Groove MIDI Dataset's: {error!r}") from None
    return Listing(path.parent, tuple(sorted(sources, key=lambda s: s.name)), {"splits": "official"})
