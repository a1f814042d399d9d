"""Columns of MIDI files of which symusic's tracks alone do not tell enough: each gets the channel that it plays.

So that no controller of a channel is lost, each channel of each track has signs, under program 0 and under the program
that is in force at its end; so that notes that never end are found, all are ended, twice.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import symusic
from numpy.typing import NDArray

from symbolic_music.io.midi.chunks import Layout, layout
from symbolic_music.io.midi.reading.drum_parts import DrumParts, drum_parts, may_assign, may_select
from symbolic_music.io.midi.reading.event_table import event_table
from symbolic_music.io.midi.reading.events import Events
from symbolic_music.io.midi.sounding.columns import Sounding, first_meter, stacked
from symbolic_music.io.midi.strict_reader import FAR, Closed, closed, has_ports
from symbolic_music.io.midi.symusic_bridge import tempos_of
from symbolic_music.io.midi.tolerant_reader import HANGING_SECONDS
from symbolic_music.score import Score

Ints = NDArray[np.int64]


def by_channel(data: bytes) -> Sounding | None:
    """The columns of the bytes of a MIDI file; None where symusic refuses it or something stays unsure."""
    whole = None if has_ports(data) else closed(data, "programs")
    drums = _drum_parts(data)
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
        voice = track[:real] << 7 | pitch
        ends = _ends(onset, duration, voice, hanging, Score(source.ticks_per_quarter, tempos=tempos[~far]))
        if ends is None or not _are_parts(whole, group[np.unique(track[:real][hanging])].tolist()):
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
    if whole.between and int((tempos["time"][far].astype(np.int64) - FAR).max()) > end:
        return None  # the same, of a program that is not the last
    return Sounding(source.ticks_per_quarter, onset, duration, pitch, is_drum, end, meter)


def _drum_parts(data: bytes) -> DrumParts | None:
    """The channels that exclusive messages make drums; None where a bank may make a channel drums."""
    if not may_assign(data):
        return DrumParts()
    found = layout(data, Counter())
    tables = []
    for extent in found.tracks:
        body = data[extent.start : extent.stop]
        table = event_table(body) if may_assign(body) else None
        if table is None and may_assign(body):
            return None
        tables.append(Events(table=table))
    drums = drum_parts(data, Layout(found.format, found.division, found.tracks), tables)
    return None if drums.banks and may_select(data, drums.banks) else drums


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
