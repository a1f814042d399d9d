"""MusPy's metrics by this library beside MusPy itself: equal on the same files, and how long both take.

python benchmarks/features.py CORPORA PEER [--files 1000] [--of-peer 1000] [--seed 0]

PEER is the Python of an environment in which `pip install muspy` (0.5.0) was done. The same files of lakh-subset, in an
order drawn from the seed, are read and measured by each in one process of one thread, twenty files in turn; of so many
MusPy, which takes an hour where others use the processor too, may get a part, the first of each turn: a random sample.
Its files are compared with their Scores as well.
"""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import time
from pathlib import Path
from subprocess import PIPE
from typing import Any

import numpy as np
from arguments import parser_of

PEER = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import muspy
from muspy import metrics
names = json.loads(sys.stdin.readline())
for line in sys.stdin:
    found, read, measured = {}, 0.0, 0.0
    for path, measure in json.loads(line):
        began = time.process_time()
        try:
            music = muspy.read_midi(path)
        except Exception as error:
            found[path] = str(error)
            continue
        then = time.process_time()
        values = {}
        for name in names:
            metric = getattr(metrics, name)
            values[name] = float(metric(music, measure) if name in names[-2:] else metric(music))
        read, measured, found[path] = read + then - began, measured + time.process_time() - then, values
    print(json.dumps({"found": found, "read": read, "measured": measured}), flush=True)
"""
# Files that each measures before the other does.
TURN = 20


def same(one: float, other: float) -> bool:
    """Whether two values are equal but for the last digits of a sum."""
    return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-12)


def main() -> None:
    parser = parser_of(("corpora", Path), "peer", files=1000, seed=0)
    parser.add_argument("--of-peer", type=int, help="files that MusPy measures too; all by default")
    asked = parser.parse_args()

    import symbolic_music as sm
    from symbolic_music.evaluation.features import muspy
    from symbolic_music.general_midi import DRUM_CHANNEL
    from symbolic_music.io.midi.sounding import read_sounding

    paths = sorted((asked.corpora / "lakh-subset" / "midi").rglob("*.mid"))
    paths = [paths[i] for i in np.random.default_rng(asked.seed).permutation(len(paths))[: asked.files]]
    part = -(-TURN * (asked.of_peer or len(paths)) // len(paths))
    names = list(muspy.features_of_file(paths[0]))
    ours, ended, usual, read, measured, differing = {}, {}, {}, 0.0, 0.0, 0
    peer: dict[str, Any] = {"found": {}, "read": 0.0, "measured": 0.0}
    command = [asked.peer, "-c", PEER]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, env={"OMP_NUM_THREADS": "1"}) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write(json.dumps(names) + "\n")
        for at in range(0, len(paths), TURN):
            turn, measures = paths[at : at + TURN], []
            for path in turn:
                began = time.process_time()
                piece = read_sounding(path)
                then = time.process_time()
                ours[str(path)] = muspy.features_of(piece)
                read, measured = read + then - began, measured + time.process_time() - then
            for path in turn[:part]:
                score = sm.read(path)
                alike = [same(value, ours[str(path)][name]) for name, value in muspy.features(score).items()]
                differing += not all(alike)
                measures.append((str(path), muspy.measure_of(score)))
                ended[str(path)] = not score.notes["hanging"].any()
                usual[str(path)] = all(track.is_drum == (track.channel == DRUM_CHANNEL) for track in score.tracks)
            other.stdin.write(json.dumps(measures) + "\n")
            other.stdin.flush()
            theirs = json.loads(other.stdout.readline())
            peer = {"found": peer["found"] | theirs["found"],
                    **{key: peer[key] + theirs[key] for key in ("read", "measured")}}  # fmt: skip
    both = [path for path, values in peer["found"].items() if not isinstance(values, str)]
    unlike = [path for path in both if not all(same(ours[path][n], peer["found"][path][n]) for n in names)]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    seconds = {"read": (read, peer["read"]), "features": (measured, peer["measured"])}
    seconds["read and features"] = (read + measured, peer["read"] + peer["measured"])
    rows = [
        {"metric": f"{what}, CPU seconds a file", "ours": round(a / len(paths), 6), "peer": round(b / len(both), 6),
         "peer_name": "MusPy 0.5.0", "ratio": round(b / len(both) / (a / len(paths)), 1), "unit": "s"}
        for what, (a, b) in seconds.items()
    ]  # fmt: skip
    # How long a note lasts that its file never ended is the reader's choice, and MusPy's is another. It does not take
    # the messages of GS and XG either that make drums of other channels.
    whole = [path for path in both if ended[path]]
    plain = [path for path in whole if usual[path]]
    for name, of in (
        ("files that MusPy reads", both),
        ("of these, files in which all notes end", whole),
        ("of these, files with drums on the tenth channel alone", plain),
    ):
        equal = len(of) - len(set(of) & set(unlike))
        rows.append({"metric": "files with all metrics equal", "ours": equal, "peer": len(of),
                     "peer_name": name, "ratio": None, "unit": "files"})  # fmt: skip
    rows.append({"metric": "files with the same metrics as their Score", "ours": len(ended) - differing,
                 "peer": len(ended), "peer_name": "files", "ratio": None, "unit": "files"})  # fmt: skip
    result = {
        "name": "features",
        "command": f"python benchmarks/features.py CORPORA PEER --files {len(paths)} --of-peer {len(ended)}",
        "commit": commit.stdout.strip(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, 1 used, {platform.system()}",
        "n": {"files": len(paths), "files of MusPy": len(ended)},
        "seed": asked.seed,
        "rows": rows,
        "unlike": [Path(path).name for path in unlike],
    }
    text = json.dumps(result, indent=1) + "\n"
    (Path(__file__).parent / "results" / "features.json").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
