"""Columns of MIDI files for which symusic's tracks alone do not suffice: each gets the channel that it plays.

So that no controller of a channel is lost, each channel of each track has signs, under program 0 and under the program
that is in force at its end; so that notes that never end are found, all are ended, twice.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import cached_property
from typing import Any

import numpy as np
import symusic
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.midi.chunks import Layout, layout
from symbolic_music.io.midi.reading.drum_parts import DrumParts, drum_parts, may_assign, may_select
from symbolic_music.io.midi.reading.event_table import EventTable, event_table
from symbolic_music.io.midi.reading.track_contents import Events
from symbolic_music.io.midi.sounding.columns import Sounding, first_meter, stacked
from symbolic_music.io.midi.strict_reader import FAR, Closed, closed, has_ports
from symbolic_music.io.midi.symusic_bridge import tempos_of
from symbolic_music.io.midi.tolerant_reader import HANGING_SECONDS
from symbolic_music.score import Score

Ints = NDArray[np.int64]
_CONTROL = 0xB


def by_channel(data: bytes) -> Sounding | None:
    """The columns of the bytes of a MIDI file; None where symusic refuses it or something stays unsure."""
    if data[:4] != b"MThd" or len(data) < 14:
        return None
    file = _Tracks(data)
    whole = closed(file.trimmed(), "programs")
    drums = file.drum_parts() if may_assign(data) else DrumParts()
    if whole is None or drums is None:
        return None
    try:
        source: Any = symusic.Score.from_midi(whole.data)
        tracks = [(track.notes.numpy(), track.controls) for track in source.tracks]
        meter, tempos = first_meter(source.time_signatures), tempos_of(source)
    except Exception:  # symusic raises RuntimeError and others from C++; the other reader says what is wrong
        return None
    far = tempos["time"] >= FAR
    if meter is None or int(far.sum()) != int.from_bytes(data[10:12], "big"):
        return None  # a track that ended early
    # The tracks of a channel come by program, so that of program 0, with the sign of pitch 0, is the first.
    firsts = [bool(((own["time"] >= FAR) & (own["pitch"] == 0)).any()) for own, _ in tracks]
    group = np.cumsum(firsts) - 1
    if sum(firsts) != len(whole.signs) or (len(group) and group[0] < 0):
        return None
    channels = [whole.signs[at][1] for at in group.tolist()]
    onset, duration, pitch, track = stacked([own for own, _ in tracks])
    is_drum = np.array([drums.plays(channel, 0) for channel in channels], bool)[track]
    real = int(np.searchsorted(onset, FAR))
    if len(onset) - real != 2 * len(whole.signs):
        return None
    onset, duration, pitch, is_drum = onset[:real], duration[:real], pitch[:real], is_drum[:real]
    hanging = onset + duration >= FAR
    if hanging.any():
        times = Score(source.ticks_per_quarter, tempos=tempos[~far])
        ends = _ends(onset, duration, track[:real] << 7 | pitch, hanging, times)
        of_channel = _ends(onset, duration, group[track[:real]] << 7 | pitch, hanging, times)
        if ends is None or of_channel is None:
            return None
        # Where all notes of a channel give the same, it does not matter to which parts these belong.
        wanted = group[np.unique(track[:real][hanging])].tolist()
        if not np.array_equal(ends, of_channel) and not _are_parts(whole, wanted):
            return None
        duration = ends - onset
    end = int((onset + duration).max(initial=0))
    playing = [bool((own["time"] < FAR).any()) for own, _ in tracks]
    players = {channel for channel, plays in zip(channels, playing, strict=True) if plays}
    silent = 0
    for channel, plays, (_, controls) in zip(channels, playing, tracks, strict=True):
        if len(controls) and plays:
            end = max(end, int(controls[-1].time))
        elif len(controls) and channel in players:
            silent = max(silent, int(controls[-1].time))
    if silent > end:
        return None  # a last controller of a program or track without notes
    if any(file.last_control(number) > end for number in whole.between):
        return None  # the same, of a program that is not the last
    return Sounding(source.ticks_per_quarter, onset, duration, pitch, is_drum, end, meter)


class _Tracks:
    """The tracks of a file as tables of events, each made when it is asked for."""

    def __init__(self, data: bytes) -> None:
        self._data, self._known = data, dict[int, EventTable | None]()

    @cached_property
    def layout(self) -> Layout:
        """Where they are."""
        return layout(self._data, Counter())

    def trimmed(self) -> bytes:
        """The file without what follows the tracks of the header, where that is left out."""
        tracks = self.layout.tracks
        declared = int.from_bytes(self._data[10:12], "big")
        return self._data[: tracks[-1].stop] if tracks and len(tracks) == declared else self._data

    def body(self, number: int) -> bytes:
        """The bytes of one."""
        extent = self.layout.tracks[number]
        return self._data[extent.start : extent.stop]

    def table(self, number: int) -> EventTable | None:
        """Its events; None where it is damaged."""
        if number not in self._known:
            self._known[number] = event_table(self.body(number))
        return self._known[number]

    def last_control(self, number: int) -> float:
        """The tick of its last controller; infinite where it is damaged."""
        table = self.table(number)
        if table is None:
            return math.inf
        return int(table.tick[table.status >> 4 == _CONTROL].max(initial=0))

    def drum_parts(self) -> DrumParts | None:
        """The channels that exclusive messages make drums; None where banks do so, or ports may."""
        numbers = range(len(self.layout.tracks))
        saying = [number for number in numbers if may_assign(self.body(number))]
        if has_ports(self._data) or any(self.table(number) is None for number in saying):
            return None
        events = [Events(table=self.table(number) if number in saying else None) for number in numbers]
        drums = drum_parts(self._data, self.layout, events)
        selects = any(may_select(self.body(n), drums.banks) and self._selects(n, drums) for n in numbers if drums.banks)
        return None if selects else drums

    def _selects(self, number: int, drums: DrumParts) -> bool:
        table = self.table(number)
        if table is None:
            return True
        bank = (table.status >> 4 == _CONTROL) & (table.status & 15 != DRUM_CHANNEL) & (table.first == 0)
        return bool(np.isin(table.second[bank], [*drums.banks]).any())


def _are_parts(whole: Closed, groups: list[int]) -> bool:
    """Whether symusic's tracks of these (track, channel) are parts: their programs change once, and nowhere else."""
    wanted = {whole.signs[at] for at in groups}
    return all(whole.changing[one] < 2 for one in wanted) and not any(
        channel == own and track != other for track, channel in wanted for other, own in whole.changing
    )


def _ends(onset: Ints, duration: Ints, voice: Ints, hanging: NDArray[np.bool_], times: Score) -> Ints | None:
    """Ends of all notes, of those that hang as `tolerant_reader.ended` has them; None where that is unsure."""
    at_once = np.flatnonzero(np.diff(times.tempos["time"]) == 0)
    if (times.tempos[at_once] != times.tempos[at_once + 1]).any():
        return None  # the last should count, and symusic does not keep their order
    ends = onset + duration
    closed_at = np.rint(times.ticks(times.seconds(onset[hanging]) + HANGING_SECONDS)).astype(np.int64)
    ends[hanging] = np.maximum(closed_at, onset[hanging] + 1)
    if len(np.unique(voice[hanging])) < int(hanging.sum()) or int(ends.max()) >= FAR:
        return None  # of a pitch with two there may be a third
    for place in np.flatnonzero(hanging).tolist():
        older = (voice == voice[place]) & (onset <= onset[place])
        ends[place] = ends[older].max()
    return ends
