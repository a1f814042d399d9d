"""The Lakh MIDI Dataset (Raffel 2016): full, matched, or any folder of files named by the MD5 of their bytes.

Splits are those of the Anticipatory Music Transformer: of the first hex digit of the name, e is validation, f test.
"""

from __future__ import annotations

import re
from pathlib import Path

from symbolic_music.corpora.datasets.base import Listing, Source, music_files
from symbolic_music.corpora.datasets.splits import by_first_digit
from symbolic_music.errors import CorpusError, OptionError

# Of the collection; the rights in the songs are not cleared.
LICENCE = "CC BY 4.0"
_MD5 = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_MSD = re.compile(r"TR[A-Z]{5}[0-9A-F]{11}")


def listing(root: Path, splits: str) -> Listing:
    """Each MD5 once: LMD-matched has a file under every track of the Million Song Dataset that it matches.

    Those tracks are the piece's facts (`msd`). Files of other names are left out.

    Raises:
        CorpusError: when no file is named by an MD5.
        OptionError: when `splits` is not empty or md5.
    """
    if splits not in ("", "md5"):
        raise OptionError(f"the splits of lakh are md5 or dedup, not {splits}")
    paths: dict[str, list[str]] = {}
    others = []
    for name in music_files(root):
        stem = Path(name).stem
        if _MD5.fullmatch(stem):
            paths.setdefault(stem.lower(), []).append(name)
        else:
            others.append(Source(name, (name,), refused="its name is not an MD5"))
    if not paths:
        raise CorpusError(f"{root} has no MIDI files named by their MD5; `folder` takes files of any name")
    sources = [_source(md5, names) for md5, names in paths.items()]
    sources = sorted([*sources, *others], key=lambda source: source.name)
    return Listing(root, tuple(sources), {"splits": "md5"}, by_first_digit)


def _source(md5: str, names: list[str]) -> Source:
    tracks = sorted({Path(name).parent.name for name in names if _MSD.fullmatch(Path(name).parent.name)})
    facts = {"msd": tracks} if tracks else {}
    return Source(names[0], (names[0],), by_first_digit(md5), license=LICENCE, facts=facts)
