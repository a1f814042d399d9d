"""Convert between symusic's scores and ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import symusic

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import BEND, CONTROL, KEY, METER, NOTE, TEMPO, Array, Score, Text, Track, joined


def from_symusic(source: Any) -> Score:
    """A Score from a `symusic.Score`. Channels are not kept by symusic: drums get 9, others 0.

    Scores in seconds or quarters are converted to ticks first, as symusic does it. ScoreError for impossible values.

    Examples:
        >>> import symusic
        >>> len(sm.io.from_symusic(symusic.Score("song.mid")).notes)
        546
    """
    return Score(**fields_of(source if source.ttype == "tick" else source.to("tick")))


def fields_of(source: Any) -> dict[str, Any]:
    """The arguments of Score for a `symusic.Score` in ticks."""
    notes: list[Array] = []
    controls: list[Array] = []
    bends: list[Array] = []
    tracks: list[Track] = []
    texts = [Text(m.time, m.text) for m in source.markers]
    for index, track in enumerate(source.tracks):
        tracks.append(Track(track.name, track.program, track.is_drum))
        columns = track.notes.numpy()
        table = np.zeros(len(columns["time"]), NOTE)
        table["onset"], table["duration"] = columns["time"], columns["duration"]
        table["pitch"], table["velocity"] = columns["pitch"], columns["velocity"]
        table["program"], table["track"] = track.program, index
        table["channel"] = DRUM_CHANNEL if track.is_drum else 0
        notes.append(table)
        if len(track.controls):
            controls.append(_table(track.controls, CONTROL, index, time="time", number="number", value="value"))
        if len(track.pitch_bends):
            bends.append(_table(track.pitch_bends, BEND, index, time="time", value="value"))
        texts += [Text(m.time, m.text, "lyric", index) for m in track.lyrics]
    return {
        "ticks_per_quarter": source.ticks_per_quarter,
        "notes": joined(notes, NOTE),
        "tempos": tempos_of(source),
        "meters": _table(source.time_signatures, METER, None, time="time", numerator="numerator",
                         denominator="denominator"),
        "keys": _table(source.key_signatures, KEY, None, time="time", sharps="key", minor="tonality"),
        "controls": joined(controls, CONTROL),
        "bends": joined(bends, BEND),
        "tracks": tuple(tracks),
        "texts": tuple(texts),
    }  # fmt: skip


def tempos_of(source: Any) -> Array:
    """The tempos of a `symusic.Score` in ticks."""
    return _table(source.tempos, TEMPO, None, time="time", microseconds="mspq")


def _table(events: Any, dtype: np.dtype[Any], track: int | None, **columns: str) -> Array:
    source = events.numpy()
    table = np.zeros(len(events), dtype)
    for ours, theirs in columns.items():
        table[ours] = source[theirs]
    if track is not None:
        table["track"] = track
    return table


def to_symusic(score: Score) -> Any:
    """A `symusic.Score` in ticks, one symusic track a track.

    Examples:
        >>> sm.io.to_symusic(song).note_num()
        546
    """
    target: Any = symusic.Score(score.ticks_per_quarter)
    column = np.array  # symusic takes writable, contiguous arrays only
    target.tempos = symusic.Tempo.from_numpy(column(score.tempos["time"]), column(score.tempos["microseconds"]))
    target.time_signatures = symusic.TimeSignature.from_numpy(
        column(score.meters["time"]), column(score.meters["numerator"]), column(score.meters["denominator"])
    )
    target.key_signatures = symusic.KeySignature.from_numpy(
        column(score.keys["time"]), column(score.keys["sharps"]), column(score.keys["minor"])
    )
    for text in score.texts:
        if text.track is None:
            target.markers.append(symusic.TextMeta(text.time, text.text))
    for index, track in enumerate(score.tracks):
        part: Any = symusic.Track(track.name, track.program, track.is_drum)
        own = score.notes[score.notes["track"] == index]
        part.notes = symusic.Note.from_numpy(
            column(own["onset"]), column(own["duration"]),
            column(own["pitch"].astype(np.int8)), column(own["velocity"].astype(np.int8)),
        )  # fmt: skip
        own = score.controls[score.controls["track"] == index]
        part.controls = symusic.ControlChange.from_numpy(
            column(own["time"]), column(own["number"]), column(own["value"])
        )
        own = score.bends[score.bends["track"] == index]
        part.pitch_bends = symusic.PitchBend.from_numpy(column(own["time"]), column(own["value"].astype(np.int32)))
        for text in score.texts:
            if text.track == index:
                part.lyrics.append(symusic.TextMeta(text.time, text.text))
        target.tracks.append(part)
    return target
