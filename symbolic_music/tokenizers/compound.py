"""Compound words: a bar, a position or a note in one step, with one vocabulary a field."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import ArrayLike

from symbolic_music.errors import TokenError, UnknownNameError
from symbolic_music.score import Score
from symbolic_music.tokenizers import compound_default
from symbolic_music.tokenizers.base import Ids, Tokenizer


class CompoundTokenizer(Tokenizer):
    """Scores to and from compound words."""

    name: ClassVar[str] = "compound"

    def __init__(self, preset: str = "default") -> None:
        if preset != "default":
            raise UnknownNameError(f"compound has no preset {preset!r}: choose default, miditok or original")
        self.preset = preset
        self.vocabulary = compound_default.VOCABULARY
        self.grammar = compound_default.GRAMMAR

    def to_config(self) -> dict[str, Any]:
        """Name, preset and options."""
        return {"name": self.name, "preset": self.preset}

    def encode(self, score: Score) -> Ids:
        """Words of a score."""
        return compound_default.encode(score)

    def decode(self, ids: ArrayLike) -> Score:
        """The score that words stand for; TokenError when they are outside the vocabulary or out of place."""
        ids = self.check(ids)
        at = self.grammar.violation(ids)
        if at is not None:
            raise TokenError(f"word {at} may not stand where it stands")
        return compound_default.decode(ids)
