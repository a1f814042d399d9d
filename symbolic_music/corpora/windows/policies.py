"""Policies of windows: random crops, consecutive chunks, windows from a bar line.

The packed chunks of the Anticipatory Music Transformer are in `packed_chunks`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.corpora.windows.augmentation import NONE, Augmentation
from symbolic_music.corpora.windows.cached_pieces import Held, encoded, held_bytes, hold
from symbolic_music.errors import OptionError, RegionError, TokenError
from symbolic_music.tokenizers.base import Ids, Tokenizer

Ints = NDArray[np.int64]
P = TypeVar("P")


@dataclass(frozen=True)
class Source:
    """The source of windows: pieces of a store, for a tokenizer, with augmentation."""

    store: NoteStore
    tokenizer: Tokenizer
    pieces: Ints
    augmentation: Augmentation = NONE


@dataclass(frozen=True)
class Units:
    """Units that are prepared at once and cut into windows: pieces, or groups of pieces.

    Args:
        first: index into the pieces of the first piece of each unit, and their number at the end; shape (units + 1,).
        windows: how many windows each gives in an epoch, shape (units,).
        nbytes: about how much memory each takes when it is prepared, shape (units,).
    """

    first: Ints
    windows: Ints
    nbytes: Ints


class Policy(ABC, Generic[P]):
    """How windows are cut. `P` is the prepared unit; its size is `nbytes`."""

    # Whether what is prepared is drawn anew in each epoch.
    per_epoch: ClassVar[bool] = False

    def check(self, source: Source) -> None:
        """OptionError when this tokenizer, or this augmentation, cannot be cut so."""

    @abstractmethod
    def units(self, source: Source) -> Units:
        """The units of the pieces, in their order."""

    @abstractmethod
    def prepared(self, source: Source, pieces: Ints, rng: np.random.Generator) -> P:
        """A unit: these pieces (indices into the store)."""

    @abstractmethod
    def window(self, source: Source, unit: P, number: int, rng: np.random.Generator) -> Ids | None:
        """The ids of the window of this number, shape (n,) or (n, fields); None if it does not exist."""


def _check_length(policy: Any, name: str) -> None:
    if getattr(policy, name) < 1:
        raise OptionError(f"{type(policy).__name__}: {name} must be at least 1, not {getattr(policy, name)}")


def _check_relative(policy: Any, tokenizer: Tokenizer) -> None:
    if tokenizer.absolute_times:
        raise OptionError(
            f"{type(policy).__name__}: ids of {tokenizer.name}'s preset {tokenizer.preset!r} hold times from the "
            "start of the piece, which are too large in a window; use Packed"
        )


class _OfPieces(Policy[Held]):
    """Windows of one piece each; pieces without notes have none."""

    length: int
    per_piece: int | None

    def __post_init__(self) -> None:
        _check_length(self, "length")

    @override
    def check(self, source: Source) -> None:
        _check_relative(self, source.tokenizer)

    @override
    def units(self, source: Source) -> Units:
        notes = source.store.note_counts[source.pieces]
        ids, count = notes * source.tokenizer.ids_a_note, self.per_piece
        windows = np.maximum(np.rint(ids / self.length), 1) if count is None else np.full(len(notes), count)
        return Units(np.arange(len(notes) + 1), np.where(notes > 0, windows, 0).astype(np.int64), held_bytes(notes))

    @override
    def prepared(self, source: Source, pieces: Ints, rng: np.random.Generator) -> Held:
        return hold(source.store, int(pieces[0]), source.tokenizer)


@dataclass(frozen=True)
class Crops(_OfPieces):
    """`length` consecutive ids, their start drawn uniformly from all places of the encoded, varied piece.

    So are the training examples of Music Transformer made (Huang et al. 2019; crops of 2,048). A piece that is shorter
    is given whole. Where each track is encoded alone one of them is taken, the more notes it has the likelier.

    Args:
        length: ids, or words.
        per_piece: windows of each piece in an epoch; None for about as many as its ids fill.

    Examples:
        >>> store = sm.corpora.NoteStore("my.store")
        >>> windows = sm.corpora.Windows(store, sm.tokenizers.get("performance"), sm.corpora.Crops(64))
        >>> windows[1, 0].shape  # window 0 of epoch 1
        torch.Size([64])
    """

    length: int = 2048
    per_piece: int | None = None

    def window(self, source: Source, unit: Held, number: int, rng: np.random.Generator) -> Ids | None:
        """A crop; they are all alike, whatever their number."""
        voice = unit.draw(rng)
        if voice is None:
            return None
        change = source.augmentation.draw(unit.lowest, unit.highest, rng)
        ids = encoded(source.tokenizer, change.applied(voice.score))
        start = int(rng.integers(max(0, len(ids) - self.length) + 1))
        return ids[start : start + self.length]


@dataclass(frozen=True)
class _Encoded:
    sequences: tuple[Ids, ...]

    @property
    def nbytes(self) -> int:
        return sum(ids.nbytes for ids in self.sequences)


@dataclass(frozen=True)
class Chunks(Policy[_Encoded]):
    """Each piece whole, in consecutive chunks of `length` ids, the last as long as what is left.

    It is how pieces are read to be evaluated. Making the dataset encodes each piece once, to count its ids.

    Examples:
        >>> store = sm.corpora.NoteStore("my.store")
        >>> windows = sm.corpora.Windows(store, sm.tokenizers.get("performance"), sm.corpora.Chunks(512))
        >>> max(len(window) for window in windows)
        512
    """

    length: int = 2048

    def __post_init__(self) -> None:
        _check_length(self, "length")

    def check(self, source: Source) -> None:
        """Refuses ids that hold absolute times, and augmentation: the chunks are counted before it is drawn."""
        _check_relative(self, source.tokenizer)
        if source.augmentation != NONE:
            raise OptionError("Chunks give each piece as it is; use Crops or Bars with an augmentation")

    def units(self, source: Source) -> Units:
        """Pieces; each is read and encoded."""
        rng = np.random.default_rng(0)  # nothing is drawn
        count, size = [], []
        for piece in source.pieces:
            one = self.prepared(source, np.array([piece]), rng)
            count.append(sum(self._chunks(ids) for ids in one.sequences))
            size.append(one.nbytes)
        return Units(np.arange(len(count) + 1), np.array(count, np.int64), np.array(size, np.int64))

    def prepared(self, source: Source, pieces: Ints, rng: np.random.Generator) -> _Encoded:
        """The ids of one piece; none where the tokenizer refuses it."""
        held = hold(source.store, int(pieces[0]), source.tokenizer)
        try:
            return _Encoded(tuple(encoded(source.tokenizer, voice.score) for voice in held.voices))
        except (RegionError, TokenError):
            return _Encoded(())

    def window(self, source: Source, unit: _Encoded, number: int, rng: np.random.Generator) -> Ids | None:
        """The chunk of this number."""
        for ids in unit.sequences:
            if number < self._chunks(ids):
                return ids[number * self.length : (number + 1) * self.length]
            number -= self._chunks(ids)
        return None

    def _chunks(self, ids: Ids) -> int:
        return -(-len(ids) // self.length)


@dataclass(frozen=True)
class Bars(_OfPieces):
    """A window that begins at a bar line, drawn uniformly from those after which a note begins in the bar.

    The notes from there on are encoded as a piece of their own: the ids obey the grammar and name the tempo and meter
    in force. There are no more than `length` of them, and no more than `bars` bars when that is given; they are fewer
    at the end of a piece. Bars are those of the encoding: the presets `original` support 4/4 only. Where each track is
    encoded alone one of them is taken, the more notes it has the likelier.

    Args:
        length: ids, or words.
        bars: most bars of a window; notes that sound past the last keep their length.
        per_piece: windows of each piece in an epoch; None for about as many as its ids fill.

    Examples:
        >>> store = sm.corpora.NoteStore("my.store")
        >>> windows = sm.corpora.Windows(store, sm.tokenizers.get("remi"), sm.corpora.Bars(256, bars=4))
        >>> len(windows[0]) <= 256
        True
    """

    length: int = 512
    bars: int | None = None
    per_piece: int | None = None

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bars is not None:
            _check_length(self, "bars")

    def window(self, source: Source, unit: Held, number: int, rng: np.random.Generator) -> Ids | None:
        """A window; they are all alike, whatever their number."""
        voice = unit.draw(rng)
        if voice is None:
            return None
        change = source.augmentation.draw(unit.lowest, unit.highest, rng)
        bar = int(voice.starts[rng.integers(len(voice.starts))])
        lines, onset = voice.lines, voice.score.notes["onset"]
        first = int(np.searchsorted(onset, voice.before(int(lines[bar]))))
        limit = len(lines) if self.bars is None else min(bar + self.bars, len(lines))
        # Enough notes to fill most windows. Their number must not depend on what was cut before.
        notes = int(self.length / (0.9 * source.tokenizer.fewest_ids_a_note(voice.positions_a_note))) + 1
        while True:
            stop = limit
            if first + notes < len(onset):
                stop = min(limit, int(np.searchsorted(lines, onset[first + notes], side="right")))
            ids = encoded(source.tokenizer, voice.cut(bar, stop, change))
            if stop < len(lines):
                ids = source.tokenizer.without_end(ids)
            if len(ids) >= self.length or stop == limit:
                return ids[: self.length]
            notes *= 2
