"""Give a performance the bars that its beats say."""

from __future__ import annotations

import dataclasses

import numpy as np

from symbolic_music.score import BAR_NUMBER, METER, TEMPO, Array, Score
from symbolic_music.transcription.beats import Beats, Times, track_beats

TICKS = 480  # of a beat
_SHORTEST = 0.3  # of a beat, that a beat before the first at least lasts
_LEAST, _MOST = 1, 0xFFFFFF  # microseconds of a quarter


def with_bars(score: Score, beats: Beats | None = None) -> Score:
    """The score with a quarter for each beat and a meter; every event keeps its time in seconds, to a tick.

    Beats before the first downbeat are an upbeat, a bar of its own length. Tempos and meters of before go, and with
    them what only the file that it was read from knows.

    Args:
        score: a performance.
        beats: `track_beats` of it when omitted.

    Raises:
        As `track_beats`.

    Examples:
        >>> beats = sm.transcription.Beats(np.arange(24) / 3, meter=3, first=0)
        >>> sm.transcription.with_bars(melody, beats).meters["numerator"].tolist()
        [3]
    """
    beats = track_beats(score) if beats is None else beats
    end = float(score.seconds(_last_tick(score)))
    times, upbeat = _grid(beats, end)

    def moved(ticks: Array) -> Array:
        return np.rint(TICKS * np.interp(score.seconds(ticks), times, np.arange(len(times)))).astype(np.int64)

    notes = score.notes.copy()
    stops = moved(notes["onset"].astype(np.int64) + notes["duration"])
    notes["onset"] = moved(notes["onset"].astype(np.int64))
    notes["duration"] = np.maximum(1, stops - notes["onset"])
    tempos = np.zeros(len(times) - 1, TEMPO)
    tempos["time"] = TICKS * np.arange(len(times) - 1)
    tempos["microseconds"] = np.rint(1e6 * np.diff(times)).clip(_LEAST, _MOST)
    rows = [(0, upbeat, 4), (TICKS * upbeat, beats.meter, 4)] if upbeat else [(0, beats.meter, 4)]
    meters = np.zeros(len(rows), METER)
    for row, (time, numerator, denominator) in zip(meters, rows, strict=True):
        row["time"], row["numerator"], row["denominator"] = time, numerator, denominator

    numbers = np.array([(0, 0), (TICKS * upbeat, 1)] if upbeat else [(0, 1)], BAR_NUMBER)

    def timed(table: Array) -> Array:
        table = table.copy()
        table["time"] = moved(table["time"].astype(np.int64))
        return table

    texts = tuple(dataclasses.replace(text, time=int(moved(np.array(text.time)))) for text in score.texts)
    return Score(
        TICKS, notes, tempos=tempos, meters=meters, keys=timed(score.keys), controls=timed(score.controls),
        bends=timed(score.bends), tracks=score.tracks, texts=texts, bar_numbers=numbers,
    )  # fmt: skip


def _last_tick(score: Score) -> int:
    tables = (score.controls, score.bends, score.keys)
    ticks = [int((score.notes["onset"].astype(np.int64) + score.notes["duration"]).max())]
    ticks += [int(table["time"].max()) for table in tables if len(table)] + [text.time for text in score.texts]
    return max(ticks)


def _grid(beats: Beats, end: float) -> tuple[Times, int]:
    """Seconds of each quarter from 0 to after the end, and how many stand before the first downbeat."""
    times = beats.times[np.append(True, np.diff(beats.times) > 1e-3)]
    first = beats.first % beats.meter
    period = float(np.median(np.diff(times))) if len(times) > 1 else 0.5
    if times[0] < _SHORTEST * period:
        times = np.append(0.0, times[1:])
    else:
        before = max(1, round(float(times[0]) / period))
        times = np.concatenate([np.linspace(0, times[0], before + 1)[:-1], times])
        first = (first + before) % beats.meter
    after = np.arange(1, 2 + max(0, int((end - times[-1]) / period)) + 1) * period
    return np.concatenate([times, times[-1] + after]), first
