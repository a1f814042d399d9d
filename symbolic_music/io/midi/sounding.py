"""When which pitches sound in a MIDI file, for statistics of many files: a sixth of the time of reading a Score.

Most files are read by symusic, and only what is counted is taken from it. symusic drops notes that never end and tracks
without notes, so each track gets ends and signs first, as `strict_reader` does it; where they show that something is
missing, the file is read as a Score.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import symusic
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.midi.limits import check_memory
from symbolic_music.io.midi.reader import parse_midi, parsed_file
from symbolic_music.io.midi.reading.drum_parts import may_assign
from symbolic_music.io.midi.strict_reader import FAR, closed
from symbolic_music.score import Score


@dataclass(frozen=True)
class Sounding:
    """The notes of a piece as columns, in order of onset, each of shape (notes,); all times are ticks.

    Attributes:
        end: of the last note or controller.
        meter: numerator and denominator of the first time signature; 4/4 where there is none.
    """

    ticks_per_quarter: int
    onset: NDArray[np.int64]
    duration: NDArray[np.int64]
    pitch: NDArray[np.int64]
    is_drum: NDArray[np.bool_]
    end: int
    meter: tuple[int, int]


def sounding(score: Score) -> Sounding:
    """The columns of a score.

    Examples:
        >>> from symbolic_music.io.midi.sounding import sounding
        >>> sounding(song).meter
        (4, 4)
    """
    notes, meters = score.notes, score.meters
    return Sounding(
        score.ticks_per_quarter,
        notes["onset"].astype(np.int64),
        notes["duration"].astype(np.int64),
        notes["pitch"].astype(np.int64),
        notes["channel"] == DRUM_CHANNEL,
        max(score.end, int(score.controls["time"][-1]) if len(score.controls) else 0),
        (int(meters["numerator"][0]), int(meters["denominator"][0])) if len(meters) else (4, 4),
    )


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
    found = _by_symusic(data)
    return sounding(parse_midi(data)) if found is None else found


def _by_symusic(data: bytes) -> Sounding | None:
    """None where symusic refuses the file or leaves something out."""
    whole = None if may_assign(data) else closed(data, signs_of_players=False)
    if whole is None:
        return None
    try:
        source: Any = symusic.Score.from_midi(whole.data)
        tracks = [(track.is_drum, track.notes.numpy(), track.controls) for track in source.tracks]
        meter = _first_meter(source.time_signatures)
    except Exception:  # symusic raises RuntimeError and others from C++; the other reader says what is wrong
        return None
    lengths = source.tempos.numpy()["time"].astype(np.int64) - FAR  # of the tracks: the signs stand so far after
    lengths = lengths[lengths >= 0]
    if meter is None or len(lengths) != int.from_bytes(data[10:12], "big"):
        return None  # a track that ended early
    notes = [columns for _, columns, _ in tracks] or [dict.fromkeys(("time", "duration", "pitch"), np.zeros(0, int))]
    onset, duration, pitch = (
        np.concatenate([columns[name] for columns in notes], dtype=np.int64) for name in ("time", "duration", "pitch")
    )
    is_drum = np.repeat([drums for drums, *_ in tracks], [len(columns["time"]) for _, columns, _ in tracks])
    order = np.argsort(onset, kind="stable")
    onset = onset[order]
    real = int(np.searchsorted(onset, FAR))
    if len(onset) - real != len(whole.signs):
        return None
    onset, order = onset[:real], order[:real]
    duration, pitch, is_drum = duration[order], pitch[order], is_drum[order]
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
    return Sounding(source.ticks_per_quarter, onset, duration, pitch, is_drum.astype(bool), end, meter)


def _first_meter(signatures: Any) -> tuple[int, int] | None:
    """The first of these; None where others, which differ, begin with it."""
    if not len(signatures):
        return 4, 4
    table = signatures.numpy()
    first = table["time"] == table["time"][0]
    found = {*zip(table["numerator"][first].tolist(), table["denominator"][first].tolist(), strict=True)}
    # The last of several counts, and symusic does not keep their order.
    return found.pop() if len(found) == 1 else None
