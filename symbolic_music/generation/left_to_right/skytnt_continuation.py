"""Continue a piece with SkyTNT's models, or begin one of some instruments, in a tempo, meter and key."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from typing_extensions import override

from symbolic_music.errors import OptionError, RegionError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.decoding.skytnt_sampler import PUBLISHED_ROW_SAMPLING, Permitted, rows_of
from symbolic_music.generation.left_to_right.batching import HandedOut
from symbolic_music.generation.left_to_right.skytnt_batch import AT_ONCE, RowLines
from symbolic_music.generation.left_to_right.token_continuation import TokenWriting
from symbolic_music.score import NOTE, Array, Score
from symbolic_music.tokenizers.base import Ids
from symbolic_music.tokenizers.public.skytnt import Place, single
from symbolic_music.tokenizers.public.skytnt_vocabulary import BOS, FIELDS, MOST_FLATS, STEPS

_NOTES = frozenset({"note"})
_PLAYED = frozenset({"note", "control_change"})


class RowWriting(TokenWriting):
    """A `TokenWriting` of rows.

    With notes in the prompt new ones are in its tracks, on the grid of sixteenths of a quarter, with the velocities
    that the model draws. Without notes its tracks are the instruments of the piece, which starts with the prompt's
    first tempo, and in v2 its first meter and key; where it has no tracks the model chooses instruments.
    """

    @override
    def _check_sampling(self) -> None:
        if isinstance(self._sampling, Mapping):
            raise OptionError(f"model {self._model.card.name!r} draws all ids of a row alike")

    @override
    def _encoded(self, prompt: Score) -> Ids | None:
        self._track_at: dict[Place, int] = {}
        if not len(prompt):
            rows = self._requested(prompt)
        else:
            arranged = rows_of(self._model).arranged(prompt)
            self._track_at = {place: track for track, place in arranged.places.items()}
            # Rows after the end of the last note are left out.
            end = self._end_step(prompt)
            rows = [row for row, step in zip(arranged.rows, arranged.steps, strict=True) if step <= end]
        return np.array(rows, np.int32).reshape(-1, FIELDS)

    @staticmethod
    def _end_step(prompt: Score) -> int:
        return -(-STEPS * prompt.end // prompt.ticks_per_quarter)

    def _requested(self, prompt: Score) -> list[list[int]]:
        """Rows of the first meter, key and tempo and of the instruments, as the original's page makes them."""
        layout = rows_of(self._model).layout
        rows: list[tuple[Any, ...]] = []
        if len(prompt.meters) and "time_signature" in layout.parameters:
            _, upper, lower = prompt.meters[0].item()
            rows.append(("time_signature", 0, 0, 0, upper - 1, lower.bit_length() - 2))
        if len(prompt.keys) and "key_signature" in layout.parameters:
            _, sharps, minor = prompt.keys[0].item()
            rows.append(("key_signature", 0, 0, 0, sharps + MOST_FLATS, minor))
        if len(prompt.tempos):
            tempo = round(60_000_000 / int(prompt.tempos["microseconds"][0]))
            rows.append(("set_tempo", 0, 0, 0, min(tempo, layout.sizes["bpm"] - 1)))
        free = iter([channel for channel in range(16) if channel != DRUM_CHANNEL])
        drums = [number for number, track in enumerate(prompt.tracks) if track.is_drum]
        if len(drums) > 1 or len(prompt.tracks) - len(drums) > 15:
            raise RegionError("the model takes at most 15 instruments and one drum kit")
        for number, track in enumerate(prompt.tracks):
            channel = DRUM_CHANNEL if track.is_drum else next(free)
            self._track_at[number + 1, channel] = number
            rows.append(("patch_change", 0, 0, number + 1, channel, track.program))
        made = [layout.row(*row) for row in rows]
        if None in made:
            raise RegionError("the model's ids do not have this meter or key")
        return [row for row in made if row is not None]

    @override
    def _drawn(self, number: int) -> Iterator[tuple[Any, float]]:
        return self._drawn_together(number)

    @override
    def _begin(self, generators: Sequence[torch.Generator]) -> HandedOut[Any]:
        sampling = self._sampling if isinstance(self._sampling, Sampling) else PUBLISHED_ROW_SAMPLING
        lines = RowLines(self._model, sampling, generators)
        for line in lines.lines:
            for row in [] if self._given is None else self._given.tolist():
                line.feed(row)
        kinds, places, floor = frozenset(rows_of(self._model).layout.parameters), None, 0
        if self._prompt is not None and self._track_at:
            kinds, places = _NOTES if len(self._prompt) else _PLAYED, frozenset(self._track_at)
            floor = self._end_step(self._prompt)
        permitted = Permitted(kinds, places, floor)

        def draw(pieces: Sequence[int]) -> dict[int, tuple[Any, float]]:
            found = lines.draw(dict.fromkeys(pieces, permitted))
            for piece, drawn in found.items():
                lines.lines[piece].feed(drawn.row)
            return {piece: (drawn.row, drawn.log_probability) for piece, drawn in found.items()}

        return HandedOut(len(generators), draw)

    @override
    def _at_once(self) -> int:
        return AT_ONCE

    @override
    def _so_far(self, ids: Sequence[Any]) -> tuple[Score, Array, float]:
        if self._prompt is not None and len(self._prompt):
            return self._continued(self._prompt, ids)
        written = self._model.tokenizer.decode(np.array([single(BOS), *ids], np.int32))
        score = written.clip(0.0, self._seconds)
        return score, score.notes, written.duration / self._seconds

    def _continued(self, prompt: Score, ids: Sequence[Any]) -> tuple[Score, Array, float]:
        """The prompt with the notes of the rows after its own."""
        layout, ticks = rows_of(self._model).layout, prompt.ticks_per_quarter / STEPS
        end = round(float(prompt.ticks(prompt.duration + self._seconds)))
        quarter, latest = 0, prompt.end
        rows: list[list[int]] = []
        sounding: dict[tuple[int, int], int] = {}
        given = 0 if self._given is None else len(self._given)
        for number, row in enumerate(ids):
            found = layout.values(row)
            if found is None:
                continue
            kind, values = found
            quarter += values["time1"]
            onset = round((STEPS * quarter + values["time2"]) * ticks)
            if number < given or kind != "note":
                continue
            latest = max(latest, onset)
            lasts = max(1, min(end, onset + round(values["duration"] * ticks)) - onset)
            track = self._track_at[values["track"], values["channel"]]
            if onset >= end:
                continue
            before = sounding.get((track, values["pitch"]))
            if before is not None and rows[before][0] == onset:
                continue
            if before is not None:
                rows[before][1] = min(rows[before][1], onset - rows[before][0])
            sounding[track, values["pitch"]] = len(rows)
            described = prompt.tracks[track]
            channel = DRUM_CHANNEL * described.is_drum
            rows.append([onset, lasts, values["pitch"], values["velocity"], described.program, channel, track, 0])
        notes = np.array([tuple(row) for row in rows], NOTE)
        score = dataclasses.replace(prompt, notes=np.concatenate([prompt.notes, notes]))
        return score, notes, (float(prompt.seconds(latest)) - prompt.duration) / self._seconds
