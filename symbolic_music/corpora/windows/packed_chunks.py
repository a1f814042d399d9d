"""Training chunks of the Anticipatory Music Transformer, without packing the corpus in advance.

Source: Thickstun et al. 2024 (arXiv 2306.08620), section 4 and appendix B; the sequences are made by
`tokenizers.anticipation_chunks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from symbolic_music.corpora.windows.augmentation import NONE, pitch_range
from symbolic_music.corpora.windows.cached_pieces import read_for
from symbolic_music.corpora.windows.policies import Ints, Policy, Source, Units
from symbolic_music.errors import OptionError
from symbolic_music.score import Score
from symbolic_music.tokenizers.anticipation import expressive, interarrival
from symbolic_music.tokenizers.anticipation.chunks import CONTEXT, Piece, packed
from symbolic_music.tokenizers.anticipation.events import Events, choose_controls, events_of
from symbolic_music.tokenizers.anticipation.tokenizer import AnticipationTokenizer
from symbolic_music.tokenizers.base import Ids, Tokenizer

# Variations of pieces that are packed together, where the group is not given.
_VARIATIONS = 16
# Longer pieces are left out: silence is filled with rests by the million. The published data end at an hour.
_MOST_SECONDS = 86_400


@dataclass(frozen=True)
class _Chunks:
    ids: NDArray[np.uint16]  # (chunks, ids of a chunk)
    order: Ints

    @property
    def nbytes(self) -> int:
        return self.ids.nbytes + self.order.nbytes


@dataclass(frozen=True)
class Packed(Policy[_Chunks]):
    """The published chunks: pieces laid end to end and cut into rows of `context` ids; see `anticipation.chunks`.

    Each piece comes `factor` times, one tenth as it is and the others with controls, as published (appendix B). The
    published data are one sequence of all pieces. Here `group` consecutive pieces are a sequence: their chunks are
    the published ones of these pieces, and what does not fill a group's last chunk is left out. That is half a chunk
    a group: with factor 10 one in some 300 of MAESTRO.

    The controls of a group are drawn anew in each epoch. How many rows of rest they make needed is known only then,
    so a group gives as many chunks an epoch as its notes alone fill, drawn without repetition from all that it has;
    a chunk that spans 100 s is left out, as published, and where that leaves too few some come twice. Without
    augmentation (factor 1) the chunks are counted when the dataset is made, which reads each piece, and all are given.

    Preset `interarrival` is packed as published: a SEPARATOR and the ids of each piece, cut every `context` ids; it
    has no controls.

    Args:
        factor: 1, or a multiple of ten.
        group: pieces of a group; None for as many as make sixteen variations, at least one.
        context: ids of a chunk: 1,024, or 1,021 with velocities.

    Examples:
        >>> store = sm.corpora.NoteStore("my.store")
        >>> packed = sm.corpora.Packed(factor=1)
        >>> sm.corpora.Windows(store, sm.tokenizers.get("anticipation"), packed)[0].shape
        torch.Size([1024])
    """

    factor: int = 10
    group: int | None = None
    context: int = CONTEXT
    per_epoch: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.factor != 1 and (self.factor < 1 or self.factor % 10):
            raise OptionError(f"a factor of augmentation is 1 or a multiple of 10, not {self.factor}")
        if self.group is not None and self.group < 1:
            raise OptionError(f"a group has at least one piece, not {self.group}")
        if self.context < 8:
            raise OptionError(f"a chunk has at least 8 ids, not {self.context}")

    def check(self, source: Source) -> None:
        """Takes anticipation only; `interarrival` only without controls."""
        tokenizer = source.tokenizer
        if not isinstance(tokenizer, AnticipationTokenizer):
            raise OptionError(f"Packed is for the tokenizer anticipation, not {tokenizer.name}; use Crops or Bars")
        if tokenizer.control_programs:
            raise OptionError("Packed chooses controls itself: give the tokenizer no control_programs")
        if tokenizer.preset == "interarrival" and self.factor != 1:
            raise OptionError("anticipation: preset 'interarrival' has no controls; use factor=1")

    def units(self, source: Source) -> Units:
        """Groups of pieces."""
        pieces = source.pieces
        first = np.append(np.arange(0, len(pieces), self.group or max(1, _VARIATIONS // self.factor)), len(pieces))
        groups = [pieces[a:b] for a, b in pairwise(first)]
        if self.factor == 1:
            # What is counted is the plain pieces, also where they are varied later.
            plain = Source(source.store, source.tokenizer, pieces)
            rng = np.random.default_rng(0)  # nothing is drawn
            windows = np.array([len(self.prepared(plain, group, rng).ids) for group in groups], np.int64)
        else:
            notes = source.store.note_counts
            rows = [self.factor * int((notes[group] + 1).sum()) for group in groups]
            windows = np.array(rows, np.int64) // ((self.context - 1) // self._width(source.tokenizer))
        return Units(first.astype(np.int64), windows, windows * (2 * self.context) + 4096)

    def prepared(self, source: Source, pieces: Ints, rng: np.random.Generator) -> _Chunks:
        """All chunks of a group, as they are drawn in one epoch."""
        if source.tokenizer.preset == "interarrival":
            ids = self._interarrival(source, pieces, rng)
        else:
            chunks = packed(self._variations(source, pieces, rng), self.context)
            ids = [chunk.astype(np.uint16) for chunk in chunks]
        table = np.array(ids) if ids else np.zeros((0, self.context), np.uint16)
        drawn = self.factor > 1 or source.augmentation != NONE
        return _Chunks(table, rng.permutation(len(table)) if drawn else np.arange(len(table)))

    def window(self, source: Source, unit: _Chunks, number: int, rng: np.random.Generator) -> Ids | None:
        """The chunk of this number; None where the group has none."""
        if not len(unit.order):
            return None
        return np.asarray(unit.ids[unit.order[number % len(unit.order)]], np.int32)

    def _width(self, tokenizer: Tokenizer) -> int:
        return expressive.FIELDS if tokenizer.preset == "expressive" else 3

    def _variations(self, source: Source, pieces: Ints, rng: np.random.Generator) -> Iterator[Piece]:
        for score in self._scores(source, pieces):
            lowest, highest = pitch_range(score)
            events = _events(source.tokenizer, score)
            for k in range(self.factor):
                if source.augmentation != NONE:
                    events = _events(source.tokenizer, source.augmentation.draw(lowest, highest, rng).applied(score))
                yield Piece(events, choose_controls(events, k, rng), k % 10 != 0)

    def _interarrival(self, source: Source, pieces: Ints, rng: np.random.Generator) -> list[NDArray[np.uint16]]:
        sequence = [np.zeros(0, np.int32)]
        for score in self._scores(source, pieces):
            change = source.augmentation.draw(*pitch_range(score), rng)
            sequence += [np.array([interarrival.SEPARATOR], np.int32), interarrival.encode(change.applied(score))]
        ids = np.concatenate(sequence).astype(np.uint16)
        return [ids[at : at + self.context] for at in range(0, len(ids) - self.context + 1, self.context)]

    def _scores(self, source: Source, pieces: Ints) -> Iterator[Score]:
        """The pieces that can be written."""
        for piece in pieces:
            score = read_for(source.store, int(piece), source.tokenizer)
            if len(score) and float(score.seconds(score.notes["onset"][-1])) < _MOST_SECONDS:
                yield score


def _events(tokenizer: Tokenizer, score: Score) -> Events:
    return expressive.expressive_events(score) if tokenizer.preset == "expressive" else events_of(score)
