"""The interface of tokenizers: a vocabulary, encode, decode and a grammar."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import TokenError
from symbolic_music.score import Score

Ids = NDArray[np.int32]


@dataclass(frozen=True)
class Vocabulary:
    """Names of the ids: one tuple of token names a field (a plain encoding has one field).

    Names read `Type_value`, as in MidiTok: `Pitch_60`, `Time_250`, `Bar_None`.

    Examples:
        >>> vocabulary = sm.tokenizers.get("performance").vocabulary
        >>> vocabulary.sizes, vocabulary.fields[0][60]
        ((388,), 'NoteOn_60')
    """

    fields: tuple[tuple[str, ...], ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of ids of each field."""
        return tuple(len(names) for names in self.fields)

    def __len__(self) -> int:
        """Number of ids in all fields together."""
        return sum(self.sizes)

    def __repr__(self) -> str:
        return f"Vocabulary({' + '.join(f'{size:,}' for size in self.sizes)} ids)"

    def name(self, token: int, field: int = 0) -> str:
        """Name of an id; TokenError for an unknown id."""
        if not 0 <= token < len(self.fields[field]):
            raise TokenError(f"no id {token}: field {field} has {len(self.fields[field])} ids")
        return self.fields[field][token]

    def id(self, name: str, field: int = 0) -> int:
        """Id of a name; TokenError for an unknown name."""
        try:
            return self.fields[field].index(name)
        except ValueError:
            raise TokenError(f"no token named {name!r} in field {field}") from None


def whole_ids(ids: ArrayLike, fields: int | None = 1) -> NDArray[np.int64]:
    """Ids as int64 of shape (n,), or (n, fields); with fields None of either shape. What is empty may be of any type.

    A number beyond 2^63 comes out as 2^63 - 1, outside of every vocabulary as it was.

    Raises:
        TokenError: when they are not whole numbers, or of another shape.
    """
    try:
        array = np.asarray(ids)
    except (ValueError, TypeError, RuntimeError, OverflowError):  # ragged lists, tensors on a GPU
        raise TokenError("ids must be whole numbers in rows of one length") from None
    if array.dtype.kind not in "iu" and not (array.size == 0 and array.dtype.kind == "f"):
        raise TokenError(f"ids must be whole numbers, not {array.dtype}")
    if fields is None:
        good, shape = array.ndim == 1 or (array.ndim == 2 and array.shape[1] > 0), "(n,) or (n, fields)"
    elif fields == 1:
        good, shape = array.ndim == 1, "(n,)"
    else:
        good, shape = array.ndim == 2 and array.shape[1] == fields, f"(n, {fields})"
    if not good and array.shape != (0,):
        raise TokenError(f"ids have shape {shape}, not {array.shape}")
    if array.dtype == np.uint64:
        array = np.minimum(array, np.uint64(np.iinfo(np.int64).max))
    return array.astype(np.int64, copy=False)


class Grammar(ABC):
    """Which ids may follow. States are immutable and hashable, so that a sampler can branch and cache.

    For an encoding of several fields, `allowed` gives one mask a field and `advance` takes a whole word.

    Examples:
        >>> grammar = sm.tokenizers.get("performance").grammar
        >>> allowed = grammar.allowed(grammar.start())  # a mask of the ids that a piece may begin with
        >>> allowed.shape, bool(allowed.all())
        ((388,), False)
    """

    @abstractmethod
    def start(self) -> Hashable:
        """The state before the first id."""

    @abstractmethod
    def allowed(self, state: Any) -> NDArray[np.bool_] | tuple[NDArray[np.bool_], ...]:
        """Mask over the vocabulary of the ids that may come next, shape (vocabulary,); read-only."""

    @abstractmethod
    def advance(self, state: Any, token: Any) -> Hashable:
        """The state after one more id. What is not allowed raises TokenError."""

    def violation(self, ids: ArrayLike) -> int | None:
        """Position of the first id that may not follow here, or None when all obey.

        TokenError when they are not whole numbers of shape (n,), or (n, fields).
        """
        state = self.start()
        for position, token in enumerate(whole_ids(ids, None)):
            try:
                state = self.advance(state, token)
            except TokenError:
                return position
        return None


# Tables of a score that most encodings are made of.
NOTES_AND_TIME = ("notes", "tempos", "meters")
WindowKind = Literal["crops", "bars", "packed"]


class BarGrid(NamedTuple):
    """The bars and positions of an encoding: steps of a quarter, and whether 4/4 is its only meter.

    Examples:
        >>> sm.tokenizers.get("remi").bar_grid
        BarGrid(steps=24, only_four_four=False)
    """

    steps: int
    only_four_four: bool = False


class Tokenizer(ABC):
    """Between scores and ids. Construct by `tokenizers.get(name, preset=..., **options)`.

    `revision` counts how often the ids that a class gives to one score have changed without a change of the
    vocabulary; a saved tokenizer of another revision is refused.

    The attributes after `grammar` say how training windows are cut and written. They are right for any encoding as
    they stand; a class, or a preset in its `__init__`, sets those that make windows cheaper or truer:

    - `tables`: tables of a score that the ids depend on, as named in `Score`; None for all. Others are not read.
    - `reads_pedal`: the ids have the presses of the sustain pedal, and a model of them writes it.
    - `folds_pedal`: `encode` folds the pedal into durations first (`sustain_pedal.sustained`). Windows get it folded.
    - `keeps_unended`: whether notes that never end are written. Windows are without them where they are not.
    - `keeps_drums`: whether notes of the drum channel are written.
    - `sorts_by_pitch`: `encode` sorts the notes of one onset by pitch, so that they may be sorted once.
    - `per_track`: `encode` gives a list of sequences, one a track; a window is then of one track.
    - `bar_grid`: of encodings in bars; windows then begin on their bar lines. None where times are not counted in bars.
    - `absolute_times`: ids hold times from the piece's beginning, so that a window cannot begin later.
    - `windows`: the windows that models of these ids are trained on unless a config says otherwise: random crops,
      whole bars, or chunks of several pieces (`corpora.Packed`).
    - `fills_bars`: models of these ids are trained to fill bars in, as `encode_bars` of `public.midigpt` lays them out.
    - `ids_a_note`: ids (words) a note, about; an epoch has as many windows as they fill.

    Examples:
        >>> tokenizer = sm.tokenizers.get("anticipation")
        >>> ids = tokenizer.encode(song)
        >>> len(tokenizer.decode(ids).notes) == len(song.notes)
        True
    """

    name: ClassVar[str]
    presets: ClassVar[tuple[str, ...]] = ("default",)
    revision: ClassVar[int] = 1
    preset: str
    vocabulary: Vocabulary
    grammar: Grammar
    tables: tuple[str, ...] | None = None
    reads_pedal: bool = False
    folds_pedal: bool = False
    keeps_unended: bool = True
    keeps_drums: bool = True
    sorts_by_pitch: bool = False
    per_track: bool = False
    bar_grid: BarGrid | None = None
    absolute_times: bool = False
    windows: WindowKind = "crops"
    fills_bars: bool = False
    ids_a_note: float = 4.0

    @abstractmethod
    def encode(self, score: Score) -> Ids | list[Ids]:
        """Ids of a score: int32, shape (n,), or (n, fields); a list of them where the preset encodes each track."""

    @abstractmethod
    def decode(self, ids: ArrayLike) -> Score:
        """The score that these ids stand for. TokenError when an id is outside the vocabulary."""

    @abstractmethod
    def to_config(self) -> dict[str, Any]:
        """Name, preset and options, JSON-ready: `tokenizers.get(**config)` builds an equal tokenizer."""

    @property
    def padding(self) -> tuple[int, ...]:
        """The id that fills up windows, one a field: PAD where the encoding has it, else 0."""
        return tuple(names.index("PAD_None") if "PAD_None" in names else 0 for names in self.vocabulary.fields)

    def fewest_ids_a_note(self, positions: float) -> float:
        """About how many ids (words) a note takes at least.

        Args:
            positions: places of the bar grid at which notes begin, divided by the notes; at most 1.
        """
        return 2.0

    def without_end(self, ids: Ids) -> Ids:
        """Ids of a part of a piece, without those at the end that say that the piece ends there."""
        return ids

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name}, preset {self.preset}, {len(self.vocabulary):,} ids)"

    def save(self, path: str | Path) -> Path:
        """Write as JSON, to be read by `tokenizers.load`; see `saving.save`."""
        from symbolic_music.tokenizers import saving

        return saving.save(self, path)

    def sequences(self, ids: ArrayLike, per_track: bool) -> list[ArrayLike]:
        """The input of `decode` as a list: one sequence, or several if tracks are encoded separately."""
        if per_track and isinstance(ids, (list, tuple)):
            dimensions = 1 if len(self.vocabulary.sizes) == 1 else 2
            try:
                if all(np.ndim(one) == dimensions or np.size(one) == 0 for one in ids):
                    return list(ids)
            except ValueError:  # a ragged list, which `check` refuses
                pass
        return [ids]

    def check(self, ids: ArrayLike) -> Ids:
        """Ids as int32 of the right shape.

        Raises:
            TokenError: when they are not whole numbers, of the wrong shape, or outside the vocabulary.
        """
        sizes = self.vocabulary.sizes
        array = whole_ids(ids, len(sizes))
        if not len(array):
            return np.zeros((0,) if len(sizes) == 1 else (0, len(sizes)), np.int32)
        columns = array.reshape(len(array), -1)
        for field, size in enumerate(sizes):
            column = columns[:, field]
            if column.min() < 0 or column.max() >= size:
                bad = column[(column < 0) | (column >= size)][0]
                raise TokenError(f"id {bad} is outside the vocabulary of {self.name} (0 to {size - 1})")
        return array.astype(np.int32)
