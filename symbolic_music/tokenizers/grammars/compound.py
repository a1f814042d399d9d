"""The grammar of compound words: allowed sequences of forms, increasing positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import TokenError
from symbolic_music.tokenizers.base import Grammar, Vocabulary, whole_ids
from symbolic_music.tokenizers.grammars.flat import START

Mask = NDArray[np.bool_]
_CACHED = 16_384  # masks of half-drawn words that are kept


@dataclass(frozen=True)
class WordState:
    """The state of the grammar: the form of the last word, the lowest position allowed, and the capacity of the bar."""

    last: str = START
    floor: int = 0
    capacity: int = 0


class WordGrammar(Grammar):
    """Words of several fields. A form is a kind of word: for each field, the ids it may hold there.

    A sampler that draws field by field asks `given` with the fields drawn so far: drawing inside its masks to
    the end always gives an allowed word. `allowed` is `given` with nothing drawn.

    Args:
        vocabulary: several fields.
        forms: name -> for each field the tokens it may hold, by type ("Pitch") or full name ("Bar_None").
        follows: form -> forms that may follow it, START included.
        time_field: the field that holds Position (or Beat) tokens.
        capacity: positions of a bar: a constant, or a function from the value of a TimeSig.
        meter_field: the field that holds TimeSig tokens, where there are any.
        resets: forms that begin a bar, or may have crossed one, after which positions start anew.
        loosens: those of them after which the meter is unknown, so that any position of the vocabulary may come.
        time_types: types of tokens whose values are positions.
        repeats: whether a position may be named again.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        forms: Mapping[str, Sequence[Iterable[str]]],
        follows: Mapping[str, Iterable[str]],
        time_field: int,
        capacity: int | Callable[[str], int],
        meter_field: int | None = None,
        resets: Iterable[str] = ("Bar",),
        loosens: Iterable[str] = (),
        time_types: Iterable[str] = ("Position", "Beat"),
        repeats: bool = False,
    ) -> None:
        names = [START, *forms]
        self._forms = {
            form: tuple(
                np.array([name in allowed or name.partition("_")[0] in allowed for name in names])
                for names, allowed in zip(vocabulary.fields, (set(f) for f in fields), strict=True)
            )
            for form, fields in forms.items()
        }
        # For each id of a field the forms that may hold it, one bit a form; no word is of two forms.
        self._bits = [
            sum((mask.astype(np.int64) << i for i, mask in enumerate(masks)), np.zeros(len(masks[0]), np.int64))
            for masks in zip(*self._forms.values(), strict=True)
        ]
        self._form_of = np.full(1 << len(self._forms), -1)
        self._form_of[1 << np.arange(len(self._forms))] = 1 + np.arange(len(self._forms))
        self._follows = {form: tuple(after) for form, after in follows.items()}
        self._time, self._meter = time_field, meter_field
        self._resets = frozenset(resets)
        # The same as tables by number: START is 0, forms count from 1, and -1 (the last column) is no form at all.
        self._table = np.zeros((len(names), len(names) + 1), bool)
        for before, after in follows.items():
            self._table[names.index(before), [names.index(one) for one in after]] = True
        self._is_reset = np.array([*(name in self._resets for name in names), False])
        self._loosens = frozenset(loosens)
        self._is_loose = np.array([*(name in self._loosens for name in names), False])
        self._repeats = repeats
        timed = frozenset(time_types)
        self._position = np.array([_position(name, timed) for name in vocabulary.fields[time_field]])
        self._constant = capacity if isinstance(capacity, int) else 0
        self._capacity = np.zeros(0, np.int64)
        if meter_field is not None and not isinstance(capacity, int):
            self._capacity = np.array(
                [capacity(n.partition("_")[2]) if n.startswith("TimeSig_") else -1
                 for n in vocabulary.fields[meter_field]]
            )  # fmt: skip
        self._cache: dict[WordState, dict[str, tuple[Mask, ...]]] = {}
        self._given_cache: dict[tuple[WordState, tuple[int | None, ...]], tuple[Mask, ...]] = {}

    def start(self) -> WordState:
        """Before the first word."""
        return WordState(capacity=self._constant)

    def allowed(self, state: WordState) -> tuple[Mask, ...]:
        """For each field the ids that some allowed word holds there, read-only."""
        return self._given(state, (None,) * len(self._fields(state)))

    def given(self, state: WordState, word: Sequence[int | None]) -> tuple[Mask, ...]:
        """For each field the ids of the allowed words that hold the ids of `word`; None marks a field not drawn."""
        return self._given(state, tuple(None if token is None else int(token) for token in word))

    def _fields(self, state: WordState) -> tuple[Mask, ...]:
        return next(iter(self._forms.values()))

    def _masks(self, state: WordState) -> dict[str, tuple[Mask, ...]]:
        if state not in self._cache:
            self._cache[state] = self._build_masks(state)
        return self._cache[state]

    def _given(self, state: WordState, word: tuple[int | None, ...]) -> tuple[Mask, ...]:
        key = (state, word)
        if key not in self._given_cache:
            if len(self._given_cache) >= _CACHED:
                self._given_cache.clear()
            self._given_cache[key] = self._build_given(state, word)
        return self._given_cache[key]

    def _build_masks(self, state: WordState) -> dict[str, tuple[Mask, ...]]:
        """The forms that may come next, each with its masks."""
        masks = {}
        for form in self._follows.get(state.last, ()):
            fields = list(self._forms[form])
            timed = self._position >= 0
            inside = (self._position >= state.floor) & (self._position < state.capacity)
            fields[self._time] = fields[self._time] & (~timed | inside)
            if all(f.any() for f in fields):
                masks[form] = tuple(fields)
        return masks

    def _build_given(self, state: WordState, word: tuple[int | None, ...]) -> tuple[Mask, ...]:
        total = [np.zeros(len(f), bool) for f in self._fields(state)]
        for fields in self._masks(state).values():
            if all(token is None or _holds(f, token) for f, token in zip(fields, word, strict=True)):
                for mask, f, token in zip(total, fields, word, strict=True):
                    mask |= f if token is None else np.arange(len(f)) == token
        for mask in total:
            mask.flags.writeable = False
        return tuple(total)

    def advance(self, state: WordState, token: ArrayLike) -> WordState:
        """The state after one more word. TokenError when it may not follow here."""
        word = np.asarray(token).tolist()
        for form, fields in self._masks(state).items():
            if len(word) == len(fields) and all(_holds(f, t) for f, t in zip(fields, word, strict=True)):
                position = int(self._position[word[self._time]])
                capacity = state.capacity
                if self._meter is not None and self._capacity[word[self._meter]] >= 0:
                    capacity = int(self._capacity[word[self._meter]])
                if form in self._loosens:
                    capacity = int(self._position.max()) + 1
                next_floor = position + (not self._repeats)
                floor = 0 if form in self._resets else next_floor if position >= 0 else state.floor
                return WordState(form, floor, capacity)
        raise TokenError(f"word {tuple(word)} may not follow {state.last}")

    def violation(self, ids: ArrayLike) -> int | None:
        """Index of the first word out of place, or None; all at once.

        Each condition looks at the words before a word, so the first that breaks one is the first violation.
        """
        ids = whole_ids(ids, len(self._bits))
        if not len(ids):
            return None
        inside = ((ids >= 0) & (ids < [len(f) for f in next(iter(self._forms.values()))])).all(axis=1)
        if not inside.all():
            outside = int(np.argmin(inside))
            before = self.violation(ids[:outside])
            return outside if before is None else before
        held = np.full(len(ids), -1)
        for column, bits in enumerate(self._bits):
            held &= bits[ids[:, column]]
        form = self._form_of[held]
        good = self._table[np.append(0, form[:-1]), form] & (form > 0)
        position = self._position[ids[:, self._time]]
        rows = np.flatnonzero(position >= 0)
        period = np.cumsum(self._is_reset[form])[rows]
        value = position[rows]
        above = value[1:] >= value[:-1] + (not self._repeats)
        rises = np.append(True, above | (period[1:] != period[:-1]))[: len(rows)]
        capacity = np.full(len(rows), self._constant)
        if self._meter is not None:
            meters = self._capacity[ids[:, self._meter]]
            meters = np.where(self._is_loose[form], self._position.max() + 1, meters)
            named = np.flatnonzero(meters >= 0)
            index = np.searchsorted(named, rows) - 1
            capacity = np.where(index >= 0, np.append(meters[named], 0)[index], self._constant)
        good[rows] &= rises & (value < capacity)
        return None if good.all() else int(np.argmin(good))


def _holds(mask: Mask, token: int) -> bool:
    return 0 <= token < len(mask) and bool(mask[token])


def _position(name: str, types: frozenset[str]) -> int:
    kind, _, value = name.partition("_")
    return int(value) if kind in types and value.isdecimal() else -1
