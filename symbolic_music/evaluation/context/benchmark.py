"""A benchmark of regions as data: pieces by the MD5 of their file, with positions of edits, without notes.

A document has a list `regions` of objects: `corpus` and `md5` name the piece, `ticks` is [first, last) and `tracks` the
tracks; `kind`, `bars`, `verified` and `program` are for people. `notes` is how many notes the region has, as a check
that the file was read alike. Where a file's meters say nothing of its bars, `meters` [[tick, numerator, denominator]]
stand for them after all has been moved by `shift` ticks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from symbolic_music.errors import EvaluationError, FileError
from symbolic_music.evaluation.context.region import Case, EditRegion
from symbolic_music.io import read
from symbolic_music.score import METER, Score
from symbolic_music.transforms import shift

# Folders of the corpora's MIDI files under the folder that holds them all.
_FOLDERS = {"lakh-subset": "lakh-subset/midi", "pop909": "pop909/midi"}


def load_cases(document: Path, corpora: Path, most: int | None = None) -> list[Case]:
    """The regions of a benchmark with their pieces, read from the folder that holds the corpora.

    Args:
        document: a JSON file; see above.
        corpora: folder of lakh-subset and pop909.
        most: this many of the regions, from the first on.

    Raises:
        FileError: when the document or a piece is missing.
        EvaluationError: when a region does not hold as many notes as it did when it was chosen.
    """
    try:
        regions = json.loads(document.read_text())["regions"][:most]
    except OSError as error:
        raise FileError(f"cannot read {document}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise FileError(f"{document} is not a benchmark of regions") from None
    files = _files(regions, corpora)
    scores = {one["md5"]: prepared(read(files[one["md5"]]), one) for one in regions}
    return [_case(scores[one["md5"]], one) for one in regions]


def prepared(score: Score, facts: Mapping[str, Any]) -> Score:
    """A piece moved by `shift` ticks and with the `meters` that its entry gives, if any."""
    if "meters" in facts:
        score = shift(score, facts["shift"])
        score = score.replace(meters=np.array([tuple(row) for row in facts["meters"]], METER))
    return score


def _case(score: Score, facts: Mapping[str, Any]) -> Case:
    first, last = facts["ticks"]
    region = EditRegion(first, last, tuple(facts["tracks"]))
    found = int(region.mask(score.notes).sum())
    if found != facts["notes"]:
        raise EvaluationError(
            f"bars {facts['bars'][0]} to {facts['bars'][1]} of {facts['md5']} have {found} notes in tracks "
            f"{facts['tracks']}, not {facts['notes']}: the benchmark was made of another reading of the file"
        )
    return Case(score, region, facts["md5"])


def _files(regions: Sequence[Mapping[str, Any]], corpora: Path) -> dict[str, Path]:
    """The file of each MD5. Lakh's are named by it; others are hashed."""
    found: dict[str, Path] = {}
    for corpus in dict.fromkeys(one["corpus"] for one in regions):
        folder = corpora / _FOLDERS.get(corpus, corpus)
        wanted = {one["md5"] for one in regions if one["corpus"] == corpus}
        paths = sorted(folder.rglob("*.mid"))
        named = {path.stem: path for path in paths}
        if not wanted <= named.keys():
            named |= {hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest(): path for path in paths}
        missing = sorted(wanted - named.keys())
        if missing:
            raise FileError(f"{folder} lacks {len(missing)} of {len(wanted)} pieces, such as {missing[0]}")
        found |= {md5: named[md5] for md5 in wanted}
    return found
