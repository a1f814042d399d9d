"""The JSB Chorales on their 16th grid, with the splits of Boulanger-Lewandowski et al. (2012): 229 / 76 / 77.

The file is `Jsb16thSeparated.json` of github.com/czhuang/JSB-Chorales-dataset: split -> pieces -> steps -> the
pitches of soprano, alto, tenor and bass, -1 for silence. Held and repeated notes are the same in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import CorpusError
from symbolic_music.score import METER, TEMPO, Score, Track, note_table

VOICES = ("Soprano", "Alto", "Tenor", "Bass")
# String programs (violin, viola, cello, contrabass): one for each voice, so that a program names its voice.
VOICE_PROGRAMS = (40, 41, 42, 43)
# The grid has no tempo; at 100 quarters a minute a 16th lasts 0.15 s, 15 steps of 10 ms.
QUARTERS_PER_MINUTE = 100
_TICKS_PER_STEP = 120

Grid = NDArray[np.int64]


def read_grids(path: str | Path) -> dict[str, list[Grid]]:
    """The chorales of each split (train, valid, test) as they stand in the file: (steps, 4), -1 for silence.

    Raises:
        CorpusError: when the file is missing or not the grid described above.
    """
    path = Path(path)
    try:
        splits = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CorpusError(
            f"cannot read {path}: {error.strerror}; get Jsb16thSeparated.json from "
            "github.com/czhuang/JSB-Chorales-dataset"
        ) from None
    except (ValueError, RecursionError):
        raise CorpusError(f"{path} is not JSON; expected Jsb16thSeparated.json") from None
    if not isinstance(splits, dict) or not all(isinstance(pieces, list) for pieces in splits.values()):
        raise CorpusError(f"{path} does not map splits to pieces; expected Jsb16thSeparated.json")
    try:
        return {str(name): [_grid(piece) for piece in pieces] for name, pieces in splits.items()}
    except (ValueError, TypeError, OverflowError) as error:
        raise CorpusError(f"{path}: {error}") from None


def read_chorales(path: str | Path) -> dict[str, list[Score]]:
    """The chorales of each split as scores of four tracks; see `read_grids`.

    Examples:
        >>> import json
        >>> from pathlib import Path
        >>> grids = {split: [[[60, 55, 52, 48]] * 16] for split in ("train", "valid", "test")}
        >>> _ = Path("chorales.json").write_text(json.dumps(grids))
        >>> {split: len(pieces) for split, pieces in sm.corpora.read_chorales("chorales.json").items()}
        {'train': 1, 'valid': 1, 'test': 1}
    """
    return {name: [chorale_from_grid(grid) for grid in grids] for name, grids in read_grids(path).items()}


def check_trainable(splits: Mapping[str, Sequence[object]], path: str | Path) -> None:
    """CorpusError when the training or validation split is empty."""
    missing = [name for name in ("train", "valid") if not splits.get(name)]
    if missing:
        raise CorpusError(f"{path} has no chorales in its split {' and '.join(missing)}")


def _grid(steps: Sequence[Sequence[int]] | Grid) -> Grid:
    grid = np.asarray(steps, dtype=np.int64)
    if grid.ndim != 2 or grid.shape[1] != len(VOICES) or grid.max(initial=0) > 127 or grid.min(initial=0) < -1:
        raise ValueError(f"a chorale grid has shape (steps, 4), and pitches from 0 to 127 or -1, not {grid.shape}")
    return grid


def chorale_from_grid(steps: Sequence[Sequence[int]] | Grid) -> Score:
    """A score of pitches on the 16th grid, shape (steps, 4), -1 for silence. Equal neighbours are one note.

    Raises:
        ValueError: when the grid has another shape or pitches above 127.

    Examples:
        >>> chord = [60, 55, 52, 48]
        >>> chorale = sm.corpora.chorale_from_grid([chord] * 4 + [[-1] * 4] * 4)
        >>> len(chorale.notes), len(chorale.tracks)  # equal neighbours are one note
        (4, 4)
    """
    grid = _grid(steps)
    columns: list[np.ndarray[tuple[int, int], np.dtype[np.int64]]] = []
    for voice in range(grid.shape[1]):
        pitch = grid[:, voice]
        change = np.flatnonzero(np.diff(pitch, prepend=-2))
        length = np.diff(change, append=len(pitch))
        sounding = pitch[change] >= 0
        rows = np.stack([change, length, pitch[change], np.full(len(change), voice)], axis=1)
        columns.append(rows[sounding])
    table = np.concatenate(columns)
    return Score(
        ticks_per_quarter=4 * _TICKS_PER_STEP,
        tempos=np.array([(0, 60_000_000 // QUARTERS_PER_MINUTE)], TEMPO),
        meters=np.array([(0, 4, 4)], METER),
        notes=note_table(
            onset=table[:, 0] * _TICKS_PER_STEP,
            duration=table[:, 1] * _TICKS_PER_STEP,
            pitch=table[:, 2],
            velocity=np.full(len(table), 80),
            program=np.array(VOICE_PROGRAMS)[table[:, 3]],
            channel=table[:, 3],
            track=table[:, 3],
        ),
        tracks=tuple(Track(n, p) for n, p in zip(VOICES, VOICE_PROGRAMS, strict=True)),
    )
