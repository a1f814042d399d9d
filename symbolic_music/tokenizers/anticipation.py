"""The anticipatory encoding: triples (time, duration, note), controls given five seconds early.

Source: Thickstun et al. 2024 (arXiv 2306.08620). Lost on the way: velocity (72 on decoding), pedal and other
controllers, tempo and meter (the decoded score has 120 quarters a minute), channels, track names, anything
finer than 10 ms or longer than 9.99 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from symbolic_music.errors import OptionError, UnknownNameError
from symbolic_music.score import DRUM_INSTRUMENT, Score
from symbolic_music.tokenizers import anticipation_vocabulary as v
from symbolic_music.tokenizers.anticipation_decoding import score_of, tables_of
from symbolic_music.tokenizers.anticipation_events import arrange, events_of, to_ids
from symbolic_music.tokenizers.anticipation_grammar import AnticipationGrammar
from symbolic_music.tokenizers.base import Ids, Tokenizer, Vocabulary


class AnticipationTokenizer(Tokenizer):
    """Scores to and from the published 55,028 ids.

    `encode` gives the events of the whole score in absolute time, without flag and padding; the time ids of
    what lies beyond 100 s exceed their block, as in the original (a model sees windows with times of their
    own). With `control_programs` the notes of those instruments (128 for drums) become controls, and rests are
    filled in, as in the sequences that the published models are trained on.
    """

    name: ClassVar[str] = "anticipation"

    def __init__(self, preset: str = "default", control_programs: Sequence[int] = ()) -> None:
        if preset != "default":
            raise UnknownNameError(f"anticipation has no preset {preset!r}: its only one is default")
        for program in control_programs:
            if not 0 <= program <= DRUM_INSTRUMENT:
                raise OptionError(f"a control program is 0 to 127, or 128 for drums, not {program}")
        self.preset = preset
        self.control_programs = tuple(sorted(set(control_programs)))
        self.grammar = AnticipationGrammar()

    @property
    def vocabulary(self) -> Vocabulary:  # type: ignore[override]
        """The 55,028 ids by name."""
        return Vocabulary((v.token_names(),))

    def to_config(self) -> dict[str, Any]:
        """Name, preset and control programs."""
        return {"name": self.name, "preset": self.preset, "control_programs": list(self.control_programs)}

    def encode(self, score: Score) -> Ids:
        """Ids of a score, int32, shape (3 x events,)."""
        events = events_of(score)
        if not self.control_programs:
            return to_ids(events)
        return to_ids(*arrange(events, np.isin(events[:, 2] // 128, self.control_programs)))

    def decode(self, ids: ArrayLike) -> Score:
        """The notes of events and controls together; one track an instrument, velocity 72.

        A leading flag is skipped; after SEPARATORs the clock goes on from where the piece before ended.

        Raises:
            TokenError: when ids are not whole triples of one kind, or outside the vocabulary.
        """
        events, _ = tables_of(ids)
        return score_of(events)
