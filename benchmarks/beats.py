"""Beats and downbeats found in performances, beside annotations: `python benchmarks/beats.py POP909 [--count 40]`.

Every so many songs of POP909, all tracks, as played; what the files say of tempo is not used. Annotated are the beats
of the MIDI, and the downbeats of songs in four. mir_eval compares: F-measure within 70 ms, and the share of beats in
the longest stretch that is right at the annotated level (CMLt) or another (AMLt), after the first five seconds. Beside
them evenly spaced beats at the tempo that fits the annotations best, begun at the first of them.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from arguments import arguments
from mir_eval import beat
from result_file import row, write_result

import symbolic_music as sm
from symbolic_music.transcription import track_beats


def scores(wanted: np.ndarray, found: np.ndarray, what: str) -> dict[str, float]:
    """Measures of one song."""
    wanted, found = beat.trim_beats(wanted), beat.trim_beats(found)
    cml = beat.continuity(wanted, found)
    return {f"F of {what}": beat.f_measure(wanted, found), f"CMLt of {what}": cml[1], f"AMLt of {what}": cml[3]}


def main() -> None:
    """Measure, print and store."""
    given = arguments(("folder", Path), count=40)
    ours, even = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    songs = sorted((given.folder / "midi").glob("*.mid"))
    for path in songs[7 :: max(1, len(songs) // given.count)][: given.count]:
        table = np.loadtxt(given.folder / "annotations" / path.stem / "beat_midi.txt", ndmin=2)
        wanted = table[:, 0]
        found = track_beats(sm.read(path), 4)
        rows = scores(wanted, found.times, "beats")
        downbeats = wanted[table[:, 2] == 1]
        if len(downbeats) > 8 and np.median(np.diff(np.flatnonzero(table[:, 2] == 1))) == 4:
            rows |= scores(downbeats, found.downbeats, "downbeats")
        for name, value in rows.items():
            ours[name].append(value)
        spaced = np.arange(wanted[0], wanted[-1], np.median(np.diff(wanted)))
        for name, value in scores(wanted, spaced, "beats").items():
            even[name].append(value)
        print(path.stem, {name: round(value, 2) for name, value in rows.items()}, flush=True)
    rows_out: list[dict[str, Any]] = []
    for name, values in ours.items():
        peer = float(np.mean(even[name])) if name in even else None
        what = f"{name} ({len(values)} songs)"
        rows_out.append(row(what, float(np.mean(values)), "", peer, None if peer is None else "even beats"))
    write_result("beats", len(ours["F of beats"]), rows_out)


if __name__ == "__main__":
    main()
