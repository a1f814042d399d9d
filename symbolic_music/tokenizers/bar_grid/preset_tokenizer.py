"""A tokenizer with presets: each preset is a scheme of its own behind one class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike

from symbolic_music.errors import OptionError, TokenError, UnknownNameError
from symbolic_music.score import Score
from symbolic_music.tokenizers.bar_grid.miditok_grid import MidiTokOptions
from symbolic_music.tokenizers.base import NOTES_AND_TIME, BarGrid, Grammar, Ids, Tokenizer, Vocabulary, WindowKind

# Preset -> its options.
_OPTIONS = {
    "default": ("use_chords",),
    "miditok": tuple(field.name for field in fields(MidiTokOptions)),
    "original": (),
}
_GRIDS = {"default": BarGrid(24), "miditok": BarGrid(8), "original": BarGrid(4, only_four_four=True)}


class Scheme(Protocol):
    """The interface of a preset."""

    @property
    def vocabulary(self) -> Vocabulary:
        """Names of the ids."""
        ...

    @property
    def grammar(self) -> Grammar:
        """The grammar of the scheme."""
        ...

    @property
    def per_track(self) -> bool:
        """Whether `encode` gives one sequence a track."""
        ...

    def encode(self, score: Score) -> Ids | list[Ids]:
        """Ids of a score."""
        ...

    def decode(self, sequences: list[Ids]) -> Score:
        """The score of sequences that obey the grammar."""
        ...


@dataclass(frozen=True)
class OneSequence:
    """A `Scheme` of two functions, with all parts in one sequence."""

    vocabulary: Vocabulary
    grammar: Grammar
    encode: Callable[[Score], Ids]
    of_sequence: Callable[[Ids], Score]
    per_track: bool = False

    def decode(self, sequences: list[Ids]) -> Score:
        """The score of one sequence that obeys the grammar."""
        return self.of_sequence(sequences[0])


class SchemeTokenizer(Tokenizer):
    """A tokenizer whose presets are schemes. `miditok` takes MidiTok's options, `default` of these `use_chords`."""

    scheme: Scheme
    presets: ClassVar[tuple[str, ...]] = ("default", "miditok", "original")
    tables = NOTES_AND_TIME
    windows: WindowKind = "bars"

    def __init__(self, preset: str = "default", **options: bool) -> None:
        if preset not in self.presets:
            raise UnknownNameError(f"{self.name} has no preset {preset!r}: choose from {', '.join(self.presets)}")
        known = _OPTIONS[preset]
        for option, value in options.items():
            if option not in known:
                its = f"its options are {', '.join(known)}" if known else "it has none"
                raise OptionError(f"{self.name}: preset {preset!r} has no option {option!r}; {its}")
            if not isinstance(value, bool):
                raise OptionError(f"{self.name}: {option} is true or false, not {value!r}")
        self.preset = preset
        self.options = MidiTokOptions(**options)
        self.scheme = self._build(preset, self.options)
        self.vocabulary = self.scheme.vocabulary
        self.grammar = self.scheme.grammar
        self.per_track, self.bar_grid = self.scheme.per_track, _GRIDS[preset]
        self.keeps_unended, self.keeps_drums = preset != "miditok", preset != "original"

    def _build(self, preset: str, options: MidiTokOptions) -> Scheme:
        raise NotImplementedError

    def to_config(self) -> dict[str, Any]:
        """Name, preset and the options of the preset."""
        options = {name: value for name, value in asdict(self.options).items() if name in _OPTIONS[self.preset]}
        return {"name": self.name, "preset": self.preset, **options}

    def encode(self, score: Score) -> Ids | list[Ids]:
        """Ids of a score: int32, (n,) or (n, fields); where each track is encoded alone a list, in file order.

        Raises:
            RegionError: when the score has more than a million bars.
        """
        return self.scheme.encode(score)

    def decode(self, ids: ArrayLike) -> Score:
        """The score that ids stand for; where each track is encoded alone, of one sequence or a list of them.

        Special tokens are skipped. A note that the end of the ids cuts short is left out.

        Raises:
            TokenError: when an id is outside the vocabulary, or stands where the grammar does not allow it.
        """
        return self.scheme.decode([self._obeying(one) for one in self.sequences(ids, self.per_track)])

    def _obeying(self, ids: ArrayLike) -> Ids:
        checked = self.check(ids)
        at = self.grammar.violation(checked)
        if at is not None:
            word = np.atleast_1d(checked[at])
            names = ", ".join(self.vocabulary.name(int(token), field) for field, token in enumerate(word))
            raise TokenError(f"{self.name}: {names} may not follow at position {at}; see grammar.allowed")
        return checked
