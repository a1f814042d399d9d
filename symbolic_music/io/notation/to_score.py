"""Convert written music to a Score: ties joined, grace notes before the beat, dynamics as velocities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.notation.instruments import program_of_name
from symbolic_music.io.notation.loudness import loudness
from symbolic_music.io.notation.musicxml.measure_times import Layout, lay_out
from symbolic_music.io.notation.repeats import played_order, told_repeats
from symbolic_music.io.notation.written_music import TICKS, Measure, Part, Written, WrittenNote
from symbolic_music.score import BAR_NUMBER, CONTROL, KEY, METER, NOTE, TEMPO, Array, Score, Text, Track

# A grace note sounds for a 32nd before its beat, in a run that has at most a quarter.
_GRACE = TICKS // 8
_PITCHED_CHANNELS = [channel for channel in range(16) if channel != DRUM_CHANNEL]


@dataclass(frozen=True)
class Reading:
    """A score with the place of its rows on the page.

    `measure` and `is_grace` have one entry for each row of `score.notes`: the measure in which the note is written
    (its first, when it is tied), and whether it is a grace note.
    """

    score: Score
    layout: Layout
    measure: tuple[int, ...]
    is_grace: tuple[bool, ...]
    written: Written


def as_written(written: Written) -> Reading:
    """The music of the page, each measure once; unplayed repeats are listed in `Score.problems`."""
    layout = lay_out(written)
    order = list(range(len(layout.numbers)))
    columns = _columns(written)
    repeats = told_repeats(columns, layout.numbers)
    notices = [f"repeats are read once, as written: {', '.join(repeats)}"] if repeats else []
    return _reading(written, layout, order, [1] * len(order), notices)


def as_played(written: Written) -> Score:
    """The music with its repeats and jumps unfolded; of several verses each pass has its own."""
    layout = lay_out(written)
    order, passes, problem = played_order(_columns(written))
    return _reading(written, layout, order, passes, [problem] if problem else []).score


def _columns(written: Written) -> list[Measure]:
    """One measure a bar with the repeats, endings and jumps that any part has there."""
    return [
        Measure(
            repeat_start=any(m.repeat_start for m in column),
            repeat_times=max(m.repeat_times for m in column),
            ending=next((m.ending for m in column if m.ending), ()),
            jumps=set().union(*(m.jumps for m in column)),
        )
        for column in zip(*(part.measures for part in written.parts), strict=True)
    ]


def _reading(
    written: Written, layout: Layout, order: Sequence[int], passes: Sequence[int], notices: Iterable[str]
) -> Reading:
    lengths = np.diff(layout.bounds)
    begins = np.concatenate([[0], np.cumsum(lengths[list(order)])]).astype(np.int64)
    if begins[-1] > 1 << 30:
        order, passes, begins = range(len(lengths)), [1] * len(lengths), np.array(layout.bounds)
    places = list(zip(order, begins.tolist(), passes, strict=False))
    tables: list[Array] = []
    tracks: list[Track] = []
    sources: list[tuple[int, bool]] = []
    texts: list[Text] = []
    controls: list[tuple[int, int, int, int]] = []
    for index, part in enumerate(written.parts):
        tracks.append(_track(part))
        rows, origin = _rows(part, layout, places, index, tracks[-1])
        order_of_rows = sorted(range(len(rows)), key=lambda i: rows[i][0])
        columns = np.array([rows[i] for i in order_of_rows], np.int64).reshape(-1, 7)
        tables.append(_notes(columns))
        sources += [origin[i] for i in order_of_rows]
        controls += _controls(part, places, index)
        texts += _texts(part, places, index)
    notes = np.concatenate(tables)
    kept = np.argsort(notes["onset"], kind="stable").tolist()
    score = Score(
        ticks_per_quarter=TICKS,
        notes=notes[kept],
        tempos=_table(_tempos(written, places), TEMPO),
        meters=_table(_meters(layout, places), METER),
        keys=_table(_keys(written, places), KEY),
        bar_numbers=_table(_bar_numbers(layout, places), BAR_NUMBER),
        controls=_table(controls, CONTROL),
        tracks=tuple(tracks),
        texts=tuple(sorted(texts, key=lambda text: text.time)),
        problems=(*notices, *written.problems[:20], *_left_out(written)),
    )
    return Reading(score, layout, tuple(sources[i][0] for i in kept), tuple(sources[i][1] for i in kept), written)


def _notes(columns: Array) -> Array:
    table = np.zeros(len(columns), NOTE)
    for i, name in enumerate(_COLUMNS):
        table[name] = columns[:, i]
    return table


_COLUMNS = ("onset", "duration", "pitch", "velocity", "program", "channel", "track")
Places = list[tuple[int, int, int]]  # (measure, tick at which it is played, pass)


def _rows(
    part: Part, layout: Layout, places: Places, index: int, track: Track
) -> tuple[list[list[int]], list[tuple[int, bool]]]:
    """Rows of `_COLUMNS` in order of the page, and for each its measure and whether it is a grace note."""
    velocities = _velocities(part, layout)
    melodic = _PITCHED_CHANNELS[index % len(_PITCHED_CHANNELS)]
    programs = {name: _program(part, name, track) for name in ("", *part.instruments)}
    rows: list[list[int]] = []
    origin: list[tuple[int, bool]] = []
    tied: dict[tuple[int, int, bool], int] = {}  # (pitch, end, drum) -> row of a note that is tied to a next one
    for measure, begin, _ in places:
        steals, counts = _steals(part.measures[measure].notes), _counts(part.measures[measure].notes)
        for note, velocity in zip(part.measures[measure].notes, velocities[measure], strict=True):
            onset, length = begin + note.at, note.length
            if note.grace:
                place = note.at, note.voice
                onset, length = _grace(note, begin, counts[place], steals.get(place, 0))
            elif (note.at, note.voice) in steals:
                taken = min(length - 1, steals[note.at, note.voice])
                onset, length = onset + taken, length - taken
            row = tied.pop((note.pitch, onset, note.drum), None) if note.tied_from else None
            if row is None:
                row = len(rows)
                program = programs.get(note.instrument, programs[""])
                channel = DRUM_CHANNEL if note.drum else melodic
                rows.append([onset, 0, note.pitch, velocity, 0 if note.drum else program, channel, index])
                origin.append((measure, bool(note.grace)))
            rows[row][1] = max(1, onset + length - rows[row][0])
            if note.tied_on and not note.grace:
                tied[note.pitch, onset + length, note.drum] = row
    return rows, origin


def _counts(notes: Sequence[WrittenNote]) -> dict[tuple[int, str], int]:
    """How many grace notes, chords counted once, come before each place and voice."""
    found: dict[tuple[int, str], int] = {}
    for note in notes:
        if note.grace:
            found[note.at, note.voice] = max(found.get((note.at, note.voice), 0), note.grace)
    return found


def _steals(notes: Sequence[WrittenNote]) -> dict[tuple[int, str], int]:
    """Ticks that grace notes with `steal-time-following` take from the note after them, by its place and voice."""
    lengths = {(n.at, n.voice): n.length for n in notes if not n.grace}
    found: dict[tuple[int, str], int] = {}
    for note in notes:
        if note.grace and note.steal and (note.at, note.voice) in lengths:
            taken = int(lengths[note.at, note.voice] * note.steal / 100)
            found[note.at, note.voice] = max(found.get((note.at, note.voice), 0), taken)
    return found


def _grace(note: WrittenNote, begin: int, count: int, taken: int) -> tuple[int, int]:
    """Onset and length of a grace note: before its beat; on it where it takes time from the note after it."""
    beat = begin + note.at
    if taken:
        length = max(1, taken // count)
        return beat + (note.grace - 1) * length, length
    length = max(1, min(_GRACE, TICKS // count, beat // count if beat else _GRACE))
    return max(0, beat - (count - note.grace + 1) * length), length


def grace_onsets(notes: Sequence[WrittenNote], begin: int) -> list[tuple[WrittenNote, int]]:
    """The grace notes of a measure that begins at this tick, and when they sound."""
    steals, counts = _steals(notes), _counts(notes)
    return [
        (note, _grace(note, begin, counts[note.at, note.voice], steals.get((note.at, note.voice), 0))[0])
        for note in notes
        if note.grace
    ]


def part_loudness(part: Part, starts: Sequence[int]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Dynamic marks and hairpins of a part at their ticks, as `loudness` takes them."""
    marks: list[tuple[int, int]] = []
    hairpins: list[tuple[int, int]] = []
    for start, measure in zip(starts, part.measures, strict=True):
        marks += [(start + tick, value) for tick, value in sorted(measure.dynamics, key=lambda one: one[0])]
        hairpins += [(start + tick, value) for tick, value in sorted(measure.hairpins, key=lambda one: one[0])]
    return marks, hairpins


def _velocities(part: Part, layout: Layout) -> list[list[int]]:
    """Velocity of each note, a list a measure."""
    marks, hairpins = part_loudness(part, layout.starts)
    at = [start + note.at for start, m in zip(layout.starts, part.measures, strict=True) for note in m.notes]
    found = iter(loudness(marks, hairpins, np.array(at, np.int64), TICKS).tolist())
    out = []
    for measure in part.measures:
        levels = [next(found) for _ in measure.notes]
        out.append(
            [
                note.velocity or max(1, min(127, round(level) + note.accent))
                for note, level in zip(measure.notes, levels, strict=True)
            ]
        )
    return out


def _track(part: Part) -> Track:
    first = next(iter(part.instruments.values()), None)
    heads = [note.drum for measure in part.measures for note in measure.notes]
    drum = first is not None and first.channel == DRUM_CHANNEL if not heads else sum(heads) * 2 > len(heads)
    program = next((one.program for one in part.instruments.values() if one.program is not None), None)
    if program is None:
        names = [*(one.name for one in part.instruments.values()), part.name]
        program = next((p for p in map(program_of_name, names) if p is not None), 0)
    return Track(part.name, 0 if drum else program, drum)


def _program(part: Part, name: str, track: Track) -> int:
    instrument = part.instruments.get(name)
    return track.program if instrument is None or instrument.program is None else instrument.program


def _controls(part: Part, places: Places, index: int) -> list[tuple[int, int, int, int]]:
    """Volume and pan where they are not what every player begins with, and the pedal."""
    out = []
    first = next(iter(part.instruments.values()), None)
    if first is not None:
        if first.volume not in (None, 100):
            out.append((0, 7, first.volume, index))
        if first.pan not in (None, 63, 64):
            out.append((0, 10, first.pan, index))
    for measure, begin, _ in places:
        out += [(begin + at, 64, value, index) for at, value in part.measures[measure].pedals]
    return out


def _texts(part: Part, places: Places, index: int) -> list[Text]:
    out = []
    for measure, begin, turn in places:
        texts = part.measures[measure].texts
        verses = {verse for _, _, kind, verse in texts if kind == "lyric"}
        verse = turn if turn in verses else 1 if 1 in verses else min(verses, default=1)
        for at, text, kind, of in texts:
            if kind == "marker":
                out.append(Text(begin + at, text, kind))
            elif kind != "lyric" or of == verse:
                out.append(Text(begin + at, text, kind, index))
    return out


def _tempos(written: Written, places: Places) -> list[tuple[int, int]]:
    found: dict[int, int] = {}
    for part in reversed(written.parts):  # of several at one tick the upper part's counts
        for measure, begin, _ in places:
            for at, speed in part.measures[measure].tempos:
                found[begin + at] = max(1, min(0xFFFFFF, round(60_000_000 / speed)))
    rows: list[tuple[int, int]] = []
    for time, microseconds in sorted(found.items()):
        if not rows or rows[-1][1] != microseconds:
            rows.append((time, microseconds))
    return rows


def _keys(written: Written, places: Places) -> list[tuple[int, int, int]]:
    """Sounding keys of the first part that sounds as it is written, else of the first that has keys."""
    parts = sorted(written.parts, key=lambda part: part.transposes)
    chosen = next((part for part in parts if _has_keys(part)), None)
    rows: list[tuple[int, int, int]] = []
    for measure, begin, _ in places if chosen is not None else ():
        for at, sharps, minor in chosen.measures[measure].keys if chosen is not None else ():
            if not rows or rows[-1][1:] != (sharps, minor):
                rows.append((begin + at, sharps, minor))
    return rows


def _has_keys(part: Part) -> bool:
    return any(measure.keys for measure in part.measures)


def _meters(layout: Layout, places: Places) -> list[tuple[int, int, int]]:
    """Meters at the played places: each bar's own, where it is not that of the bar before."""
    own = {row[0]: row[1:] for row in layout.meters}
    if [measure for measure, _, _ in places] == list(range(len(layout.numbers))):
        return [(time, *meter) for time, meter in own.items()]
    force: list[tuple[int, int]] = []
    for start in layout.starts:
        force.append(own.get(start, force[-1] if force else (4, 4)))
    rows: list[tuple[int, int, int]] = []
    for position, (measure, begin, _) in enumerate(places):
        length = layout.bounds[measure + 1] - layout.bounds[measure]
        meter = force[measure]
        cut = position and length * meter[1] != TICKS * 4 * meter[0]
        if not rows or rows[-1][1:] != meter or cut:
            rows.append((begin, *meter))
    return rows


def _bar_numbers(layout: Layout, places: Places) -> list[tuple[int, int]]:
    """Bars whose printed number is not one more than the previous; the first bar is 1 by default."""
    rows = []
    expected = 1
    for measure, begin, _ in places:
        if layout.numbers[measure] != expected:
            rows.append((begin, layout.numbers[measure]))
        expected = layout.numbers[measure] + 1
    return rows


def _left_out(written: Written) -> list[str]:
    measures = [measure for part in written.parts for measure in part.measures]
    verses = {verse for measure in measures for _, _, kind, verse in measure.texts if kind == "lyric"}
    notices = [f"{len(verses)} verses: the first is read"] if len(verses) > 1 else []
    if written.left_out:
        counts = [f"{count} {name}{'s' * (count > 1)}" for name, count in sorted(written.left_out.items())]
        notices.append(f"not played as written: {', '.join(counts)}")
    return notices


def _table(rows: Sequence[tuple[int, ...]], dtype: np.dtype[Any]) -> Array:
    return np.array(rows, dtype) if rows else np.zeros(0, dtype)
