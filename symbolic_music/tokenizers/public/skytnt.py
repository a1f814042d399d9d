"""The ids of SkyTNT's midi-model: events as rows of eight, on a grid of sixteenths of a quarter.

A piece is a row that begins it, its events by time and track, and a row that ends it. A note is its kind, quarters
since the event before, step of the quarter, track, channel, pitch, velocity and duration in steps; programs,
controllers (changes of less than four are left out), tempos, and in v2 meters and keys are rows too. What stands before
the first notes is moved to the beginning. Where v2 finds no key but C major, it writes the one that the notes are of.

After a silence of 128 quarters the original writes nothing more, and so does this.

Source: github.com/SkyTNT/midi-model, `midi_tokenizer.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from symbolic_music.errors import OptionError, UnknownNameError
from symbolic_music.score import Score
from symbolic_music.tokenizers.base import NOTES_AND_TIME, Ids, Tokenizer, Vocabulary
from symbolic_music.tokenizers.public.skytnt_decoding import decoded
from symbolic_music.tokenizers.public.skytnt_events import Tracks, channels_of, events_of_score, file_events
from symbolic_music.tokenizers.public.skytnt_grammar import SkyTntGrammar
from symbolic_music.tokenizers.public.skytnt_rows import (
    Channels,
    add_programs,
    completed_keys,
    quantised,
    renumbered,
    set_up,
)
from symbolic_music.tokenizers.public.skytnt_vocabulary import BOS, EOS, FIELDS, LAYOUTS, PAD, STEPS

# Track and channel of the rows of a track of a score.
Place = tuple[int, int]


@dataclass(frozen=True)
class Arrangement:
    """Rows of a score without those that begin and end it, when each is in steps, and where its tracks are in them."""

    rows: list[list[int]]
    steps: list[int]
    places: dict[int, Place]


class SkyTntTokenizer(Tokenizer):
    """See the module's docstring.

    Args:
        preset: v2, or v1, which has no meters and keys and another order of a note's parameters.
        optimise: whether channels and tracks are numbered anew by what plays, channels without a program get one, and
            those without notes are left out, as the checkpoints with an o in their name were trained.

    Raises:
        UnknownNameError: for an unknown preset.
        OptionError: when `optimise` is no boolean.
    """

    name = "skytnt"
    presets: ClassVar[tuple[str, ...]] = ("v2", "v1")
    tables = (*NOTES_AND_TIME, "keys", "controls")
    ids_a_note = 1.2
    rows: SkyTntGrammar

    def __init__(self, preset: str = "v2", optimise: bool = True) -> None:
        if preset not in LAYOUTS:
            raise UnknownNameError(f"skytnt has no preset {preset!r}: choose from {', '.join(self.presets)}")
        if not isinstance(optimise, bool):
            raise OptionError(f"skytnt: optimise is true or false, not {optimise!r:.40}")
        self.preset, self.optimise, self.layout = preset, optimise, LAYOUTS[preset]
        self.vocabulary = Vocabulary((self.layout.names,) * FIELDS)
        self.rows = SkyTntGrammar(self.layout)
        self.grammar = self.rows

    def to_config(self) -> dict[str, Any]:
        """Name, preset and `optimise`."""
        return {"name": self.name, "preset": self.preset, "optimise": self.optimise}

    def encode(self, score: Score) -> Ids:
        """Rows (n, 8) of a score; of the whole file that it was read from, track by track, if nothing was changed."""
        rows, _ = self._rows(*file_events(score))
        return np.array([single(BOS), *rows, single(EOS)], np.int32)

    def arranged(self, score: Score) -> Arrangement:
        """The rows of a score by its own tracks, whatever its file was."""
        rows, channels = self._rows(score.ticks_per_quarter, events_of_score(score))
        places = {}
        for track, channel in enumerate(channels_of(score)):
            # Before them is the track of tempos.
            number = channels.tracks[channel].get(track + 1) if self.optimise else track + 1
            if number:
                places[track] = number, channels.renamed.get(channel, channel)
        steps, quarter = [], 0
        for row in rows:
            quarter += row[1] - self.layout.first["time1"]
            steps.append(STEPS * quarter + row[2] - self.layout.first["time2"])
        return Arrangement(rows, steps, places)

    def _rows(self, quarter: int, tracks: Tracks) -> tuple[list[list[int]], Channels]:
        """Rows of the events of some tracks, and their channels, changed where they are renumbered."""
        events, channels = quantised(quarter, tracks, self.layout)
        silent: list[int] = []
        if self.optimise:
            events = renumbered(events, channels)
            add_programs(events, channels)
            silent = channels.silent
        if "key_signature" in self.layout.parameters:
            events = completed_keys(events, channels, self.optimise)
        rows, before = [], 0
        for kind, quarter_at, *values in set_up(events, self.layout):
            if kind in ("patch_change", "control_change") and values[2] in silent:
                continue
            if kind == "note" and self.preset == "v1":
                step, track, channel, pitch, velocity, duration = values
                values = [step, track, duration, channel, pitch, velocity]
            row = self.layout.row(kind, quarter_at - before, *values)
            if row is not None:
                rows.append(row)
                before = quarter_at
        return rows, channels

    def decode(self, ids: ArrayLike) -> Score:
        """The score that rows stand for, 480 ticks a quarter, as the file reads that the original writes of them.

        Rows that are no events are passed over; notes of one channel and pitch end where the next begins.
        """
        return decoded(self.check(ids).tolist(), self.layout)

    def without_end(self, ids: Ids) -> Ids:
        """Without the row that ends a piece."""
        return ids[:-1] if len(ids) and ids[-1][0] == EOS else ids


def single(token: int) -> list[int]:
    """The row that begins or ends a piece."""
    return [token, *[PAD] * (FIELDS - 1)]
