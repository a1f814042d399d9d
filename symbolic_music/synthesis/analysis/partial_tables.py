"""Levels and decays of the partials of an instrument, measured on its recorded notes.

A table has a row for each recorded pitch and a column for each of some numbers of partials; between them it is read
by straight lines (`synthesis.ddsp.measured_partials`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import AudioError
from symbolic_music.synthesis.analysis.harmonics import HOP
from symbolic_music.synthesis.analysis.notes import TakenNote
from symbolic_music.theory import hertz

NUMBERS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 19, 24, 30, 38, 48, 64)
STRUCK_FRAMES = slice(3, 52)  # the first 0.3 s, in which the level of a struck note is measured
_ATTACK = 0.1  # seconds of a held note before its steady part
_SPREAD = 2.5  # semitones over which neighbouring notes are averaged
_FLOOR = -75.0  # dB under the loudest partial, where a recording is taken for noise
_BEYOND = 18.0  # dB an octave that partials fall which the recordings do not show
_RATES = (1.0, 400.0)  # dB a second
_SLOWEST = 8.0  # times slower than the fast part of a decay its slow part is at most
_HIGHEST = 18_000  # Hz
Table = NDArray[np.float64]


@dataclass(frozen=True)
class PartialTable:
    """What is stored of an instrument.

    pitches (P,), numbers (N,); levels (P, N) in dB of a partial at the onset. Of struck instruments also fast and slow
    (P, N) in dB a second, the rates of the two parts of its decay, and share (P, N) in dB of the slow part there.
    """

    pitches: list[float]
    numbers: list[int]
    levels: list[list[float]]
    fast: list[list[float]] = field(default_factory=list)
    slow: list[list[float]] = field(default_factory=list)
    share: list[list[float]] = field(default_factory=list)

    def to_json(self) -> str:
        """The table as JSON, a key a line, values rounded to a tenth."""
        rows = [f'"{name}": {json.dumps(_rounded(value))}' for name, value in asdict(self).items() if value]
        return "{\n" + ",\n".join(rows) + "\n}\n"


def _rounded(value: list[float] | list[list[float]]) -> object:
    return np.round(np.array(value), 1).tolist() if isinstance(value[0], list) else value


def measure_held(notes: Sequence[TakenNote]) -> PartialTable:
    """The table of a bowed or blown instrument, of the steady parts of its notes, at one loudness.

    Raises:
        AudioError: for fewer than three notes.
    """
    notes = _sorted(notes)
    first = round(_ATTACK / HOP)
    powers = [np.square(note.amplitudes.astype(np.float64)) for note in notes]
    steady = [p[min(first, n.held // 2) : max(n.held, 1)] for p, n in zip(powers, notes, strict=True)]
    levels = np.array([_levels(note, part.mean(0)) for note, part in zip(notes, steady, strict=True)])
    near, loud = _near(notes), _loudness(levels)
    return PartialTable(_pitches(notes), list(NUMBERS), _averaged(near, levels - loud[:, None]).tolist())


def measure_struck(notes: Sequence[TakenNote]) -> PartialTable:
    """The table of a struck instrument.

    Each partial falls as the power sum of two exponentials, as coupled strings do (Weinreich 1977). The colours of
    neighbours are averaged, and the loudness of all follows a cubic over the pitch.

    Raises:
        AudioError: for fewer than four notes.
    """
    notes = _sorted(notes, 4)
    near = _near(notes)
    levels = np.array([_levels(n, np.square(n.amplitudes[STRUCK_FRAMES].astype(np.float64)).mean(0)) for n in notes])
    loud = _loudness(levels)
    trend = np.polyval(np.polyfit([note.pitch for note in notes], loud, 3), [note.pitch for note in notes])
    decays = np.array([_decays(note) for note in notes])
    rates = np.exp(np.einsum("pq,qnf->pnf", near, np.log(decays[..., :2]))).clip(*_RATES)
    fast, slow, share = rates[..., 0], rates[..., 1], near @ decays[..., 2]
    at_onset = _averaged(near, levels - loud[:, None]) + trend[:, None] - _fallen(fast, slow, share)
    tables = (at_onset, fast, slow, share)
    return PartialTable(_pitches(notes), list(NUMBERS), *(table.tolist() for table in tables))


def _fallen(fast: Table, slow: Table, share: Table) -> Table:
    """dB by which the mean power of the frames measured is under that of the onset."""
    time = (np.arange(STRUCK_FRAMES.start, STRUCK_FRAMES.stop) * HOP)[:, None, None]
    part = 10 ** (share / 10)
    fall = (1 - part) * 10 ** (-fast * time / 10) + part * 10 ** (-slow * time / 10)
    return np.asarray(10 * np.log10(fall.mean(0)))


def _sorted(notes: Sequence[TakenNote], least: int = 3) -> list[TakenNote]:
    if len(notes) < least:
        raise AudioError(f"a table of partials needs {least} notes, not {len(notes)}")
    return sorted(notes, key=lambda note: note.pitch)


def _pitches(notes: Sequence[TakenNote]) -> list[float]:
    """Rising, so that no two rows stand at one pitch."""
    found = np.round([note.pitch for note in notes], 2)
    for i in range(1, len(found)):
        found[i] = max(found[i], round(found[i - 1] + 0.01, 2))
    pitches: list[float] = found.tolist()
    return pitches


def _near(notes: Sequence[TakenNote]) -> Table:
    """Weights of neighbours in the average of each note, (P, P); rows sum to one."""
    pitches = np.array([note.pitch for note in notes])
    near = np.exp(-0.5 * ((pitches[:, None] - pitches) / _SPREAD) ** 2)
    return np.asarray(near / near.sum(1, keepdims=True))


def _loudness(levels: Table) -> Table:
    return np.asarray(10 * np.log10((10 ** (levels / 10)).sum(1)))


def _averaged(near: Table, levels: Table) -> Table:
    return np.asarray(10 * np.log10(near @ 10 ** (levels / 10)))


def _groups(note: TakenNote) -> list[NDArray[np.int64]]:
    """Indices of the audible partials around each number."""
    edges = np.sqrt(np.array(NUMBERS[:-1]) * np.array(NUMBERS[1:]))
    count = int((hertz(note.pitch) * note.ratios < _HIGHEST).sum())
    column = np.searchsorted(edges, np.arange(1, note.amplitudes.shape[1] + 1))[:count]
    return [np.flatnonzero(column == i) for i in range(len(NUMBERS))]


def _levels(note: TakenNote, power: Table) -> list[float]:
    """dB around each number, from the power of each partial (K,)."""
    floor = 10 * np.log10(power.max() + 1e-30) + _FLOOR
    levels: list[float] = []
    for i, own in enumerate(_groups(note)):
        level = 10 * np.log10(power[own].mean() + 1e-30) if len(own) else -300.0
        if level < floor and levels:
            level = min(levels[-1], floor) - _BEYOND * np.log2(NUMBERS[i] / NUMBERS[i - 1])
        levels.append(float(max(level, -290.0)))
    return levels


def _decays(note: TakenNote) -> list[tuple[float, float, float]]:
    """Fast and slow rate, and share of the slow part, of the partials around each number."""
    power = np.square(note.amplitudes.astype(np.float64))
    floor = 10 * np.log10(power[STRUCK_FRAMES].mean(0).max() + 1e-30) + _FLOOR
    found: list[tuple[float, float, float]] = []
    for own in _groups(note):
        curve = power[:, own].mean(1) if len(own) else np.zeros(len(power))
        if 10 * np.log10(curve[STRUCK_FRAMES].mean() + 1e-30) < floor and found:
            fast, slow, share = found[-1]
            found.append((1.2 * fast, 1.2 * slow, share))
        else:
            found.append(_decay(curve, floor))
    return found


def _decay(curve: Table, floor: float) -> tuple[float, float, float]:
    """Fast and slow rate in dB a second and the share of the slow part in dB, of a power at frames."""
    from scipy.optimize import least_squares

    db = 10 * np.log10(curve[STRUCK_FRAMES.start :] + 1e-30)
    step = max(1, len(db) // 120)
    db = np.array([db[i : i + step].mean() for i in range(0, len(db) - step, step)])
    time = (np.arange(len(db)) + 0.5) * step * HOP
    heard = db > floor
    last = max(4, int(np.argmin(heard)) if not heard.all() else len(db))
    db, time = db[:last], time[:last]
    quarter = len(db) // 4
    first = max(1.0, (db[0] - db[quarter]) / max(time[quarter] - time[0], 1e-3))

    def miss(x: Table) -> Table:
        top, fast, slow, share = x
        part = 10 ** (share / 10)
        fall = (1 - part) * 10 ** (-fast * time / 10) + part * 10 ** (-slow * time / 10)
        found: Table = top + 10 * np.log10(fall + 1e-30) - db
        return found

    low, high = 0.5, _RATES[1]
    start = [db[0], min(first * 1.5, high - 1), min(max(first / 3, low + 0.1), high / 2 - 1), -8.0]
    bounds = ([-400.0, low, low, -40.0], [60.0, high, high / 2, -1.0])
    found = least_squares(miss, start, bounds=bounds, loss="soft_l1", max_nfev=60).x
    fast, slow = max(found[1], found[2]), min(found[1], found[2])
    # A tail that the recording ends in, or that is its noise, has no rate of its own.
    return float(fast), float(max(slow, fast / _SLOWEST)), float(found[3])
