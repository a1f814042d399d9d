"""Write a score as a new MusicXML document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from xml.etree.ElementTree import tostring

import numpy as np

from symbolic_music.errors import NotationError
from symbolic_music.general_midi import DRUM_CHANNEL, drum_name
from symbolic_music.io.notation.engraving import sheet
from symbolic_music.io.notation.engraving.bar_voices import Segment, engraved
from symbolic_music.io.notation.engraving.note_value_grid import written_time, written_times
from symbolic_music.io.notation.engraving.spelling import spelled
from symbolic_music.io.notation.engraving.staves import clefs, hands, staves_of
from symbolic_music.io.notation.musicxml.chord_symbols import harmony_element
from symbolic_music.io.notation.percussion import place_of_drum
from symbolic_music.score import Score, Text, Track, track_title

_MOST_BARS = 100_000


def written_anew(score: Score) -> bytes:
    """A new MusicXML document of a score, which keeps nothing of the one that it may come from."""
    tracks = score.tracks or (Track(),)
    return sheet.document([sheet_part(score, index) for index in range(len(tracks))])


def sheet_part(score: Score, index: int) -> sheet.SheetPart:
    """A track as a part with the bars of the score."""
    writer = _PartWriter(score, index)
    return sheet.SheetPart(writer.title, writer.instruments(), writer.bars())


def _bar_lines(score: Score) -> tuple[list[int], list[Fraction], list[int]]:
    """Ticks, quarters and numbers of the bars; of those that rounding makes one the first is kept."""
    lines, numbers = score.bars().tolist(), score.numbers().tolist()
    if len(lines) > _MOST_BARS:
        raise NotationError(f"{len(lines):,} bars; at most {_MOST_BARS:,} are written as notation")
    kept: list[tuple[int, Fraction, int]] = []
    for line, number in zip(lines or [0], numbers or [1], strict=True):
        start = written_time(line, score.ticks_per_quarter)
        if not kept or start > kept[-1][1]:
            kept.append((line, start, number))
    return [line for line, _, _ in kept], [start for _, start, _ in kept], [number for _, _, number in kept]


class _PartWriter:
    def __init__(self, score: Score, index: int) -> None:
        self.score, self.index = score, index
        self.track = score.tracks[index] if index < len(score.tracks) else Track()
        self.title = "".join(c for c in self.track.name if c.isprintable())
        self.notes = score.notes[score.notes["track"] == index]
        self.lines, self.starts, self.numbers = _bar_lines(score)
        self.drum_keys = np.unique(self.notes["pitch"][self.notes["channel"] == DRUM_CHANNEL]).tolist()
        pitched = self.notes["pitch"][self.notes["channel"] != DRUM_CHANNEL]
        self.programs = [self.track.program] + [
            p for p in np.unique(self.notes["program"][self.notes["channel"] != DRUM_CHANNEL]).tolist()
            if p != self.track.program
        ]  # fmt: skip
        self.staves = staves_of(pitched, self.track.program, bool(self.drum_keys))

    # -- instruments --------------------------------------------------------------------------------------

    def instruments(self) -> str:
        names, sounds = [], []
        pitched = len(self.drum_keys) == 0 or len(self.programs) > 1 or bool(
            (self.notes["channel"] != DRUM_CHANNEL).any()
        )  # fmt: skip
        channel = [c for c in range(16) if c != DRUM_CHANNEL][self.index % 15] + 1
        if pitched and not (self.track.is_drum and not len(self.notes)):
            for program in self.programs:
                names.append((f"{{id}}-I{program + 1}", track_title(self.score, self.index) if self.title else "x"))
                sounds.append((f"{{id}}-I{program + 1}", channel, f"<midi-program>{program + 1}</midi-program>"))
        for key in self.drum_keys:
            names.append((f"{{id}}-K{key + 1}", drum_name(key)))
            sounds.append((f"{{id}}-K{key + 1}", 10, f"<midi-unpitched>{key + 1}</midi-unpitched>"))
        if not names:
            names.append(("{id}-K39", drum_name(38)))
            sounds.append(("{id}-K39", 10, "<midi-unpitched>39</midi-unpitched>"))
        return "".join(
            f'<score-instrument id="{name}"><instrument-name>{sheet.text(shown)}</instrument-name></score-instrument>'
            for name, shown in names
        ) + "".join(
            f'<midi-instrument id="{name}"><midi-channel>{channel}</midi-channel>{inner}</midi-instrument>'
            for name, channel, inner in sounds
        )

    def _head(self, segment: Segment, sharps: int) -> sheet.Head:
        loud = None if segment.velocity == 80 else segment.velocity
        if segment.drum:
            step, octave, shape = place_of_drum(segment.pitch)
            return sheet.Head(
                step, 0, octave, instrument=f"{{id}}-K{segment.pitch + 1}", unpitched=True, shape=shape, velocity=loud
            )
        step, alter, octave = spelled(segment.pitch, sharps)
        several = len(self.programs) > 1 or bool(self.drum_keys)
        used = f"{{id}}-I{segment.program + 1}" if several else ""
        return sheet.Head(step, alter, octave, instrument=used, velocity=loud)

    # -- bars ---------------------------------------------------------------------------------------------

    def bars(self) -> list[sheet.Bar]:
        score = self.score
        starts = self.starts
        segments, end = self._segments(starts)
        while end > starts[-1] + self._full(len(starts) - 1):  # what rounding moved past the last bar
            starts.append(starts[-1] + self._full(len(starts) - 1))
        numbers = self.numbers
        numbers += [numbers[-1] + i + 1 for i in range(len(starts) - len(numbers))]
        out = []
        shown: tuple[int, int] | None = None
        sharps = 0
        directions = self._directions(starts)
        for i, start in enumerate(starts):
            length = starts[i + 1] - start if i + 1 < len(starts) else self._full(i)
            meter = self._meter(i)
            upbeat = i == 0 and numbers[0] == 0 and len(starts) > 1
            again = i > 0 and numbers[i] == numbers[i - 1]
            meter = self._meter(1) if upbeat else meter
            keys = score.keys[(score.keys["time"] >= self._tick(i)) & (score.keys["time"] < self._tick(i + 1))]
            key = (int(keys["sharps"][0]), int(keys["minor"][0])) if len(keys) else None
            sharps = key[0] if key is not None else sharps
            first = clefs(self.staves) if i == 0 else ""
            new_meter = meter if meter != shown and (i or len(score.meters)) else None
            if again:
                new_meter = None
            shown = meter if new_meter else shown
            bar = sheet.Bar(
                f"X{i}" if again else str(numbers[i]), upbeat or again,
                sheet.attributes(key, new_meter, first), directions=directions[i],
            )  # fmt: skip
            bar.events = self._events(segments[i], length, sharps)
            self._lyrics(bar, start)
            out.append(bar)
        out[-1].right = sheet.barline("right", "light-heavy")
        return out

    def _events(self, segments: Sequence[Segment], length: Fraction, sharps: int) -> list[sheet.Event]:
        def head(segment: Segment) -> sheet.Head:
            return self._head(segment, sharps)

        if self.staves != "grand":
            return engraved(segments, length, head)
        upper, lower = hands(segments)
        above = engraved(upper, length, head, 1, 1)
        return above + engraved(lower, length, head, 1 + max((e.voice for e in above), default=4), 2)

    def _tick(self, bar: int) -> int:
        return int(self.lines[bar]) if bar < len(self.lines) else 1 << 31

    def _meter(self, bar: int) -> tuple[int, int]:
        meters = self.score.meters
        before = meters[meters["time"] <= self._tick(bar)]
        return (int(before["numerator"][-1]), int(before["denominator"][-1])) if len(before) else (4, 4)

    def _full(self, bar: int) -> Fraction:
        numerator, denominator = self._meter(bar)
        return Fraction(4 * numerator, max(1, denominator))

    def _segments(self, starts: list[Fraction]) -> tuple[dict[int, list[Segment]], Fraction]:
        """Notes of the track cut at bar lines, by bar, and where the last one ends."""
        out: dict[int, list[Segment]] = defaultdict(list)
        begins, ends = written_times(self.notes, self.score.ticks_per_quarter)
        last = Fraction(0)
        for row, begin, end in zip(self.notes, begins, ends, strict=True):
            last = max(last, end)
            bar = int(np.searchsorted(self.lines, int(begin * self.score.ticks_per_quarter), side="right")) - 1
            while bar + 1 < len(starts) and starts[bar + 1] <= begin:
                bar += 1
            start = begin
            while start < end:
                base = starts[bar] if bar < len(starts) else starts[-1] + (bar - len(starts) + 1) * self._full(bar)
                upto = starts[bar + 1] if bar + 1 < len(starts) else base + self._full(bar)
                stop = min(end, upto)
                out[bar].append(
                    Segment(
                        start - base,
                        stop - base,
                        int(row["pitch"]),
                        int(row["velocity"]),
                        bool(row["channel"] == DRUM_CHANNEL),
                        int(row["program"]),
                        start > begin,
                        stop < end,
                    )
                )
                start = stop
                bar += 1
        return out, last

    # -- texts --------------------------------------------------------------------------------------------

    def _directions(self, starts: list[Fraction]) -> dict[int, list[tuple[Fraction, str]]]:
        out: dict[int, list[tuple[Fraction, str]]] = defaultdict(list)

        def add(time: int, element: str) -> None:
            bar = max(0, int(np.searchsorted(self.lines, time, side="right")) - 1)
            out[bar].append((written_time(time, self.score.ticks_per_quarter) - starts[bar], element))

        if self.index == 0:
            for time, microseconds in self.score.tempos.tolist():
                add(time, sheet.tempo(60e6 / max(1, microseconds)))
        for text in self.score.texts:
            own = self.index == (text.track or 0)
            if own and text.kind == "chord":
                add(text.time, tostring(harmony_element(text.text), encoding="unicode"))
            elif own and text.kind == "marker" and text.text.strip():
                mark = f"<rehearsal>{sheet.text(text.text)}</rehearsal>"
                add(text.time, f"<direction><direction-type>{mark}</direction-type></direction>")
            elif own and text.kind == "text" and text.text.strip():
                add(text.time, sheet.words(text.text))
        pedal = self.score.controls[
            (self.score.controls["track"] == self.index) & (self.score.controls["number"] == 64)
        ]
        down = False
        for time, value in zip(pedal["time"].tolist(), pedal["value"].tolist(), strict=True):
            if down != (value >= 64):
                down = value >= 64
                mark = f'<pedal type="{"start" if down else "stop"}" line="no" sign="yes"/>'
                add(time, f"<direction><direction-type>{mark}</direction-type></direction>")
        return out

    def _lyrics(self, bar: sheet.Bar, start: Fraction) -> None:
        if not hasattr(self, "_sung"):
            self._sung: dict[Fraction, Text] = {
                written_time(t.time, self.score.ticks_per_quarter): t
                for t in self.score.texts
                if t.kind == "lyric" and (t.track if t.track is not None else 0) == self.index
            }
        if not self._sung:
            return
        for event in bar.events:
            if event.heads and event.voice == 1 and not event.heads[0].tied_from:
                text = self._sung.pop(start + event.at, None)
                if text is not None and text.text.strip():
                    said = text.text.strip()
                    event.lyrics.append((1, "begin" if said.endswith("-") else "single", said.rstrip("-") or said))
