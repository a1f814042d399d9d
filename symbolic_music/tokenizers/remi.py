"""REMI: time as bars and positions, a note as pitch, velocity and duration."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import ArrayLike

from symbolic_music.errors import TokenError, UnknownNameError
from symbolic_music.score import Score
from symbolic_music.tokenizers import remi_default
from symbolic_music.tokenizers.base import Ids, Tokenizer


class RemiTokenizer(Tokenizer):
    """Scores to and from bars, positions and notes.

    Presets:

    - `default`: ours. `Bar TimeSig (Position [Tempo] ([Program [Part]] Pitch Velocity Duration)*)*`, all parts in
      one sequence. Program (-1 is drums) is written when the part changes and after every Bar; Part_n tells the
      (n+1)th part of one program.
    """

    name: ClassVar[str] = "remi"

    def __init__(self, preset: str = "default") -> None:
        if preset != "default":
            raise UnknownNameError(f"remi has no preset {preset!r}: choose default, miditok or original")
        self.preset = preset
        self.vocabulary = remi_default.VOCABULARY
        self.grammar = remi_default.GRAMMAR

    def to_config(self) -> dict[str, Any]:
        """Name, preset and options."""
        return {"name": self.name, "preset": self.preset}

    def encode(self, score: Score) -> Ids:
        """Ids of a score."""
        return remi_default.encode(score)

    def decode(self, ids: ArrayLike) -> Score:
        """The score that ids stand for; TokenError when they are outside the vocabulary or out of place."""
        ids = self.check(ids)
        at = self.grammar.violation(ids)
        if at is not None:
            raise TokenError(f"id {at} ({self.vocabulary.name(int(ids[at]))}) may not stand where it stands")
        return remi_default.decode(ids)
