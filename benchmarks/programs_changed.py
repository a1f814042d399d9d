"""Notes whose program is another when a file is read as it is heard than when each track is read by itself.

    python benchmarks/programs_changed.py CORPORA [--only lakh-subset …]

All files of lakh-subset, freedoom-midi, pop909, groove-midi and maestro-midi in the folder CORPORA are read twice: as
a player plays them (tracks merged by time, state by port and channel) and as symusic has them (each track with its own
programs), which is how note stores were made before. A note counts when the other reading has none of its onset,
duration, pitch, velocity, drums or not, and program; drums count with their kit, 0 where none is chosen. Results go to
benchmarks/results/programs-changed.json.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from arguments import parser_of
from numpy.typing import NDArray
from result_file import write_result
from tokenizers_remi_compound import midi_files, row

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from symbolic_music.errors import MidiError
from symbolic_music.io.midi.published_readers import as_symusic_reads
from symbolic_music.io.midi.reader import parse_midi
from symbolic_music.score import Score

CORPORA = ("lakh-subset", "freedoom-midi", "pop909", "groove-midi", "maestro-midi")


def content(score: Score) -> NDArray[Any]:
    """Each note as two numbers, (notes, 2)."""
    notes = score.without_hanging().notes
    first = notes["onset"].astype(np.int64) << 32 | notes["duration"]
    second = sum(notes[name].astype(np.int64) << 8 * i for i, name in enumerate(("program", "pitch", "velocity")))
    return np.stack([first, second | (notes["channel"] == 9).astype(np.int64) << 24], -1)


def missing(ours: NDArray[Any], theirs: NDArray[Any]) -> int:
    """How many rows of the first are not in the second, each standing for one."""
    both, counts = np.unique(np.concatenate([ours, theirs]), axis=0, return_inverse=True)
    counts = counts.ravel()
    a, b = (np.bincount(part, minlength=len(both)) for part in (counts[: len(ours)], counts[len(ours) :]))
    return int(np.maximum(a - b, 0).sum())


def main() -> None:
    """Count and write the results."""
    parser = parser_of(("corpora", Path))
    parser.add_argument("--only", nargs="*", default=CORPORA)
    options = parser.parse_args()
    rows, files = [], 0
    for name in options.only:
        found: Counter[str] = Counter()
        for path in midi_files(options.corpora / name, sys.maxsize):
            try:
                score = parse_midi(path.read_bytes())
            except MidiError:
                continue
            ours, theirs = content(score), content(as_symusic_reads(score))
            changed = missing(ours, theirs)
            found["files"] += 1
            found["notes"] += len(ours)
            found["changed"] += changed
            found["files changed"] += changed > 0
        files += found["files"]
        rows.append(row(f"{name}: notes of another program", found["changed"], found["notes"], "notes", "count"))
        rows.append(row(f"{name}: files with such notes", found["files changed"], found["files"], "files", "count"))
    write_result("programs-changed", files, rows)


if __name__ == "__main__":
    main()
