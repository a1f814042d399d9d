"""A score as plain numbers for the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from symbolic_music.edits import estimated_chords
from symbolic_music.general_midi import DRUM_INSTRUMENT, DRUMS, instrument_name
from symbolic_music.score import Array, Score, track_title
from symbolic_music.theory import SCALES, key_number, likely_key, numbered_key
from symbolic_music.theory import key_name as name_of_key

_PEDAL, _VOLUME, _PAN = 64, 7, 10


def described(score: Score) -> dict[str, Any]:
    """The description of a score for the page: note columns, tracks, bar lines, maps, pedal, markers, chords, key."""
    lines = score.bars(max(score.end, 1))
    return {
        "ticks_per_quarter": score.ticks_per_quarter,
        "end": score.end,
        "seconds": round(score.duration, 3),
        "bars": [*lines.tolist(), _after(score, lines)],
        "notes": columns(score.notes),
        "tracks": [_track(score, number) for number in range(len(score.tracks))],
        "tempos": _tempos(score),
        "meters": [list(map(int, row)) for row in score.meters.tolist()],
        "keys": [list(map(int, row)) for row in score.keys.tolist()],
        "pedal": _pedal(score),
        "markers": [[text.time, text.text] for text in score.texts if text.kind == "marker"],
        "chords": [list(one) for one in estimated_chords(score)] if len(score) else [],
        "key": key_name(score),
        "drums": {str(pitch): name for pitch, name in DRUMS.items()},
    }


def columns(notes: Array) -> dict[str, list[int]]:
    """Columns of a note table as lists."""
    return {name: notes[name].tolist() for name in ("onset", "duration", "pitch", "velocity", "track")}


def key_name(score: Score) -> str | None:
    """The key as `Limits.scale` takes it, "D minor"; None without pitched notes.

    It is the likeliest by the notes, or the one that the file writes, where the notes keep to its scale as well: many
    files say C major and mean nothing by it.
    """
    likely = likely_key(score) if len(score) else None
    written = _written_key(score)
    if likely is None:
        return None
    key = likely if written is None or _in_scale(score, written) < _in_scale(score, likely) else written
    return name_of_key(*numbered_key(key))


def _written_key(score: Score) -> int | None:
    """The key that the file writes at its beginning, as `likely_key` numbers them."""
    first = score.keys[score.keys["time"] <= 0]
    if not len(first):
        return None
    return key_number(int(first["sharps"][-1]), bool(first["minor"][-1]))


def _in_scale(score: Score, key: int) -> int:
    """How long pitched notes of a key's scale sound, in ticks."""
    notes = score.notes[score.instruments != DRUM_INSTRUMENT]
    scale = SCALES["major" if key < 12 else "minor"]
    return int(notes["duration"][np.isin((notes["pitch"] - key) % 12, scale)].sum())


def _track(score: Score, number: int) -> dict[str, Any]:
    track = score.tracks[number]
    own = score.notes["track"] == number
    pitches = score.notes["pitch"][own]
    instrument = DRUM_INSTRUMENT if track.is_drum else track.program
    if len(pitches):
        instrument = int(score.instruments[own][0])
    return {
        "number": number,
        "name": track.name,
        "title": track_title(score, number),
        "instrument": instrument,
        "instrument_name": instrument_name(instrument),
        "is_drum": instrument == DRUM_INSTRUMENT,
        "notes": int(own.sum()),
        "lowest": int(pitches.min()) if len(pitches) else None,
        "highest": int(pitches.max()) if len(pitches) else None,
        "volume": _first(score, number, _VOLUME, 100),
        "pan": _first(score, number, _PAN, 64),
    }


def _first(score: Score, track: int, number: int, default: int) -> int:
    own = score.controls[(score.controls["track"] == track) & (score.controls["number"] == number)]
    return int(own["value"][0]) if len(own) else default


def _tempos(score: Score) -> list[list[float]]:
    """(tick, microseconds a quarter, seconds) with one at tick 0."""
    times, values = score.tempos["time"].astype(np.int64), score.tempos["microseconds"].astype(np.int64)
    if not len(times) or times[0] > 0:
        times, values = np.append(0, times), np.append(500_000, values)
    last = np.append(times[1:] != times[:-1], True)
    at = score.seconds(times[last])
    return [[int(t), int(v), float(s)] for t, v, s in zip(times[last], values[last], at, strict=True)]


def _pedal(score: Score) -> list[list[int]]:
    """(track, first tick, last tick) where a sustain pedal is down."""
    out: list[list[int]] = []
    own = score.controls[score.controls["number"] == _PEDAL]
    for track in np.unique(own["track"]).tolist():
        down: int | None = None
        for row in own[own["track"] == track]:
            if row["value"] >= 64 and down is None:
                down = int(row["time"])
            elif row["value"] < 64 and down is not None:
                out.append([track, down, int(row["time"])])
                down = None
        if down is not None:
            out.append([track, down, score.end])
    return out


def _after(score: Score, lines: Array) -> int:
    """The tick at which the last bar ends."""
    begun = int(lines[-1]) if len(lines) else 0
    before = score.meters[score.meters["time"] <= begun]
    upper, lower = (int(before[-1]["numerator"]), int(before[-1]["denominator"])) if len(before) else (4, 4)
    return max(begun + 1, round(begun + 4 * upper / max(1, lower) * score.ticks_per_quarter))
