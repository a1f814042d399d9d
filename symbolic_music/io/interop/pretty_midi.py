"""Objects of pretty_midi, to and from Score."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

import numpy as np

from symbolic_music.errors import MissingExtraError, ScoreError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.midi.writer import midi_bytes
from symbolic_music.score import BEND, CONTROL, KEY, METER, NOTE, TEMPO, Array, Score, Text, Track, joined


def to_pretty_midi(score: Score) -> Any:
    """A `pretty_midi.PrettyMIDI`: an instrument a track, times in seconds, the tempo map kept.

    Markers, which pretty_midi has not, are left out; lyrics become those of the whole score.

    Raises:
        MissingExtraError: without pretty_midi.

    Examples:
        >>> sum(len(instrument.notes) for instrument in sm.io.to_pretty_midi(song).instruments)
        546
    """
    try:
        import pretty_midi
    except ImportError:
        raise MissingExtraError("pretty_midi", "interchange") from None
    maps = score.replace(notes=score.notes[:0], controls=score.controls[:0], bends=score.bends[:0], tracks=(), texts=())
    target: Any = pretty_midi.PrettyMIDI(BytesIO(midi_bytes(maps)))
    onsets, offsets = score.onset_seconds, score.offset_seconds
    control_times, bend_times = score.seconds(score.controls["time"]), score.seconds(score.bends["time"])
    for index, track in enumerate(score.tracks):
        part: Any = pretty_midi.Instrument(track.program, track.is_drum, track.name)
        for i in np.flatnonzero(score.notes["track"] == index):
            note = score.notes[i]
            part.notes.append(
                pretty_midi.Note(int(note["velocity"]), int(note["pitch"]), float(onsets[i]), float(offsets[i]))
            )
        for i in np.flatnonzero(score.controls["track"] == index):
            event = score.controls[i]
            part.control_changes.append(
                pretty_midi.ControlChange(int(event["number"]), int(event["value"]), float(control_times[i]))
            )
        for i in np.flatnonzero(score.bends["track"] == index):
            part.pitch_bends.append(pretty_midi.PitchBend(int(score.bends[i]["value"]), float(bend_times[i])))
        target.instruments.append(part)
    target.lyrics = [
        pretty_midi.Lyric(text.text, float(score.seconds(text.time))) for text in score.texts if text.kind == "lyric"
    ]
    return target


def from_pretty_midi(source: Any) -> Score:
    """A Score from a `pretty_midi.PrettyMIDI`: a track an instrument, times rounded to its ticks.

    What begins before 0 begins at 0. ScoreError for times that are not finite and values that MIDI has not.

    Examples:
        >>> import pretty_midi
        >>> len(sm.io.from_pretty_midi(pretty_midi.PrettyMIDI("song.mid")).notes)
        546
    """
    times, tempos = source.get_tempo_changes()
    maps = Score(
        ticks_per_quarter=source.resolution,
        tempos=_rows(
            [(source.time_to_tick(t), round(60e6 / bpm)) for t, bpm in zip(times, tempos, strict=True)], TEMPO
        ),
    )

    def ticks(seconds: list[float]) -> Array:
        times = np.array(seconds, np.float64)
        if not np.isfinite(times).all():
            raise ScoreError("a time is not finite")
        return np.maximum(np.rint(maps.ticks(times)), 0).astype(np.int64)

    notes: list[Array] = []
    controls: list[Array] = []
    bends: list[Array] = []
    tracks: list[Track] = []
    for index, part in enumerate(source.instruments):
        drum = bool(part.is_drum)
        tracks.append(Track(part.name, part.program, drum))
        table = np.zeros(len(part.notes), NOTE)
        table["onset"] = ticks([n.start for n in part.notes])
        table["duration"] = np.maximum(ticks([n.end for n in part.notes]) - table["onset"], 0)
        table["pitch"], table["velocity"] = _bytes(n.pitch for n in part.notes), _bytes(n.velocity for n in part.notes)
        table["program"], table["channel"], table["track"] = part.program, DRUM_CHANNEL if drum else 0, index
        notes.append(table)
        table = np.zeros(len(part.control_changes), CONTROL)
        table["time"] = ticks([c.time for c in part.control_changes])
        table["number"] = _bytes(c.number for c in part.control_changes)
        table["value"] = _bytes(c.value for c in part.control_changes)
        table["track"] = index
        controls.append(table)
        table = np.zeros(len(part.pitch_bends), BEND)
        table["time"], table["value"] = ticks([b.time for b in part.pitch_bends]), [b.pitch for b in part.pitch_bends]
        table["track"] = index
        bends.append(table)
    at = ticks([m.time for m in source.time_signature_changes]).tolist()
    keys_at = ticks([k.time for k in source.key_signature_changes]).tolist()
    return maps.replace(
        notes=joined(notes, NOTE),
        controls=joined(controls, CONTROL),
        bends=joined(bends, BEND),
        meters=_rows(
            [(t, m.numerator, m.denominator) for t, m in zip(at, source.time_signature_changes, strict=True)], METER
        ),
        keys=_rows(
            [(t, *_signature(k.key_number)) for t, k in zip(keys_at, source.key_signature_changes, strict=True)], KEY
        ),
        tracks=tuple(tracks),
        texts=tuple(Text(int(ticks([lyric.time])[0]), lyric.text, "lyric") for lyric in source.lyrics),
    )


def _bytes(values: Iterable[int]) -> Array:
    column = np.array(list(values), np.int64)
    if len(column) and not 0 <= column.min() <= column.max() <= 127:
        raise ScoreError(f"MIDI has values from 0 to 127, not {column.min()} to {column.max()}")
    return column


def _signature(key: int) -> tuple[int, int]:
    """Sharps and mode of pretty_midi's key number (0-11: C to B major, 12-23: c to b minor)."""
    minor = key >= 12
    tonic = (key + 3) % 12 if minor else key  # of the relative major
    sharps = tonic * 7 % 12
    return (sharps if sharps <= 6 else sharps - 12), int(minor)


def _rows(rows: list[tuple[int, ...]], dtype: np.dtype[Any]) -> Array:
    return np.array(rows, dtype)
