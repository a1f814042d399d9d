"""The ids of MIDI-GPT: track by track, bar by bar, with controls before a track and bars to fill in.

A piece is PieceStart, NumBars, and its tracks: Track (0 melodic, 1 drums), Instrument, attributes, its bars, TrackEnd.
A bar is Bar, TimeSig, its notes, BarEnd. Notes are TimeAbsolutePos where it is not 0, VelocityLevel where it changes,
NoteOnset (the pitch) and, but of drums, NoteDuration. Bars that are to be written hold FillInPlaceholder; what they are
filled with follows the last track, FillInStart to FillInEnd, in the order of tracks and bars.

Source: github.com/Metacreation-Lab/MIDI-GPT (version 0.4.2).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from symbolic_music.errors import OptionError, UnknownNameError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.midi.published_readers import as_symusic_reads
from symbolic_music.score import METER, Array, Score, Track, note_table
from symbolic_music.tokenizers.base import NOTES_AND_TIME, Ids, Tokenizer, Vocabulary
from symbolic_music.tokenizers.public.midigpt_attributes import bar_attributes, track_attributes, usual
from symbolic_music.tokenizers.public.midigpt_bars import BarNote, GridBar, GridTrack, attributes_of, bars_of, tracks_of
from symbolic_music.tokenizers.public.midigpt_grammar import MidiGptGrammar
from symbolic_music.tokenizers.public.midigpt_layout import PRESETS, layout_of

_DEFAULT_VELOCITY = 100
_FINE = 1920


class MidiGptTokenizer(Tokenizer):
    """See the module's docstring.

    Args:
        preset: yellow, prism or expressive, whose configurations are known here.
        configuration: that of a checkpoint, as its file's header has it under `encoder_config`; the preset's when
            omitted.

    Raises:
        UnknownNameError: for an unknown preset.
        OptionError: for a configuration with tokens that are not known here.
    """

    name = "midigpt"
    presets: ClassVar[tuple[str, ...]] = tuple(PRESETS)
    tables = NOTES_AND_TIME
    fills_bars = True

    def __init__(self, preset: str = "yellow", configuration: Mapping[str, Any] | None = None) -> None:
        if preset not in PRESETS:
            raise UnknownNameError(f"midigpt has no preset {preset!r}: choose from {', '.join(PRESETS)}")
        if not (configuration is None or isinstance(configuration, Mapping)):
            raise OptionError("midigpt: a configuration is the header of a checkpoint file")
        self.preset = preset
        self.configuration = None if configuration is None else dict(configuration)
        self.layout = layout_of(PRESETS[preset] if configuration is None else configuration)
        self.vocabulary = Vocabulary((self.layout.names(),))
        self.grammar = MidiGptGrammar(self.layout)
        self.velocities = velocities(self.layout.size["VelocityLevel"])

    def to_config(self) -> dict[str, Any]:
        """Name, preset, and the configuration where one was given."""
        config = {"name": self.name, "preset": self.preset}
        return config if self.configuration is None else {**config, "configuration": self.configuration}

    def encode(self, score: Score) -> Ids:
        """Ids (n,) of all tracks and bars, with the attributes that the tracks have.

        NumBars is the number of bars where the model was trained on it, else the largest such number. A meter that the
        vocabulary has not is encoded as the nearest one; the original refuses it.

        Raises:
            RegionError: when the score has more than 100,000 bars.
        """
        score = as_symusic_reads(score)
        bars = bars_of(score)
        tracks = tracks_of(score, bars, self.layout.resolution, self.layout.shifts)
        attributes = [attributes_of(t, bars, score.ticks_per_quarter, self.layout.resolution) for t in tracks]
        return self.encode_bars(bars, tracks, attributes)

    def encode_bars(
        self,
        bars: Sequence[GridBar],
        tracks: Sequence[GridTrack],
        attributes: Sequence[Mapping[str, int]],
        to_fill: Collection[tuple[int, int]] = (),
    ) -> Ids:
        """Ids of some bars; with bars to fill they end where the first of those begins, at its FillInStart.

        Of a bar to be filled the attributes are the usual ones of the track's other bars with notes. Where bars are to
        be filled, what is written there is on the grid: UseMicrotiming is 0.

        Args:
            bars: all of them.
            tracks: with notes for each bar.
            attributes: of each track, values by kind; those that depend on other tracks are found here.
            to_fill: (track, bar) of those to be written.
        """
        layout = self.layout
        count = layout.bars.index(len(bars)) if len(bars) in layout.bars else len(layout.bars) - 1
        ids = [layout.id("PieceStart", 1 if to_fill else 0)]
        ids += [layout.id(kind, int(kind != "UseMicrotiming" or not to_fill)) for kind in layout.switches]
        ids.append(layout.id("NumBars", count))
        meters = [self._meter(bar) for bar in bars]
        for number, (track, values) in enumerate(zip(tracks, attributes, strict=True)):
            ids.append(layout.id("Track", int(track.is_drum)))
            ids.append(layout.id("Instrument", layout.instrument[track.program]))
            values = {**track_attributes(tracks, number, bars, layout.resolution), **values}
            ids += [layout.id(kind, values[kind]) for kind in layout.attributes if kind in values]
            of_bars = self._of_bars(track, bars, [place for at, place in to_fill if at == number])
            for place, (meter, notes) in enumerate(zip(meters, track.bars, strict=True)):
                ids += [layout.id("Bar"), *of_bars[place], meter]
                if (number, place) in to_fill:
                    ids.append(layout.id("FillInPlaceholder"))
                else:
                    ids += self.notes(notes, track.is_drum)
                ids.append(layout.id("BarEnd"))
            ids.append(layout.id("TrackEnd"))
        if to_fill:
            ids.append(layout.id("FillInStart"))
        return np.array(ids, np.int32)

    def _of_bars(self, track: GridTrack, bars: Sequence[GridBar], to_fill: Collection[int]) -> list[list[int]]:
        """Ids of the attributes of each bar."""
        layout = self.layout
        if not layout.bar_attributes:
            return [[] for _ in bars]
        found = [
            bar_attributes(track, notes, bar, layout.resolution) for bar, notes in zip(bars, track.bars, strict=True)
        ]
        given = [found[place] for place, notes in enumerate(track.bars) if notes and place not in to_fill]
        found = [usual(given) if place in to_fill else values for place, values in enumerate(found)]
        return [[layout.id(kind, one[kind]) for kind in layout.bar_attributes if kind in one] for one in found]

    def notes(self, notes: list[BarNote], is_drum: bool) -> list[int]:
        """Ids of the notes of a bar."""
        layout, ids, velocity = self.layout, [], -1
        groups: dict[int, list[BarNote]] = {}
        for note in notes:
            groups.setdefault(note.onset, []).append(note)
        for onset, group in groups.items():
            if onset > 0:
                ids.append(layout.id("TimeAbsolutePos", onset))
            for note in sorted(group, key=lambda one: one.pitch):
                level = level_of(note.velocity, layout.size["VelocityLevel"])
                if level > 0 and not (layout.sticky and level == velocity):
                    ids.append(layout.id("VelocityLevel", level))
                    velocity = level
                if layout.shifts and note.shift > 0:
                    ids.append(layout.id("Delta", note.shift))
                ids.append(layout.id("NoteOnset", note.pitch))
                if not is_drum:
                    ids.append(layout.id("NoteDuration", note.duration - 1))
        return ids

    def _meter(self, bar: GridBar) -> int:
        """The id of a meter; of the nearest in length, if it does not exist."""
        meters, meter = self.layout.meters, (bar.numerator, bar.denominator)
        if meter not in meters:
            meter = min(meters, key=lambda one: abs(one[0] / one[1] - bar.numerator / bar.denominator))
        return self.layout.id("TimeSig", meters.index(meter))

    def decode(self, ids: ArrayLike) -> Score:
        """The score that ids stand for, at 1,920 ticks a quarter; bars to be filled hold what follows the tracks.

        What makes no sense where it stands is passed over, as in the original.
        """
        layout = self.layout
        tokens = [self._token(token) for token in _filled(self.check(ids).tolist(), layout.first)]
        scale = _FINE // layout.resolution if _FINE % layout.resolution == 0 else 1
        quarter = layout.resolution * scale
        rows: list[tuple[int, ...]] = []
        tracks: list[Track] = []
        meters: dict[int, tuple[int, int]] = {}
        begin = length = time = level = shift = 0
        pitch, in_bar, direction = -1, False, 1
        for kind, value in tokens:
            if kind == "Track":
                tracks.append(Track("", 0, bool(value)))
                begin = length = time = level = shift = 0
                in_bar, direction = False, 1
            elif not tracks:
                continue
            elif kind == "Instrument":
                tracks[-1] = Track("", layout.programs[value], tracks[-1].is_drum)
            elif kind == "Bar":
                begin, length, time, in_bar = begin + length, 4 * quarter, 0, True
                shift, direction = 0, 1
            elif kind == "TimeSig" and in_bar:
                meters[begin] = layout.meters[value]
                length = 4 * quarter * meters[begin][0] // meters[begin][1]
            elif kind == "TrackEnd":
                in_bar = False
            elif kind == "TimeAbsolutePos":
                time, shift, direction = value, 0, 1
            elif kind == "VelocityLevel":
                level = value
            elif kind == "DeltaDirection":
                shift, direction = 0, -1
            elif kind == "Delta":
                shift += direction * value
            elif in_bar and ((kind == "NoteOnset" and tracks[-1].is_drum) or (kind == "NoteDuration" and pitch >= 0)):
                lasts = 1 if kind == "NoteOnset" else value + 1
                note, velocity = value if kind == "NoteOnset" else pitch, self.velocities[level]
                track = tracks[-1]
                channel = DRUM_CHANNEL if track.is_drum else 0
                onset = begin + max(0, int((time + shift / layout.resolution) * scale))
                rows.append((onset, lasts * scale, note, velocity, track.program, channel, len(tracks) - 1))
                shift, direction = 0, 1
            pitch = value if kind == "NoteOnset" else -1
        return Score(ticks_per_quarter=quarter, notes=_table(rows), meters=_changes(meters), tracks=tuple(tracks))

    def _token(self, token: int) -> tuple[str, int]:
        kind, _, value = self.vocabulary.fields[0][token].rpartition("_")
        return kind, int(value)


def level_of(velocity: int, levels: int) -> int:
    """The level of a velocity: 0 for silence, then levels of about equal width."""
    if velocity <= 0:
        return 0
    return min(1 + velocity * (levels - 1) // 128, levels - 1) if velocity < 127 else levels - 1


def velocities(levels: int) -> list[int]:
    """The velocity that each level stands for: the second that has it, or the only one; 100 before any level."""
    found = [_DEFAULT_VELOCITY] * levels
    for level in range(1, levels):
        own = [v for v in range(1, 128) if level_of(v, levels) == level]
        found[level] = own[min(1, len(own) - 1)] if own else 0
    return found


def _filled(ids: list[int], first: Mapping[str, int]) -> list[int]:
    """Ids with each placeholder replaced by the next of the blocks that fill bars, which are taken from the end."""
    if not all(kind in first for kind in ("FillInPlaceholder", "FillInStart", "FillInEnd")):
        return ids
    holder, start, end = first["FillInPlaceholder"], first["FillInStart"], first["FillInEnd"]
    blocks: list[list[int]] = []
    for place, token in enumerate(ids):
        if token == start:
            rest = ids[place + 1 :]
            blocks.append(rest[: rest.index(end)] if end in rest else rest)
    body = ids[: ids.index(start)] if start in ids else ids
    out: list[int] = []
    for token in body:
        if token == holder and blocks:
            out += blocks.pop(0)
        else:
            out.append(token)
    return out


def _table(rows: list[tuple[int, ...]]) -> Array:
    table = note_table(rows)
    return table[np.lexsort((table["track"], table["onset"]))]


def _changes(meters: Mapping[int, tuple[int, int]]) -> Array:
    """The meters where they change, as a table."""
    rows, last = [], None
    for time in sorted(meters):
        if meters[time] != last:
            rows.append((time, *meters[time]))
            last = meters[time]
    return np.array(rows, METER)
