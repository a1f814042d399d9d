"""The anticipatory encoding: rows of time, duration and note, with controls five seconds ahead.

Source: Thickstun et al. 2024 (arXiv 2306.08620).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from symbolic_music.errors import OptionError, UnknownNameError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.io.midi.published_readers import as_mido_merges
from symbolic_music.score import Score
from symbolic_music.tokenizers.anticipation import expressive, interarrival
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.decoding import score_of, tables_of
from symbolic_music.tokenizers.anticipation.events import arrange, events_of, to_ids
from symbolic_music.tokenizers.anticipation.grammar import AnticipationGrammar
from symbolic_music.tokenizers.base import NOTES_AND_TIME, Grammar, Ids, Tokenizer, Vocabulary, WindowKind

PRESETS = ("default", "expressive", "interarrival")


class AnticipationTokenizer(Tokenizer):
    """Scores to and from the ids of the Anticipatory Music Transformer.

    Preset `default`: the published 55,028 ids. `encode` gives the events of the whole score in absolute time, without
    flag and padding; the time ids of what lies beyond 100 s exceed their block, as in the original, and do not obey the
    grammar (a model sees windows with times of their own: `anticipation.chunks`). With `control_programs` the notes of
    those instruments (128 for drums) become controls, and rests are filled in, as in the sequences that the published
    models are trained on. Lost on the way: velocity (72 on decoding), pedal and other controllers, tempo and meter (the
    decoded score has 120 quarters a minute), channels, track names, anything finer than 10 ms or longer than 9.99 s.

    Preset `expressive`: the same with velocity and with the pedal folded into durations, 55,092 ids; specified in
    `expressive`.

    Preset `interarrival`: shifts, notes on and notes off, the published 34,025 ids; see `interarrival`. It has no
    controls. Lost besides velocity, controllers, tempo and meter: of notes of one instrument and pitch that overlap,
    which ends when; silence longer than 9.99 s; onsets drift, because each gap is rounded by itself.
    """

    name: ClassVar[str] = "anticipation"
    presets: ClassVar[tuple[str, ...]] = PRESETS
    windows: WindowKind = "packed"
    ids_a_note = 3.0

    def __init__(self, preset: str = "default", control_programs: Iterable[int] = ()) -> None:
        if preset not in PRESETS:
            raise UnknownNameError(f"anticipation has no preset {preset!r}: choose from {', '.join(PRESETS)}")
        programs = _programs(control_programs)
        if preset == "interarrival" and programs:
            raise OptionError("anticipation: preset 'interarrival' has no controls, so no control_programs")
        self.preset = preset
        self.control_programs = programs
        self.folds_pedal = preset == "expressive"
        self.tables = (*NOTES_AND_TIME, "controls") if self.folds_pedal else NOTES_AND_TIME
        self.absolute_times = preset != "interarrival"
        self.grammar: Grammar
        if preset == "interarrival":
            self.grammar = interarrival.InterarrivalGrammar()
        else:
            self.grammar = AnticipationGrammar(expressive.FIELDS if preset == "expressive" else 3)

    @property
    def vocabulary(self) -> Vocabulary:  # type: ignore[override]
        """The ids by name; made on first use."""
        names = {
            "default": v.token_names,
            "expressive": v.expressive_names,
            "interarrival": interarrival.token_names,
        }[self.preset]
        return Vocabulary((names(),))

    @property
    def padding(self) -> tuple[int, ...]:
        """It has none; naming all ids to look takes time and memory."""
        return (0,)

    def to_config(self) -> dict[str, Any]:
        """Name, preset and control programs."""
        return {"name": self.name, "preset": self.preset, "control_programs": list(self.control_programs)}

    def encode(self, score: Score) -> Ids:
        """Ids of a score, int32, shape (3 x events,), by preset (4 x events,) or (n,).

        Raises:
            RegionError: when a note starts eight months or more from the beginning, or eleven days of rests would be
                needed.
        """
        if self.preset == "interarrival":
            return interarrival.encode(as_mido_merges(score))
        if self.preset == "expressive":
            events = expressive.expressive_events(score)
        else:
            events = events_of(as_mido_merges(score))
        if not self.control_programs:
            return to_ids(events)
        return to_ids(*arrange(events, np.isin(events[:, 2] // 128, self.control_programs)))

    def decode(self, ids: ArrayLike) -> Score:
        """The notes of events and controls together; one track for each instrument, velocity 72 by default.

        A leading flag is skipped; after SEPARATORs the clock goes on from where the piece before ended. A row that the
        end of the ids cuts short is left out.

        Raises:
            TokenError: when ids are not rows of one kind, or outside the vocabulary.
        """
        if self.preset == "interarrival":
            return interarrival.decode(self.check(ids))
        if self.preset == "expressive":
            events, _ = tables_of(ids, expressive.FIELDS)
            return score_of(events, expressive.velocities_of(events[:, 3]))
        events, _ = tables_of(ids)
        return score_of(events)


def _programs(given: Iterable[int]) -> tuple[int, ...]:
    """Control programs, sorted, each once."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise OptionError(f"control_programs are several numbers, such as (0, 128), not {given!r}")
    programs = list(given)
    for program in programs:
        whole = isinstance(program, (int, np.integer)) and not isinstance(program, bool)
        if not whole or not 0 <= program <= DRUM_INSTRUMENT:
            raise OptionError(f"a control program is 0 to 127, or 128 for drums, not {program!r}")
    return tuple(sorted({int(program) for program in programs}))
