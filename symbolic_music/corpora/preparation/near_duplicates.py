"""Find near-duplicates in a corpus by note content, and make splits that keep them together.

Two pieces are near-duplicates when their `fingerprints` overlap: transposed, in another tempo or
resolution, with other sounds, with a part more or less, cut short, or inside a medley. Where pieces are chained by
that, all of them are one group, which goes into one split.

Sketches are compared only where they share hashes, found by sorting all of them: 178,000 pieces take a minute or two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.corpora.datasets.splits import TRAIN
from symbolic_music.corpora.preparation.fingerprints import SIZE, Hashes

# Near-duplicates have this Jaccard index, or the smaller is in the larger to this part. On Lakh files, pairs below are
# other arrangements of a song, or songs that quote one; from about 0.1 down they are strangers.
JACCARD, CONTAINED = 0.15, 0.5
# Hashes that must be common for either: strangers share some, of scales and broken chords.
_FEWEST, _FEWEST_CONTAINED = 12, 32
# Of the pieces with a hash each is compared with this many of the next ones, which chains large groups.
_NEIGHBOURS = 8
_ALL = np.iinfo(np.uint32).max


@dataclass(frozen=True)
class Overlap:
    """How far two sketches overlap: estimates of the Jaccard index and of the part of the smaller that is common."""

    jaccard: float
    contained: float
    common: int

    @property
    def near(self) -> bool:
        """Whether they are near-duplicates."""
        similar = self.jaccard >= JACCARD and self.common >= _FEWEST
        return similar or (self.contained >= CONTAINED and self.common >= _FEWEST_CONTAINED)


def overlap(a: Hashes, b: Hashes) -> Overlap:
    """Compare two sketches on the range that both cover: a full sketch says nothing beyond its largest hash."""
    bound = min(a[-1] if len(a) == SIZE else _ALL, b[-1] if len(b) == SIZE else _ALL)
    a, b = a[: np.searchsorted(a, bound, "right")], b[: np.searchsorted(b, bound, "right")]
    common = len(np.intersect1d(a, b, assume_unique=True))
    either, smaller = len(a) + len(b) - common, min(len(a), len(b))
    return Overlap(common / max(1, either), common / max(1, smaller), common)


def groups(sketches: Sequence[Hashes], keys: Sequence[str]) -> NDArray[np.int64]:
    """For each piece the index of the first piece of its group, shape (pieces,); its own where it is alone.

    `keys` are the pieces' SHA-256: equal ones are one group whatever their notes. Pieces with too few runs to be
    compared are one group when their sketches are equal.
    """
    first = np.arange(len(sketches))

    def root(index: int) -> int:
        while first[index] != index:
            first[index] = first[first[index]]
            index = int(first[index])
        return index

    def join(a: int, b: int) -> None:
        a, b = sorted((root(a), root(b)))
        first[b] = a

    seen: dict[Any, int] = {}
    for index, (hashes, key) in enumerate(zip(sketches, keys, strict=True)):
        join(index, seen.setdefault(key, index))
        if 0 < len(hashes) < _FEWEST:
            join(index, seen.setdefault(hashes.tobytes(), index))
    for a, b in _candidates(sketches):
        if root(a) != root(b) and overlap(sketches[a], sketches[b]).near:
            join(a, b)
    return np.array([root(index) for index in range(len(first))], np.int64)


def _candidates(sketches: Sequence[Hashes]) -> list[tuple[int, int]]:
    """Pairs of pieces that share enough hashes to be near-duplicates."""
    count = len(sketches)
    hashes = np.concatenate([np.zeros(0, np.uint32), *sketches])
    owner = np.repeat(np.arange(count), [len(one) for one in sketches])
    order = np.argsort(hashes, kind="stable")
    hashes, owner = hashes[order], owner[order]
    pairs, times = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for distance in range(1, _NEIGHBOURS + 1):
        shared = np.flatnonzero(hashes[distance:] == hashes[:-distance])
        found, how_often = np.unique(owner[shared] * count + owner[shared + distance], return_counts=True)
        joined, places = np.unique(np.concatenate([pairs, found]), return_inverse=True)
        times = np.bincount(places, np.concatenate([times, how_often]), len(joined)).astype(np.int64)
        pairs = joined
    enough = pairs[times >= _FEWEST]
    return list(zip((enough // count).tolist(), (enough % count).tolist(), strict=True))


def dedup_splits(
    first: NDArray[np.int64], keys: Sequence[str], splits: Sequence[str], split_of: Callable[[str], str]
) -> list[str]:
    """Splits that keep each group together: a piece that is alone keeps its own.

    A group's follows from the hash of its smallest key - hashed again, for the smallest of many is a small one - so it
    is as likely to be a test group as a piece is to be a test piece.
    """
    smallest: dict[int, str] = {}
    for group, key in zip(first.tolist(), keys, strict=True):
        smallest[group] = min(smallest.get(group, key), key)
    sizes = np.bincount(first, minlength=len(first))
    return [
        split_of(sha256(smallest[group].encode()).hexdigest()) if sizes[group] > 1 else own
        for group, own in zip(first.tolist(), splits, strict=True)
    ]


def leak_report(first: NDArray[np.int64], splits: Sequence[str]) -> dict[str, Any]:
    """How many near-duplicates there are, and how many of them these splits tear apart.

    `groups` of more than one piece, the `pieces` in them, the `largest` group; `leaking_groups` have pieces in several
    splits; `leaks`: of each split but train, its pieces and how many have a near-duplicate in train.
    """
    sizes = np.bincount(first, minlength=len(first))
    names = sorted(set(splits))
    split = np.array([names.index(name) for name in splits], np.int64)
    spread = np.zeros((len(first), len(names)), bool)
    spread[first, split] = True
    in_train = spread[first, names.index(TRAIN)] if TRAIN in names else np.zeros(len(first), bool)
    return {
        "groups": int((sizes > 1).sum()),
        "pieces": int(sizes[sizes > 1].sum()),
        "largest": int(sizes.max(initial=0)),
        "leaking_groups": int((spread.sum(axis=1) > 1).sum()),
        "leaks": {
            name: {"pieces": int((split == place).sum()), "leaking": int((in_train & (split == place)).sum())}
            for place, name in enumerate(names)
            if name != TRAIN
        },
    }
