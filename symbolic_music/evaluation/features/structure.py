"""How much of a piece comes back: self-similarity of its bars, and the fitness of its segments.

The fitness of a segment says how well, and how much of, the piece is explained by repetitions of that segment (Müller,
Jiang and Grosche 2013). MusDr's structureness indicator is the best fitness within a range of lengths (Wu and Yang
2020); theirs analyses audio at two frames a second, ours bars.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from symbolic_music.errors import OptionError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import Score

Matrix = NDArray[np.float64]
# Parts of a bar whose pitch classes are distinguished.
_PARTS = 4
# Share of the similarities that is kept, and what stands for all others (Müller's defaults).
_KEPT, _PENALTY = 0.15, -2.0
_MOST_BARS = 400


def self_similarity(score: Score) -> Matrix:
    """Cosine similarity of all bars by what pitch classes sound in each quarter of them: (bars, bars), 0 to 1.

    Two silent bars are alike. Drums are ignored. Only the first 400 bars are used.
    """
    lines = np.append(score.bars(), max(score.end, 1))[: _MOST_BARS + 1]
    parts = lines[:-1, None] + np.diff(lines)[:, None] * (np.arange(_PARTS) / _PARTS)
    edges = np.append(parts.ravel(), lines[-1])
    notes = score.notes[score.notes["channel"] != DRUM_CHANNEL]
    start = notes["onset"].astype(np.float64)
    end = start + notes["duration"]
    sounding = np.zeros((len(edges) - 1, 12))
    for step in range(12):
        mine = notes["pitch"] % 12 == step
        # Time sounded up to each edge, of all notes together; its differences are the time in each part.
        sounding[:, step] = np.diff(_sounded(start[mine], end[mine], edges))
    bars = sounding.reshape(-1, _PARTS * 12) if len(edges) > 1 else np.zeros((0, _PARTS * 12))
    norms = np.linalg.norm(bars, axis=1, keepdims=True)
    silent = norms[:, 0] == 0
    unit = np.divide(bars, norms, out=np.zeros_like(bars), where=norms > 0)
    out = np.clip(unit @ unit.T, 0, 1)
    out[np.ix_(silent, silent)] = 1
    np.fill_diagonal(out, 1)
    return np.asarray(out)


def structureness(score: Score, shortest: int, longest: int | None = None) -> float:
    """The best fitness of a segment of `shortest` to `longest` bars; 0 for a piece that is shorter, or never repeats.

    Raises:
        OptionError: unless 1 <= shortest <= longest.
    """
    if not 1 <= shortest <= (longest or shortest):
        raise OptionError(f"lengths of segments need 1 <= shortest <= longest, not {shortest} and {longest}")
    similar = thresholded(self_similarity(score))
    lengths = range(shortest, min(longest or len(similar), len(similar)) + 1)
    return max((float(segment_fitness(similar, length).max()) for length in lengths), default=0.0)


def thresholded(similar: Matrix) -> Matrix:
    """The largest 15 % of similarities, scaled to 0 to 1, all others -2; the diagonal is 1."""
    if not len(similar):
        return similar
    least = np.quantile(similar, 1 - _KEPT)
    scaled = (similar - least) / (1 - least) if least < 1 else np.ones_like(similar)
    out = np.where(similar >= least, scaled, _PENALTY)
    np.fill_diagonal(out, 1)
    return np.asarray(out)


def segment_fitness(similar: Matrix, length: int) -> Matrix:
    """Fitness of each segment of a length: shape (n - length + 1,), 0 to 1.

    The optimal path family of every segment is found at once, by dynamic programming over the rows; how many cells its
    paths have and how many rows they cover is carried along.

    Args:
        similar: (n, n), at most 1, 1 on the diagonal, negative where unlike.
        length: of the segments, at most n.
    """
    size = len(similar)
    segments = sliding_window_view(similar, length, axis=1)
    starts = size - length + 1
    # Fields: score, cells, rows covered by paths that are finished, first row of the path under way.
    none = np.zeros((4, starts, length))
    none[0] = -np.inf
    rest = np.zeros((4, starts))
    before, earlier = none, none
    for row in range(size):
        if row:
            done = before[:, :, -1].copy()
            done[2] += row - done[3]
            rest = np.where(done[0] > rest[0], done, rest)
        here = none.copy()
        here[:, :, 0] = rest
        here[1, :, 0] += 1
        here[3, :, 0] = row
        if row == 0:
            here[0, :, 0] = 0
        here[0, :, 0] += segments[row, :, 0]
        if row and length > 1:
            # One step along both; one row, two columns; two rows, one column.
            options = [before[:, :, :-1]]
            options.append(np.concatenate([none[:, :, :1], before[:, :, :-2]], axis=2))
            options.append(earlier[:, :, :-1])
            best = options[0]
            for option in options[1:]:
                best = np.where(option[0] > best[0], option, best)
            here[:, :, 1:] = best
            here[0, :, 1:] += segments[row, :, 1:]
            here[1, :, 1:] += 1
        before, earlier = here, before
    done = before[:, :, -1].copy()
    done[2] += size - done[3]
    found = np.where(done[0] >= rest[0], done, rest)
    cells = np.maximum(found[1], 1)
    quality = np.maximum(found[0] - length, 0) / cells
    coverage = np.maximum(found[2] - length, 0) / size
    both = quality + coverage
    return np.asarray(np.divide(2 * quality * coverage, both, out=np.zeros(starts), where=both > 0))


def _sounded(start: Matrix, end: Matrix, edges: Matrix) -> Matrix:
    """Time that notes have sounded before each edge, added up over notes."""
    starts, ends = np.sort(start), np.sort(end)
    begun, over = np.searchsorted(starts, edges), np.searchsorted(ends, edges)
    sums = (np.concatenate([[0.0], np.cumsum(times)]) for times in (starts, ends))
    begun_sum, over_sum = (one[at] for one, at in zip(sums, (begun, over), strict=True))
    return np.asarray((edges * begun - begun_sum) - (edges * over - over_sum))
