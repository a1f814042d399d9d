"""Fold the sustain pedal into the lengths of notes, by the rules that Performance RNN's data was made with."""

from __future__ import annotations

import numpy as np

from symbolic_music.score import DRUM_CHANNEL, Array, Score

_DOWN, _UP, _ON, _OFF = range(4)
SUSTAIN = 64


def sustained(score: Score) -> Array:
    """The note table with each note held while its track's pedal (controller 64, down from 64 on) is.

    A held note ends when the pedal is released or its pitch is struck again; of two notes of one pitch that
    start together under the pedal one is kept. At one time pedal down comes first, then pedal up, note on, note
    off. Notes still held at the end last to the last event. Drums are left alone.
    """
    pedal = score.controls[score.controls["number"] == SUSTAIN]
    if not len(pedal):
        return score.notes
    notes = score.notes.copy()
    ends = notes["onset"].astype(np.int64) + notes["duration"]
    index = np.flatnonzero(notes["channel"] != DRUM_CHANNEL)
    times = np.concatenate([pedal["time"], notes["onset"][index], ends[index]])
    kinds = np.concatenate(
        [np.where(pedal["value"] >= 64, _DOWN, _UP), np.full(len(index), _ON), np.full(len(index), _OFF)]
    )
    which = np.concatenate([np.full(len(pedal), -1), index, index])
    tracks = np.concatenate([pedal["track"], notes["track"][index], notes["track"][index]])
    order = np.lexsort((kinds, times))
    new_end, pitch, start = ends.tolist(), notes["pitch"].tolist(), notes["onset"].tolist()
    down = [False] * (len(score.tracks) + 1)
    active: list[dict[int, None]] = [{} for _ in down]
    dropped: list[int] = []
    time = 0
    for time, kind, note, track in zip(
        times[order].tolist(), kinds[order].tolist(), which[order].tolist(), tracks[order].tolist(), strict=True
    ):
        sounding = active[track]
        if kind == _DOWN:
            down[track] = True
        elif kind == _UP:
            down[track] = False
            for held in [n for n in sounding if new_end[n] < time]:
                new_end[held] = time
                del sounding[held]
        elif kind == _ON:
            if down[track]:
                for held in [n for n in sounding if pitch[n] == pitch[note]]:
                    new_end[held] = time
                    if start[held] == time:
                        dropped.append(held)
                    del sounding[held]
            sounding[note] = None
        elif not down[track]:
            sounding.pop(note, None)
    for sounding in active:
        for held in sounding:
            new_end[held] = time
    notes["duration"] = np.array(new_end, np.int64) - notes["onset"]
    return np.delete(notes, dropped)
