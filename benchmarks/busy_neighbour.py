"""An infill and a render beside a busy program: processor time and seconds, alone and with one other busy program.

python benchmarks/busy_neighbour.py SONG [--rounds 3]

The neighbour is one process that counts on any of the cores; both run under one priority. Rounds alternate, and the
figures are medians.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from arguments import parser_of
from result_file import row, write_result

SPIN = "while True: sum(range(10_000_000))"


def measured(command: list[str]) -> tuple[float, float]:
    """Seconds by the clock and of processor time of a command."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = parser_of(rounds=3)
    parser.add_argument("song", type=Path, help="a MIDI file with a bass in bars 9 and 10")
    asked = parser.parse_args()
    found: dict[tuple[str, bool], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        program = [sys.executable, "-m", "symbolic_music"]
        verbs = {
            "infill of two bars": [*program, "infill", str(asked.song), "--at", "bars:9-10", "--tracks", "2"],
            "render": [*program, "render", str(asked.song)],
        }
        for _ in range(asked.rounds):
            for name, command in verbs.items():
                out = Path(folder) / ("new.mid" if "infill" in command else "new.wav")
                for busy in (False, True):
                    out.unlink(missing_ok=True)
                    neighbour = subprocess.Popen([sys.executable, "-c", SPIN]) if busy else None
                    try:
                        found.setdefault((name, busy), []).append(measured([*command, "-o", str(out)]))
                    finally:
                        if neighbour is not None:
                            neighbour.kill()
                            neighbour.wait()
    rows = []
    for name in verbs:
        for i, unit in enumerate(("s", "s of processor time")):
            alone, beside = (statistics.median(one[i] for one in found[name, busy]) for busy in (False, True))
            rows.append(row(f"{name}, beside a busy program", beside, unit, alone, "alone", beside / alone))
    write_result("busy_neighbour", asked.rounds, rows, "all used")


if __name__ == "__main__":
    main()
