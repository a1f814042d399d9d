"""Statistics of a note store: counts by split, exclusions, and distributions for the page of plots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.score import Score
from symbolic_music.theory import likely_key

# Splits in the order in which they are shown; others follow by name.
_ORDER = ("train", "validation", "test")


@dataclass
class Totals:
    """Pieces, their notes and seconds."""

    pieces: int = 0
    notes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Summary:
    """A store in numbers. `left_out` counts reasons, most frequent first; `repaired` pieces had problems when read."""

    corpus: str
    options: Mapping[str, Any]
    splits: Mapping[str, Totals]
    total: Totals
    left_out: Mapping[str, int]
    repaired: int
    bytes: int
    duplicates: Mapping[str, Any] | None = None


def summary(store: NoteStore) -> Summary:
    """Count the pieces of a store; what it says of them is read, their notes are not."""
    splits: dict[str, Totals] = {}
    total = Totals()
    repaired = 0
    for piece in store.pieces():
        for totals in (total, splits.setdefault(piece.split, Totals())):
            totals.pieces += 1
            totals.notes += piece.notes
            totals.seconds += piece.seconds
        repaired += bool(piece.problems)
    names = sorted(splits, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))
    manifest = store.manifest
    return Summary(
        corpus=manifest["corpus"],
        options=manifest["options"],
        splits={name: splits[name] for name in names},
        total=total,
        left_out=dict(Counter(one.reason for one in store.left_out()).most_common()),
        repaired=repaired,
        bytes=sum(file.stat().st_size for file in store.path.rglob("*") if file.is_file()),
        duplicates=manifest.get("duplicates"),
    )


def as_json(facts: Summary) -> dict[str, Any]:
    """The output of `info STORE --json`; `splits` maps names to pieces, `left_out` reasons to sources."""
    return {
        "corpus": facts.corpus,
        "options": dict(facts.options),
        "pieces": facts.total.pieces,
        "notes": facts.total.notes,
        "seconds": round(facts.total.seconds, 3),
        "splits": {name: totals.pieces for name, totals in facts.splits.items()},
        "hours": {name: round(totals.seconds / 3600, 4) for name, totals in facts.splits.items()},
        "left_out": dict(facts.left_out),
        "repaired": facts.repaired,
        "bytes": facts.bytes,
        "duplicates": facts.duplicates,
    }


@dataclass
class Statistics:
    """Distributions over pieces; `pieces` of them were looked at.

    `pitches`, `drums`, `velocities`: notes of each, shape (128,), pitches of drums apart. `instruments`: pieces that
    have each, and notes of each, shape (129, 2). `minutes`, `notes`, `parts`, `tempos` (quarters a minute, that of
    most of the ticks): one a piece. `keys`: pieces of each of 24, major from C up, then minor; `meters`: pieces of
    each first meter, "none" where the file has none.
    """

    pieces: int = 0
    pitches: NDArray[np.int64] = field(default_factory=lambda: np.zeros(128, np.int64))
    drums: NDArray[np.int64] = field(default_factory=lambda: np.zeros(128, np.int64))
    velocities: NDArray[np.int64] = field(default_factory=lambda: np.zeros(128, np.int64))
    instruments: NDArray[np.int64] = field(default_factory=lambda: np.zeros((129, 2), np.int64))
    keys: NDArray[np.int64] = field(default_factory=lambda: np.zeros(24, np.int64))
    minutes: list[float] = field(default_factory=list)
    notes: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    tempos: list[float] = field(default_factory=list)
    meters: Counter[str] = field(default_factory=Counter)


def statistics(store: NoteStore, most: int = 10_000) -> Statistics:
    """Distributions over the pieces of a store; at most `most` evenly spaced pieces are used.

    Examples:
        >>> store = sm.corpora.NoteStore("my.store")
        >>> found = sm.corpora.statistics(store)
        >>> found.pieces, sum(found.notes)
        (8, 1944)
    """
    out = Statistics()
    for index in range(0, len(store), -(-len(store) // most) or 1):
        _add(out, store.music(index))
    return out


def _add(out: Statistics, score: Score) -> None:
    instruments = score.instruments
    drums = instruments == DRUM_INSTRUMENT
    counts = np.bincount(instruments, minlength=129)
    out.pieces += 1
    out.pitches += np.bincount(score.notes["pitch"][~drums], minlength=128)[:128]
    out.drums += np.bincount(score.notes["pitch"][drums], minlength=128)[:128]
    out.velocities += np.bincount(score.notes["velocity"], minlength=128)[:128]
    out.instruments[:, 0] += counts > 0
    out.instruments[:, 1] += counts
    out.minutes.append(score.duration / 60)
    out.notes.append(len(score))
    out.parts.append(int((counts > 0).sum()))
    out.tempos.append(usual_tempo(score))
    key = likely_key(score)
    if key is not None:
        out.keys[key] += 1
    first = score.meters[:1]
    out.meters[f"{first['numerator'][0]}/{first['denominator'][0]}" if len(first) else "none"] += 1


def usual_tempo(score: Score) -> float:
    """The tempo that holds for most ticks of a piece, in quarters a minute."""
    times = np.clip(score.tempos["time"].astype(np.int64), 0, max(1, score.end))
    values = score.tempos["microseconds"].astype(np.int64)
    if not len(times) or times[0] > 0:
        times, values = np.concatenate([[0], times]), np.concatenate([[500_000], values])
    tempos, places = np.unique(np.maximum(values, 1), return_inverse=True)
    lasting = np.bincount(places, np.diff(times, append=max(1, score.end)))
    return float(60e6 / tempos[lasting.argmax()])
