"""The rules of performance events told one event after another, to compare the vectorised code with."""

from __future__ import annotations

import numpy as np

from symbolic_music.score import TEMPO, Array, Score, Track, note_table
from symbolic_music.tokenizers.performance.vocabulary import Layout

SUSTAIN = 64
DRUMS = 9


def sustained(score: Score) -> Array:
    """As note-seq's apply_sustain_control_changes."""
    sounding: dict[int, list[int]] = {}
    down: dict[int, bool] = {}
    notes = score.notes.copy()
    ends = (notes["onset"].astype(np.int64) + notes["duration"]).tolist()
    events = [
        (time, 0 if value >= 64 else 1, -1, track)
        for time, number, value, track in score.controls.tolist()
        if number == SUSTAIN
    ]
    for i, note in enumerate(notes):
        if note["channel"] != DRUMS:
            events.append((int(note["onset"]), 2, i, int(note["track"])))
            events.append((ends[i], 3, i, int(note["track"])))
    dropped = []
    time = 0
    for time, kind, i, track in sorted(events, key=lambda event: event[:2]):
        open_notes = sounding.setdefault(track, [])
        if kind == 0:
            down[track] = True
        elif kind == 1:
            down[track] = False
            for other in [o for o in open_notes if ends[o] < time]:
                ends[other] = time
                open_notes.remove(other)
        elif kind == 2:
            if down.get(track):
                for other in [o for o in open_notes if notes["pitch"][o] == notes["pitch"][i]]:
                    ends[other] = time
                    open_notes.remove(other)
                    if notes["onset"][other] == time:
                        dropped.append(other)
            open_notes.append(i)
        elif not down.get(track) and i in open_notes:
            open_notes.remove(i)
    for other in [o for open_notes in sounding.values() for o in open_notes]:
        ends[other] = time
    notes["duration"] = np.array(ends, np.int64) - notes["onset"]
    return np.delete(notes, dropped)


def encode(score: Score, at: Layout) -> list[int]:
    """As note-seq's quantize_note_sequence_absolute and Performance."""
    notes = []
    for note in sustained(score):
        start, end = score.seconds([int(note["onset"]), int(note["onset"]) + int(note["duration"])])
        step, end_step = int(start * 100 + 0.5), int(end * 100 + 0.5)
        if at.low <= note["pitch"] <= at.high and note["velocity"]:
            row = (start, int(note["pitch"]), step, max(end_step, step + 1), (int(note["velocity"]) - 1) // 4)
            notes.append(row)
    notes.sort(key=lambda note: note[:2])
    events = [(note[2], i, False) for i, note in enumerate(notes)] + [
        (note[3], i, True) for i, note in enumerate(notes)
    ]
    ids, now, loud = [], 0, -1
    for step, i, is_off in sorted(events):
        while step > now:
            shift = min(step - now, 100)
            ids.append(at.shift + shift - 1)
            now += shift
        _, pitch, _, _, bins = notes[i]
        if not is_off and bins != loud:
            ids.append(at.velocity + bins)
            loud = bins
        ids.append((at.off if is_off else at.on) + pitch - at.low)
    return ids


def decode(ids: Array, at: Layout) -> Score:
    """As note-seq's Performance.to_sequence, but for the velocity of note ons before any velocity."""
    open_notes: dict[int, list[tuple[int, int]]] = {}
    rows: list[tuple[int, int, int, int]] = []
    time, velocity = 0, 64
    for token in ids.tolist():
        if token >= at.velocity:
            velocity = 1 + 4 * (token - at.velocity)
        elif token >= at.shift:
            time += token - at.shift + 1
        elif token >= at.off:
            pitch = token - at.off + at.low
            if open_notes.get(pitch):
                begun, loud = open_notes[pitch].pop(0)
                if time > begun:
                    rows.append((begun, time - begun, pitch, loud))
        elif token >= at.on:
            open_notes.setdefault(token - at.on + at.low, []).append((time, velocity))
        elif token == 1:  # EOS
            break
    rows += [(b, time - b, p, loud) for p, notes in open_notes.items() for b, loud in notes if time > b]
    return Score(50, note_table(sorted(rows)), np.array([(0, 500_000)], TEMPO), tracks=(Track("Piano"),))
