"""What an edit costs in a long piece: memory and time beside those in a short one.

python benchmarks/editing.py

A region of four seconds of three tracks (one of them drums) in the middle of pieces of twenty instruments, two notes a
second each, is written by a network of the bundled model's shape with random weights that knows all instruments. Each
piece is edited in a process of its own; growth is the highest resident memory after the edit less that before it, with
the model loaded and an edit of another piece done. Times are CPU seconds of one thread.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

MINUTES = (3, 30)
TRACKS = 20


def orchestra(minutes: int, seed: int) -> object:
    """Two notes a second of each instrument, the last of them drums."""
    from symbolic_music.score import Score, Track, note_table

    rng = np.random.default_rng(seed)
    count = minutes * 120 * TRACKS
    track = np.tile(np.arange(TRACKS), count // TRACKS)
    drums = track == TRACKS - 1
    notes = note_table(
        onset=np.sort(rng.integers(0, minutes * 57_600, count)), duration=rng.integers(40, 900, count),
        pitch=rng.integers(30, 100, count), velocity=rng.integers(40, 110, count), track=track,
        program=np.where(drums, 0, 5 * track), channel=np.where(drums, 9, 0),
    )  # fmt: skip
    parts = tuple(Track("", 5 * i if i < TRACKS - 1 else 0, i == TRACKS - 1) for i in range(TRACKS))
    return Score(notes=notes, tracks=parts)


def measure(minutes: int) -> dict[str, float]:
    """In this process: growth in MB, CPU seconds, notes written."""
    import resource

    import torch

    from symbolic_music import generation
    from symbolic_music.generation import Region
    from symbolic_music.models import AnticipatoryConfig, AnticipatoryTransformer, Card, Model
    from symbolic_music.models.model import View

    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = AnticipatoryTransformer(AnticipatoryConfig(width=192, layers=5, heads=4, hidden=512)).eval()
    model = Model(network, Card("random", 1, "", ""), View(100.0, ()))

    def edit(score: object) -> int:
        middle = score.duration / 2
        session = generation.edit(score, [Region(middle, middle + 4)], [0, 7, TRACKS - 1], model, seed=1)
        return len(session.finish()[0].notes)

    edit(orchestra(1, 1))
    score = orchestra(minutes, 0)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    notes = edit(score)
    seconds = time.process_time() - start
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {"growth": growth, "seconds": seconds, "notes": notes, "piece": len(score)}


def main() -> None:
    found = {}
    for minutes in MINUTES:
        command = [sys.executable, __file__, str(minutes)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[minutes] = json.loads(done.stdout)
    short, long = (found[minutes] for minutes in MINUTES)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    figures = [
        ("memory_growth_30_minutes", long["growth"], short["growth"], "MB"),
        ("cpu_seconds_a_note_30_minutes", long["seconds"] / long["notes"], short["seconds"] / short["notes"], "s"),
    ]
    document = {
        "name": "editing",
        "command": "python benchmarks/editing.py",
        "commit": commit.stdout.strip(),
        "machine": f"{platform.processor() or platform.machine()}, 2 cores",
        "n": {"tracks": TRACKS, "notes": [found[minutes]["piece"] for minutes in MINUTES]},
        "rows": [
            {
                "metric": metric,
                "ours": round(value, 4),
                "peer": round(peer, 4),
                "peer_name": "a piece of 3 minutes",
                "ratio": round(value / peer, 4) if peer else None,
                "unit": unit,
            }
            for metric, value, peer, unit in figures
        ],
    }
    text = json.dumps(document, indent=2) + "\n"
    (Path(__file__).parent / "results" / "editing.json").write_text(text)
    print(text)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]))))
    else:
        main()
