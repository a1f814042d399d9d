"""Training sequences of the anticipatory encoding as published: pieces packed into chunks of 1,024 ids.

Source: Thickstun et al. 2024 (arXiv 2306.08620), section 4 and appendix B. The same works for tables with velocity
(`expressive`), where a chunk has 1,021 ids: a flag and 255 rows of four.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import OptionError
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.events import Events, arrange, choose_controls, to_ids

CONTEXT = 1024


class Piece(NamedTuple):
    """A piece as one augmentation of it.

    Args:
        events: shape (n, 3), or (n, 4) with velocity, sorted by time.
        is_control: which of them are controls, shape (n,).
        augmented: what the flag of chunks says that begin in this piece. A piece of one instrument counts as
            augmented where its instruments were to be split, though none is a control.
    """

    events: Events
    is_control: NDArray[np.bool_]
    augmented: bool


def augmentations(events: Events, factor: int, rng: np.random.Generator) -> Iterator[Piece]:
    """A piece `factor` times: in ten, once as it is, once with spans, four times random, four times by instruments.

    Raises:
        OptionError: when the factor is neither 1 (no augmentation) nor a multiple of ten.
    """
    if factor != 1 and (factor < 1 or factor % 10):
        raise OptionError(f"a factor of augmentation is 1 or a multiple of 10, not {factor}")
    for k in range(factor):
        yield Piece(events, choose_controls(events, k, rng), k % 10 != 0)


def packed(pieces: Iterable[Piece], context: int = CONTEXT) -> Iterator[NDArray[np.int32]]:
    """Chunks of `context` ids out of pieces one after another, in order.

    Each piece is padded, interleaved with its controls and prefixed with a row of SEPARATORs; all are laid end to
    end and cut into rows of triples (quadruples) that fill the context but for its first id, the flag:
    ANTICIPATE where the chunk begins in an augmented piece, else AUTOREGRESS. Up to the first SEPARATOR the times of
    a chunk count from the earliest of them; pieces after it keep their own clocks. A chunk in which a time is 100 s or
    more is left out, and so is what does not fill the last one.

    The original differs in one case: after a chunk that it left out, the next has the flag of the one left out.

    Args:
        pieces: all of one width. They are taken when they are needed: no more than one and a chunk are held.
        context: ids a chunk has room for.

    Yields:
        Ids of a chunk, shape (context,), or what whole rows leave of it: (1024,) and (1021,) by default.
    """
    held: Events | None = None
    for piece in pieces:
        rows = _rows(piece)
        held = rows if held is None else np.concatenate([held, rows])
        size = (context - 1) // (rows.shape[1] - _MARKS)
        while len(held) >= size:
            chunk = _chunk(held[:size])
            if chunk is not None:
                yield chunk
            held = held[size:]
        # Not a view: it would keep the whole piece.
        held = held.copy()


# Columns after those of the events: what a row is, and whether its piece is augmented.
_MARKS = 2
_EVENT, _CONTROL, _SEPARATOR = range(3)


def _rows(piece: Piece) -> Events:
    """A separator, then the arranged piece; the columns of the events, then the marks."""
    table, is_control = arrange(piece.events, piece.is_control)
    rows = np.zeros((1 + len(table), table.shape[1] + _MARKS), np.int32)
    rows[1:, :-_MARKS] = table
    rows[0, -2] = _SEPARATOR
    rows[1:, -2] = np.where(is_control, _CONTROL, _EVENT)
    rows[:, -1] = piece.augmented
    return rows


def _chunk(rows: Events) -> NDArray[np.int32] | None:
    """Flag and ids of these rows; None when their times do not fit."""
    table, kind = rows[:, :-_MARKS].copy(), rows[:, -2]
    is_separator = kind == _SEPARATOR
    first = int(np.argmax(is_separator)) if is_separator.any() else len(rows)
    if first:
        table[:first, 0] -= table[:first, 0].min()
    if table[:, 0].max() >= v.MAX_TIME:
        return None
    ids = to_ids(table, kind == _CONTROL).reshape(table.shape)
    ids[is_separator] = v.SEPARATOR
    flag = v.ANTICIPATE if rows[0, -1] else v.AUTOREGRESS
    return np.append(np.int32(flag), ids.ravel())
