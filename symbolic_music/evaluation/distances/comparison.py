"""A folder of pieces against a folder of pieces: distances, features and how much they overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import length_hint
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import EvaluationError
from symbolic_music.evaluation.distances.embedding import NAME, embed
from symbolic_music.evaluation.distances.frechet import Extrapolated, frechet, frechet_infinite
from symbolic_music.evaluation.distances.maximum_mean_discrepancy import discrepancy, discrepancy_p
from symbolic_music.evaluation.features import mgeval, muspy
from symbolic_music.evaluation.statistics import Mean, mean
from symbolic_music.score import Score

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Embedding:
    """A vector for each piece: its name, and what gives it."""

    name: str
    embed: Callable[[Score], NDArray[Any]]


COUNTED = Embedding(NAME, embed)
# Fewer pieces are not extrapolated from.
_FEW = 25


@dataclass(frozen=True)
class Sets:
    """Two sets beside each other.

    Args:
        pieces: how many of each.
        embedding: name of the vectors of both distances.
        seed: of all draws.
        frechet: distance of the sets as they are.
        infinite: the same for infinitely many pieces; None for fewer than 25.
        discrepancy: squared maximum mean discrepancy.
        p: how often mixed sets are as far apart.
        features: MusPy's, the mean of each set.
        overlaps: mgeval's.
    """

    pieces: tuple[int, int]
    embedding: str
    seed: int
    frechet: float
    infinite: Extrapolated | None
    discrepancy: float
    p: float
    features: Mapping[str, tuple[Mean, Mean]]
    overlaps: Mapping[str, mgeval.Comparison]


def compare(
    first: Iterable[Score],
    second: Iterable[Score],
    seed: int = 0,
    progress: Progress | None = None,
    embedding: Embedding = COUNTED,
) -> Sets:
    """Compare generated pieces with a reference. Each is measured as it comes, so that no set has to be in memory.

    Args:
        first: generated pieces, three at least, none without notes.
        second: pieces to compare with.
        seed: of all draws.
        progress: called with the share that is done.
        embedding: of the vectors of both distances.

    Raises:
        EvaluationError: for fewer than three pieces, or one without notes.
    """
    total = length_hint(first) + length_hint(second)
    vectors, counts = list[NDArray[Any]](), list[int]()
    features, nine = [], []
    for pieces in (first, second):
        before = len(vectors)
        for score in pieces:
            if not len(score):
                raise EvaluationError("a piece has no notes: leave it out")
            vectors.append(embedding.embed(score))
            features.append(muspy.features(score))
            nine.append(mgeval.features(score))
            if progress and total:
                progress(0.9 * min(1.0, len(vectors) / total))
        counts.append(len(vectors) - before)
    if min(counts) < 3:
        raise EvaluationError(f"sets of three pieces at least are compared, not of {counts[0]} and {counts[1]}")
    cut = counts[0]
    table = np.stack(vectors)
    names = [str(i) for i in range(len(vectors))]
    means = {
        name: (
            mean([one[name] for one in features[:cut]], names[:cut], seed=seed),
            mean([one[name] for one in features[cut:]], names[cut:], seed=seed),
        )
        for name in features[0]
    }
    one, other = table[:cut], table[cut:]
    return Sets(
        pieces=(counts[0], counts[1]),
        embedding=embedding.name,
        seed=seed,
        frechet=frechet(one, other),
        infinite=frechet_infinite(one, other, seed) if len(one) >= _FEW else None,
        discrepancy=discrepancy(one, other),
        p=discrepancy_p(one, other, seed=seed),
        features=means,
        overlaps=mgeval.compare(nine[:cut], nine[cut:], seed),
    )


def as_json(sets: Sets) -> dict[str, Any]:
    """Plain data; nan and infinity as None."""

    def plain(value: float) -> float | None:
        return round(value, 6) if np.isfinite(value) else None

    infinite = sets.infinite
    return {
        "pieces": list(sets.pieces),
        "embedding": sets.embedding,
        "seed": sets.seed,
        "frechet": plain(sets.frechet),
        "frechet_infinite": infinite
        and {
            "value": plain(infinite.value),
            "low": plain(infinite.low),
            "high": plain(infinite.high),
            "r2": plain(infinite.r2),
        },
        "discrepancy": plain(sets.discrepancy),
        "p": plain(sets.p),
        "features": {
            name: [{"mean": plain(m.value), "low": plain(m.low), "high": plain(m.high), "n": m.n} for m in pair]
            for name, pair in sets.features.items()
        },
        "overlaps": {
            name: {
                "within_first": plain(one.within_first),
                "within_second": plain(one.within_second),
                "between": plain(one.between),
                "overlap": plain(one.overlap),
                "divergence": plain(one.divergence),
            }
            for name, one in sets.overlaps.items()
        },
    }
