"""Limits on new notes in the terms of a score, and the constraints of a sampler that they become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import ConstraintError, OptionError, RegionError
from symbolic_music.generation.constraints.base import Constraint
from symbolic_music.generation.constraints.melody import GivenPitches, NoRepeatedNote
from symbolic_music.generation.constraints.pitch import Chords, PitchClasses, PitchRange, scale
from symbolic_music.generation.constraints.rhythm import EndOn, OnGrid
from symbolic_music.generation.constraints.texture import NotesAtOnce, NotesPerBar, OneAtATime, Polyphony
from symbolic_music.generation.regions import Span, ticks_of
from symbolic_music.generation.views.onset_grid import asked_grid, grid_lines, near_line
from symbolic_music.score import Score
from symbolic_music.theory import chord_chart, chord_classes, pitch_class

if TYPE_CHECKING:
    from symbolic_music.generation.views.model_view import StepView

_MOST_BARS = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Limits on new notes. Limits on pitch do not apply to drums.

        sm.Limits(lowest=48, scale="D minor", notes_per_bar=(2, 8))

    Args:
        lowest, highest: pitches, both included: 60 is middle C.
        scale: tonic and mode, "D minor" or "Bb mixolydian"; see `theory.SCALES`.
        pitch_classes: 0 for C to 11 for B; empty for all.
        chords: (bar, name): from there on only pitches of the chord begin, up to the next. Bars count from 1, 8.5 is
            the middle of bar 8; names are C, F#m, Bb7, ... (`CHORDS`), and "-" ends the last chord.
        chart: chords bar by bar, as "C | Am F | G7", in the place of `chords`: it begins with each region and repeats.
            See `theory.chord_chart`.
        passing_notes: notes outside of the chords may begin too, as the model places them; for models that are
            conditioned on chords (`song`).
        polyphony: maximum number of notes at once, over all written tracks.
        notes_per_bar: minimum and maximum number of onsets in a bar.
        notes_at_once: minimum and maximum number of simultaneous onsets.
        no_repeats: no instrument plays its last pitch again.
        grid: quarter notes between the lines, counted from each bar line, on which notes begin: 0.25 is a sixteenth.
        end_on: bar or part of one, as for chords: the music ends there.
        given_pitches: the k-th new note of a region has the k-th of these, all of them and no more; drums are not
            written. When they begin and end is free; so `revoice` and `thin_out` cannot keep to it.
        free: ignore the habits of the tracks elsewhere in the piece, which region models follow otherwise.

    Raises:
        OptionError: for an invalid pitch, scale, chord or number.
        ConstraintError: when they contradict each other.
    """

    lowest: int = 0
    highest: int = 127
    scale: str | None = None
    pitch_classes: tuple[int, ...] = ()
    chords: tuple[tuple[float, str], ...] = ()
    chart: str | None = None
    passing_notes: bool = False
    polyphony: int | None = None
    notes_per_bar: tuple[int, int] | None = None
    notes_at_once: tuple[int, int] | None = None
    no_repeats: bool = False
    grid: float | None = None
    end_on: float | None = None
    given_pitches: tuple[int, ...] = ()
    free: bool = False

    def __post_init__(self) -> None:
        allowed = self._allowed()
        if [bar for bar, _ in self.chords] != sorted({bar for bar, _ in self.chords}):
            raise OptionError("chords are sorted by their bars, one at a place")
        places = [bar for bar, _ in self.chords] + ([] if self.end_on is None else [self.end_on])
        if not all(1 <= place <= _MOST_BARS for place in places):
            raise OptionError(f"bars count from 1, and up to {_MOST_BARS:,}")
        if not allowed:
            raise ConstraintError(f"no pitch is left: {self._told()}")
        if self.chart is not None and self.chords:
            raise OptionError("chords are given by their bars or as a chart, not both")
        if self.passing_notes and not (self.chords or self.chart):
            raise OptionError("notes that pass are between chords: give some")
        charted = [] if self.chart is None else [name for bar in chord_chart(self.chart) for name in bar]
        named = [(name, f" of bar {bar:g}") for bar, name in self.chords] + [(name, "") for name in charted]
        for name, where in named:
            classes = chord_classes(name)
            if classes and not any(pitch % 12 in classes for pitch in allowed):
                raise ConstraintError(f"no pitch is left for the chord {name}{where}: {self._told()}")
        if self.no_repeats and len(allowed) == 1:
            raise ConstraintError(f"one pitch alone cannot be played without repeats: {self._told()}")
        if self.grid is not None and not 1 / 24 <= self.grid <= 64:
            raise OptionError(f"a grid has 1/24 to 64 quarter notes, not {self.grid:g}")
        if not all(0 <= pitch <= 127 for pitch in self.given_pitches):
            raise OptionError(f"given pitches lie in 0..127, not {','.join(map(str, self.given_pitches))}")
        for pitch in self.given_pitches:
            if pitch not in allowed:
                raise ConstraintError(f"the given pitch {pitch} is not among {self._told()}")
        for name, least in (("notes_at_once", 1), ("notes_per_bar", 0)):
            low, high = getattr(self, name) or (least, 1)
            if not least <= low <= high or high < 1:
                wanted = f"from {least} on, least <= most, most >= 1"
                raise OptionError(f"{name.replace('_', ' ')}: {wanted}, not {low}-{high}")
        if self.polyphony is not None and self.polyphony < (self.notes_at_once or (1, 1))[0]:
            raise ConstraintError(
                f"{(self.notes_at_once or (1, 1))[0]} notes that begin at once cannot be {self.polyphony} at once"
            )
        if self.given_pitches and len(self.given_pitches) < (self.notes_at_once or (1, 1))[0]:
            raise ConstraintError(f"{len(self.given_pitches)} given pitches are too few for notes at once")

    def constraints(self, score: Score, view: StepView, span: Span) -> tuple[Constraint, ...]:
        """For a region of a score, as a model sees it.

        Raises:
            ConstraintError: when the given pitches fit neither the bars of the region nor its only instrument.
        """
        out: list[Constraint] = []
        if (self.lowest, self.highest) != (0, 127):
            out.append(PitchRange(self.lowest, self.highest))
        if self._classes() != set(range(12)):
            out.append(PitchClasses(tuple(self._classes())))
        if self.chords and not self.passing_notes:
            out.append(Chords(tuple((step, chord_classes(name)) for step, name in self.chord_steps(score, view))))
        if self.polyphony is not None:
            out.append(Polyphony(self.polyphony, view.instruments))
        lines = self.lines(score, span)
        on = () if lines is None else tuple(view.steps(lines).tolist())
        if self.notes_at_once is not None:
            out.append(NotesAtOnce(*self.notes_at_once, self._room(view)))
        if self.notes_per_bar is not None:
            bars = score.bars(span[1])
            inside = bars[(bars > span[0]) & (bars < span[1])]
            steps = np.unique(view.steps([span[0], *inside])).tolist()
            out.append(NotesPerBar(tuple(steps), *self.notes_per_bar, self._room(view), on))
        if self.no_repeats:
            out.append(NoRepeatedNote())
        if on:
            out.append(OnGrid(on))
        place, until = self.end(score), None
        if place is not None and span[0] < place <= span[1]:
            until = int(view.steps([place])[0])
            # Of given pitches the last one is held, and those before it leave it room.
            out.append(EndOn(until, 1) if self.given_pitches else EndOn(until))
        if self.given_pitches:
            self._check_given(score, view, span)
            rooms = [room for room in (self._room(view), self.polyphony) if room is not None]
            out.append(GivenPitches(self.given_pitches, min(rooms, default=None), until))
        return tuple(out)

    def chord_steps(self, score: Score, view: StepView) -> list[tuple[int, str]]:
        """The steps of a model at which chords begin, and their names."""
        places = ticks_of(score, [bar for bar, _ in self.chords], "bars")
        steps = view.steps(np.rint(places).astype(np.int64)).tolist()
        return sorted({step: name for step, (_, name) in zip(steps, self.chords, strict=True)}.items())

    @property
    def key(self) -> int | None:
        """The key, 0 to 11 for C to B major, 12 to 23 for minor; None without a scale that is one of the two."""
        tonic, _, mode = (self.scale or "").strip().partition(" ")
        offset = {"": 0, "major": 0, "minor": 12, "harmonic minor": 12, "melodic minor": 12}.get(mode.strip())
        return None if self.scale is None or offset is None else offset + pitch_class(tonic)

    def resolved(self, score: Score, spans: Sequence[Span]) -> Limits:
        """The same limits with a chart laid out over the bars of the regions."""
        if self.chart is None:
            return self
        chart, placed = chord_chart(self.chart), dict[float, str]()
        last = max(end for _, end in spans)
        lines, numbers = score.bars(last), score.numbers(last)
        for first, end in spans:
            begun = max(0, int(np.searchsorted(lines, first, side="right")) - 1)
            for place, bar in enumerate(numbers[begun : int(np.searchsorted(lines, end))].tolist()):
                names = chart[place % len(chart)]
                placed |= {bar + number / len(names): name for number, name in enumerate(names)}
        return replace(self, chart=None, chords=tuple(sorted(placed.items())))

    def _check_given(self, score: Score, view: StepView, span: Span) -> None:
        count, melody = len(self.given_pitches), self.given_pitches
        if self.notes_per_bar is not None:
            lines = score.bars(span[1])
            bars = 1 + int(((lines > span[0]) & (lines < span[1])).sum())
            least, most = self.notes_per_bar
            # The first bar may have notes from before the region.
            if not least * (bars - 1) <= count <= most * bars:
                raise ConstraintError(f"{count} given pitches cannot be {least}-{most} notes in each of {bars} bars")
        repeated = any(one == other for one, other in pairwise(melody))
        if self.no_repeats and repeated and len(view.instruments or ()) == 1:
            raise ConstraintError("the given pitches repeat one, which is forbidden")

    def _room(self, view: StepView) -> int | None:
        """How many of the written instruments' notes may sound at once; None where any number or some free of that."""
        parts = [len(one.instruments) for one in view.constraints if isinstance(one, OneAtATime)]
        limits = [*parts, *([self.polyphony] if self.polyphony is not None and view.instruments is not None else [])]
        return min(limits, default=None)

    def lines(self, score: Score, span: Span) -> NDArray[np.int64] | None:
        """The ticks of a region on which notes may begin; None for any. ConstraintError where there is none."""
        if self.grid is None:
            return None
        lines = grid_lines(score, span, self.grid)
        if not len(lines):
            raise ConstraintError(f"no line of a grid of {self.grid:g} quarter notes lies in the region")
        return lines

    def placed(self, score: Score, span: Span) -> Callable[[int, int], tuple[int, int]] | None:
        """What moves the onset and the end of a new note to the grid: steps of a model are coarser than ticks."""
        lines = self.lines(score, span)
        return None if lines is None else partial(asked_grid, lines, near=near_line(score))

    def end(self, score: Score) -> int | None:
        """The tick on which the music is to end."""
        return None if self.end_on is None else round(float(ticks_of(score, [self.end_on], "bars")[0]))

    def check(self, score: Score, spans: Sequence[Span]) -> None:
        """RegionError when the music is to end outside all regions."""
        place = self.end(score)
        if place is not None and not any(first < place <= last for first, last in spans):
            raise RegionError(f"the music cannot end on bar {self.end_on:g}: that is in no region that is written")

    def _classes(self) -> set[int]:
        found = set(self.pitch_classes or range(12))
        if not found <= set(range(12)):
            raise OptionError(f"pitch classes are numbers from 0 to 11, not {sorted(found)}")
        if self.scale is not None:
            tonic, _, mode = self.scale.strip().partition(" ")
            found &= set(scale(tonic, mode.strip() or "major").classes)
        return found

    @property
    def classes(self) -> frozenset[int]:
        """The pitch classes of the pitches that are allowed."""
        return frozenset(pitch % 12 for pitch in self._allowed())

    def _allowed(self) -> list[int]:
        if not 0 <= self.lowest <= self.highest <= 127:
            raise OptionError(f"a range of pitches is within 0..127, lowest first, not {self.lowest}..{self.highest}")
        classes = self._classes()
        return [pitch for pitch in range(self.lowest, self.highest + 1) if pitch % 12 in classes]

    def described(self) -> str:
        """The limits that were set, as options of the command line; "" for no limits."""
        parts = [] if self.lowest == 0 else [f"lowest {self.lowest}"]
        parts += [] if self.highest == 127 else [f"highest {self.highest}"]
        parts += [f"scale {self.scale}"] if self.scale else []
        parts += [f"pitch classes {','.join(map(str, self.pitch_classes))}"] if self.pitch_classes else []
        parts += [f"chords {','.join(f'{bar:g}:{name}' for bar, name in self.chords)}"] if self.chords else []
        parts += [f"chart {self.chart}"] if self.chart else []
        parts += ["passing notes"] if self.passing_notes else []
        parts += [] if self.polyphony is None else [f"polyphony {self.polyphony}"]
        for name in ("notes_per_bar", "notes_at_once"):
            pair = getattr(self, name)
            parts += [] if pair is None else [f"{name.replace('_', ' ')} {pair[0]}-{pair[1]}"]
        parts += ["no repeats"] if self.no_repeats else []
        parts += [] if self.grid is None else [f"grid {self.grid:g}"]
        parts += [] if self.end_on is None else [f"end on {self.end_on:g}"]
        parts += [f"given pitches {','.join(map(str, self.given_pitches))}"] if self.given_pitches else []
        return ", ".join(parts)

    def _told(self) -> str:
        parts = [f"pitches {self.lowest} to {self.highest}"]
        parts += [self.scale] if self.scale else []
        parts += [f"pitch classes {','.join(map(str, self.pitch_classes))}"] if self.pitch_classes else []
        return ", ".join(parts)


FREE = Limits()
