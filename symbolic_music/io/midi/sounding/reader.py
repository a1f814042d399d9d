"""When which pitches sound in a MIDI file, for statistics of many files: a sixth of the time of reading a Score.

Most files are read by symusic, and only what is counted is taken from it. symusic drops notes that never end and tracks
without notes, so each track gets ends and signs first, as `strict_reader` does it; where they show that something is
missing, the file is read again with more signs (`by_channel`), and where these do not suffice, as a Score.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import symusic

from symbolic_music.io.midi.limits import check_memory
from symbolic_music.io.midi.reader import parse_midi, parsed_file
from symbolic_music.io.midi.reading.drum_parts import may_assign
from symbolic_music.io.midi.sounding.by_channel import by_channel
from symbolic_music.io.midi.sounding.columns import Sounding, first_meter, sounding, stacked
from symbolic_music.io.midi.strict_reader import FAR, closed


def read_sounding(path: str | Path) -> Sounding:
    """The columns of a MIDI file, the same as those of its Score.

    Raises:
        FileError: when the file cannot be opened.
        MidiError: when it is not MIDI.

    Examples:
        >>> from symbolic_music.io.midi.sounding import read_sounding
        >>> len(read_sounding("song.mid").pitch)
        546
    """
    return parsed_file(path, parse_sounding)


def parse_sounding(data: bytes) -> Sounding:
    """The columns of the bytes of a MIDI file. MidiError when they are not MIDI, or could take too much memory."""
    check_memory(data)
    found = _by_symusic(data) or by_channel(data)
    return sounding(parse_midi(data)) if found is None else found


def _by_symusic(data: bytes) -> Sounding | None:
    """None where symusic refuses the file or leaves something out."""
    whole = None if may_assign(data) else closed(data, "silent")
    if whole is None:
        return None
    try:
        source: Any = symusic.Score.from_midi(whole.data)
        tracks = [(track.is_drum, track.notes.numpy(), track.controls) for track in source.tracks]
        meter = first_meter(source.time_signatures)
    except Exception:  # symusic raises RuntimeError and others from C++; the other reader says what is wrong
        return None
    lengths = source.tempos.numpy()["time"].astype(np.int64) - FAR  # of the tracks: the signs stand so far after
    lengths = lengths[lengths >= 0]
    if meter is None or len(lengths) != int.from_bytes(data[10:12], "big"):
        return None  # a track that ended early
    onset, duration, pitch, track = stacked([columns for _, columns, _ in tracks])
    real = int(np.searchsorted(onset, FAR))
    if len(onset) - real != len(whole.signs):
        return None
    onset, duration, pitch = onset[:real], duration[:real], pitch[:real]
    is_drum = np.array([drums for drums, *_ in tracks], bool)[track[:real]]
    end = int((onset + duration).max(initial=0))
    if end >= FAR:
        return None  # a note that never ended
    silent = 0
    alone = iter(whole.signs)  # symusic has tracks in the order of these, each with the sign as its only note
    for _, columns, events in tracks:
        plays = len(columns["time"]) > 0 and int(columns["time"][0]) < FAR
        counts = plays or not len(columns["time"]) or next(alone)[1] in whole.players
        if len(events) and counts:
            end, silent = (
                (max(end, int(events[-1].time)), silent) if plays else (end, max(silent, int(events[-1].time)))
            )
    if silent > end or (whole.late and int(lengths.max(initial=0)) > end):
        return None  # a last controller that belongs to no notes of its track and program: to others, or to none
    return Sounding(source.ticks_per_quarter, onset, duration, pitch, is_drum, end, meter)
