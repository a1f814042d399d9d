"""Any folder of music: all readable files, split by the hash of their bytes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from symbolic_music.corpora.datasets.base import Listing, Source, music_files
from symbolic_music.corpora.datasets.splits import TEST, TRAIN, VALIDATION, by_shares, parse_shares
from symbolic_music.errors import CorpusError

SHARES = "90/5/5"


def listing(root: Path, splits: str) -> Listing:
    """All MIDI and notation files below a folder. Equal files are in one split, whatever they are called.

    Splits follow the hash of a file's bytes; in a small folder one that would be empty gets a piece of the largest.

    Raises:
        CorpusError: when there are none.
        OptionError: if `splits` is not three percentages; see `splits.parse_shares`.
    """
    shares = parse_shares(splits or SHARES)
    names = music_files(root)
    if not names:
        raise CorpusError(f"{root} has no MIDI or notation files")
    sources = tuple(Source(name, (name,)) for name in names)
    wanted = tuple(name for name, share in zip((TRAIN, VALIDATION, TEST), shares, strict=True) if share)
    return Listing(root, sources, {"splits": "/".join(map(str, shares))}, partial(by_shares, shares=shares), wanted)
