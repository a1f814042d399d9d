"""Fill bars of some tracks with a model trained for it: MIDI-GPT.

The model is shown a window of bars of all tracks, those before and after the ones that are written, and controls of
each track. A region that is longer than half of the window is written piece by piece, as the model's authors do.

Source: Pasquier et al. 2025 (MIDI-GPT, arXiv 2501.17011); github.com/Metacreation-Lab/MIDI-GPT, step planner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from typing_extensions import override

from symbolic_music.errors import OptionError, RegionError
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.inference.token_backends import at_once
from symbolic_music.generation.left_to_right.batched_ids import IdDrawn, IdLine, IdLines
from symbolic_music.generation.left_to_right.batching import Writer, turns_of
from symbolic_music.generation.near_copies import flagged
from symbolic_music.generation.regions import Span
from symbolic_music.generation.results import EditSession, Written, WrittenNote
from symbolic_music.generation.sessions.edited_score import Draft
from symbolic_music.generation.views.track_style import rewritten
from symbolic_music.models import Model
from symbolic_music.score import Array, Score
from symbolic_music.tokenizers.public.midigpt import MidiGptTokenizer
from symbolic_music.tokenizers.public.midigpt_bars import BarNote, GridBar, GridTrack, attributes_of, bars_of, tracks_of
from symbolic_music.transforms import check_tracks

# What users say of a track -> the kind of id, and what is taken away from the number.
CONTROLS: Mapping[str, tuple[str, int]] = {
    "density": ("NoteDensity", 0),
    "min_polyphony": ("MinPolyphony", 1),
    "max_polyphony": ("MaxPolyphony", 1),
    "min_duration": ("MinNoteDuration", 0),
    "max_duration": ("MaxNoteDuration", 0),
}
# Ids that are left for the bars that are written.
_LEAST_ROOM = 256


class BarFilling(EditSession):
    """A `EditSession` of whole bars of any tracks.

    Args:
        score: the piece.
        spans: regions in ticks, of whole bars; bars after the end of the piece too.
        tracks: None for all that have notes.
        model: of MIDI-GPT.
        sampling: None for the default.
        seed: of the first alternative; those after it have the seeds after it.
        count: alternatives.
        controls: of the tracks that are written: density (0 to 9, of drums), min_polyphony and max_polyphony (1 to
            10), min_duration and max_duration (0 for a 32nd to 5 for a whole note). What is not said is what the track
            has around the region.

    Raises:
        OptionError: for controls that the model has not.
        RegionError: for regions that are not of whole bars, and where the model's window cannot hold the tracks.
    """

    def __init__(
        self,
        score: Score,
        spans: Sequence[Span],
        tracks: Sequence[int] | None,
        model: Model[Any],
        sampling: Sampling | None = None,
        seed: int = 0,
        count: int = 1,
        controls: Mapping[str, int] | None = None,
    ) -> None:
        if count < 1:
            raise OptionError(f"at least one alternative is needed, not {count}")
        assert isinstance(model.tokenizer, MidiGptTokenizer)
        self._score, self._model, self._tokenizer = score, model, model.tokenizer
        self._sampling, self._seed = sampling or Sampling(), seed
        played = np.unique(score.notes["track"]).tolist()
        self._tracks = played if tracks is None else sorted(check_tracks(score, tracks))
        self._shown = sorted({*played, *self._tracks})
        self._bars = _bars(score, spans[-1][1])
        lines = [bar.start for bar in self._bars] + [self._bars[-1].start + self._bars[-1].length]
        if not np.isin(np.array(spans), lines).all():
            raise RegionError(f"model {model.card.name!r} writes whole bars: --bars names them")
        self._asked = [bar for bar, at in enumerate(lines[:-1]) if any(a <= at < b for a, b in spans)]
        self._whole = (spans[0][0], spans[-1][1])
        self._given, self._replaced, self._voices = rewritten(score, spans, self._tracks)
        self._controls = _ids_of(controls or {}, self._tokenizer, model.card.name)
        self._drafts = [Draft(number, score.tracks) for number in range(count)]
        self._filled = 0
        # Whatever is impossible is so before anything is drawn.
        grid = self._grid()
        for first, last, chosen in self._steps():
            self._prompt(grid, first, last, chosen)

    @override
    @property
    def done(self) -> float:
        return self._filled / (len(self._asked) * len(self._drafts))

    @override
    def stream(self) -> Iterator[WrittenNote]:
        network = self._model.network
        was_training = network.training
        most = at_once(network, len(self._drafts))
        try:
            for first in range(0, len(self._drafts), most):
                drafts = self._drafts[first : first + most]
                seeds = [(self._seed + draft.number) % (1 << 64) for draft in drafts]
                lines = IdLines(self._model, self._sampling, [torch.Generator().manual_seed(seed) for seed in seeds])
                put: list[WrittenNote] = []
                writers = [self._write(*one, put) for one in zip(drafts, lines.lines, strict=True)]
                for _ in turns_of(lines.draw, writers):
                    yield from put
                    put.clear()
                yield from put
        finally:
            network.train(was_training)

    @override
    def results(self) -> list[Written]:
        begun = [draft for draft in self._drafts if draft.begun]
        return flagged([draft.result(self._score, self._replaced, self._given, [self._whole]) for draft in begun])

    def _write(self, draft: Draft, line: IdLine, put: list[WrittenNote]) -> Writer[Array, IdDrawn, None]:
        """Write an alternative; its notes are put into a list, window by window."""
        grid = self._grid()
        draft.begin(self._whole, self._given, self._tracks)
        log_probability, drawn, complete = 0.0, 0, True
        for first, last, chosen in self._steps():
            prompt, places = self._prompt(grid, first, last, chosen)
            ids: list[int] = []
            room = self._model.network.config.context - len(prompt)
            line.restart()
            line.feed(prompt.tolist())
            while (mask := line.allowed()).any():
                token, one = yield mask
                line.feed([token])
                ids.append(token)
                log_probability += one
                if len(ids) >= room:
                    complete = False
                    break
            blocks = self._blocks(ids, len(places))
            drawn += sum(map(len, blocks))
            for (track, bar), notes in zip(places, blocks, strict=True):
                grid[track].bars[bar] = notes
            for bar in chosen:
                for track in self._tracks:
                    put += self._put(draft, track, bar, grid[track].bars[bar])
            self._filled += len(chosen)
        draft.count(log_probability, drawn, complete)
        draft.end()

    def _grid(self) -> dict[int, GridTrack]:
        """The tracks that are shown, without the notes that are replaced."""
        given = self._score.replace(notes=self._given)
        tracks = tracks_of(given, self._bars, self._tokenizer.layout.resolution)
        return {track: tracks[track] for track in self._shown}

    def _steps(self) -> Iterator[tuple[int, int, list[int]]]:
        """First and last bar of a window, and the bars that are written in it, one window after the other."""
        window = self._window()
        at_once = max(1, window // 2)
        left = list(self._asked)
        while left:
            chosen = [bar for bar in left if bar < left[0] + at_once]
            first = min(max(0, left[0] - (window - at_once) // 2), max(0, len(self._bars) - window))
            yield first, min(first + window, len(self._bars)), chosen
            left = left[len(chosen) :]

    def _window(self) -> int:
        """Number of bars of context: the largest that the model supports and the piece has."""
        known = sorted(self._tokenizer.layout.bars, reverse=True)
        return next((bars for bars in known if bars <= len(self._bars)), known[-1])

    def _prompt(
        self, grid: Mapping[int, GridTrack], first: int, last: int, chosen: Sequence[int]
    ) -> tuple[Any, list[tuple[int, int]]]:
        """Ids of a window up to the bars that are written, and (track, bar) of those in their order.

        Where the model's positions do not hold all tracks, those that are not written are left out, the last first;
        where they do not hold those that are, the bars around.
        """
        shown = list(self._shown)
        while True:
            bars = self._bars[first:last]
            tracks = [GridTrack(grid[t].program, grid[t].is_drum, grid[t].bars[first:last]) for t in shown]
            to_fill = [(n, bar - first) for n, t in enumerate(shown) if t in self._tracks for bar in chosen]
            attributes = [self._attributes(track, number, bars) for number, track in zip(shown, tracks, strict=True)]
            ids = self._tokenizer.encode_bars(bars, tracks, attributes, set(to_fill))
            places = [(shown[n], bar + first) for n, bar in to_fill]
            if len(ids) + _LEAST_ROOM <= self._model.network.config.context:
                return ids, places
            others = [track for track in shown if track not in self._tracks]
            if others:
                shown.remove(others[-1])
            elif last - first > chosen[-1] + 1 - chosen[0]:
                first, last = chosen[0], chosen[-1] + 1
            else:
                raise RegionError(
                    f"model {self._model.card.name!r} has no room for these bars: name fewer tracks to write"
                )

    def _attributes(self, track: GridTrack, number: int, bars: Sequence[GridBar]) -> dict[str, int]:
        resolution = self._tokenizer.layout.resolution
        found = dict(attributes_of(track, bars, self._score.ticks_per_quarter, resolution))
        if number in self._tracks:
            found |= {kind: value for kind, value in self._controls.items() if kind in found}
        return found

    def _blocks(self, ids: Sequence[int], count: int) -> list[list[BarNote]]:
        """The notes of this many bars that are filled; the ids are those after the first FillInStart."""
        names, levels = self._tokenizer.vocabulary.fields[0], self._tokenizer.velocities
        blocks: list[list[BarNote]] = [[]]
        time, level, pitch = 0, 0, -1
        for token in ids:
            kind, _, text = names[token].rpartition("_")
            value = int(text)
            if kind == "FillInStart":
                blocks.append([])
                time, level, pitch = 0, 0, -1
            elif kind == "TimeAbsolutePos":
                time = value
            elif kind == "VelocityLevel":
                level = value
            elif kind == "NoteOnset":
                pitch = value
                blocks[-1].append(BarNote(time, 1, value, levels[level]))
            elif kind == "NoteDuration":
                blocks[-1][-1] = BarNote(time, value + 1, pitch, levels[level])
        return (blocks + [[] for _ in range(count)])[:count]

    def _put(self, draft: Draft, track: int, bar: int, notes: Sequence[BarNote]) -> Iterator[WrittenNote]:
        """Notes of a bar on the score's own ticks."""
        start, step = self._bars[bar].start, self._score.ticks_per_quarter / self._tokenizer.layout.resolution
        for note in sorted(notes, key=lambda one: (one.onset, one.pitch)):
            first, last = (start + round(at * step) for at in (note.onset, note.onset + note.duration))
            written = draft.add(first, last, note.pitch, track, self._voices[track], self._score, note.velocity)
            if written is not None:
                yield written


def _bars(score: Score, end: int) -> list[GridBar]:
    """The bars of a score, and as many more in its last meter as reach up to a tick."""
    bars = bars_of(score)
    while bars[-1].start + bars[-1].length < end:
        last = bars[-1]
        bars.append(GridBar(last.start + last.length, last.length, last.numerator, last.denominator))
    return bars


def _ids_of(controls: Mapping[str, int], tokenizer: MidiGptTokenizer, name: str) -> dict[str, int]:
    found = {}
    for control, value in controls.items():
        if control not in CONTROLS or CONTROLS[control][0] not in tokenizer.layout.first:
            known = ", ".join(one for one, (kind, _) in CONTROLS.items() if kind in tokenizer.layout.first)
            raise OptionError(f"model {name!r} has no control {control!r}; it has {known}")
        kind, least = CONTROLS[control]
        if not 0 <= value - least < tokenizer.layout.size[kind]:
            raise OptionError(f"{control} is in {least}..{tokenizer.layout.size[kind] - 1 + least}, not {value}")
        found[kind] = value - least
    return found
