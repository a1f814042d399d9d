"""Performance events: note on, note off, time shift, velocity (Simon & Oore 2017; Oore et al. 2018).

Sustain is folded into the notes first. Lost on the way: tracks and programs (all notes become one piano track),
tempo, meter and controllers, times finer than 10 ms, velocities finer than 4.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from symbolic_music.errors import UnknownNameError
from symbolic_music.io.midi.published_readers import as_pretty_midi_reads
from symbolic_music.score import TEMPO, Score, Track
from symbolic_music.tokenizers.base import NOTES_AND_TIME, Ids, Tokenizer, Vocabulary
from symbolic_music.tokenizers.performance.decoding import notes
from symbolic_music.tokenizers.performance.encoding import events
from symbolic_music.tokenizers.performance.grammar import PerformanceGrammar
from symbolic_music.tokenizers.performance.vocabulary import LAYOUTS

# At 120 quarters a minute one tick is one step of 10 ms.
_TICKS_PER_QUARTER, _MICROSECONDS = 50, 500_000


class PerformanceTokenizer(Tokenizer):
    """Presets: `default`, note-seq's 388 ids; `score2perf`, Music Transformer's 310 (pitches 21-108, PAD, EOS).

    All tracks are taken together, drums too, as note-seq's conversion does. Pitches outside the layout are
    dropped. Score2perf's EOS is not written by `encode`; `decode` stops at it and skips PAD.

    The ids are those that note-seq 0.0.5 gives for the same notes. From a file note-seq may read other notes: its
    reader, pretty_midi, ends all open notes of a pitch at the first note off, drops notes of no length, and orders
    the instruments of a MIDI track by their first note off.
    """

    name: ClassVar[str] = "performance"
    presets: ClassVar[tuple[str, ...]] = tuple(LAYOUTS)
    tables = (*NOTES_AND_TIME, "controls")
    folds_pedal = True
    keeps_unended = False
    sorts_by_pitch = True

    def __init__(self, preset: str = "default") -> None:
        if preset not in LAYOUTS:
            raise UnknownNameError(f"performance has no preset {preset!r}: choose from {', '.join(LAYOUTS)}")
        self.preset = preset
        self.layout = LAYOUTS[preset]
        self.vocabulary = Vocabulary((self.layout.names(),))
        self.grammar = PerformanceGrammar(self.layout)

    def to_config(self) -> dict[str, Any]:
        """Name and preset."""
        return {"name": self.name, "preset": self.preset}

    def encode(self, score: Score) -> Ids:
        """Ids of a score, int32, shape (n,); notes that their file never ended are left out, as note-seq does."""
        return events(as_pretty_midi_reads(score).without_hanging(), self.layout)

    def decode(self, ids: ArrayLike) -> Score:
        """One piano track of these events: a note off ends the first open note of its pitch.

        A note off without a note, and a note of no length, are skipped; notes still open end with the events.
        """
        return Score(
            ticks_per_quarter=_TICKS_PER_QUARTER,
            tempos=np.array([(0, _MICROSECONDS)], TEMPO),
            notes=notes(self.check(ids), self.layout),
            tracks=(Track("Piano"),),
        )
