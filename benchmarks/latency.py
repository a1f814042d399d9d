"""Seconds to the first note of an infill of two bars: of the command line from nothing, and in a resident process.

python benchmarks/latency.py SONG [--rounds 5]

Cold: from the start of the process to the first note that `infill` draws, and to its end. Resident: from the request to
the first note, in a process that has the model, as the studio's server. `song` draws four candidates unless it is told
otherwise. The peer is the import of torch alone. Figures are medians.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from arguments import parser_of
from result_file import row, write_result

# The command line itself, which tells when the first note comes.
COLD = """
import sys, time
from symbolic_music.cli import main
from symbolic_music.cli.options import writing
write = writing.WritingOptions.write
def told(self, session, *rest):
    stream = session.stream
    def first():
        notes = stream()
        yield next(notes)
        print(time.time(), file=sys.stderr)
        yield from notes
    session.stream = first
    write(self, session, *rest)
writing.WritingOptions.write = told
main(sys.argv[1:])
"""
RESIDENT = """
import sys, time
import symbolic_music as sm
song, model = sm.read(sys.argv[1]), sm.load_model("song")
for best_of in (1, 4):
    for seed in range(8):
        begun = time.perf_counter()
        session = sm.edit(song, bars=(9, 10), tracks=[2], model=model, seed=seed, best_of=best_of)
        notes = session.stream()
        next(notes)
        first = time.perf_counter() - begun
        list(notes)
        if seed >= 3:
            print(best_of, first)
"""


def ended(program: str, *arguments: str) -> tuple[list[str], float, float]:
    """Lines that a program prints, when it began, and how long it ran."""
    begun, clock = time.time(), time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True)
    return (done.stdout + done.stderr).splitlines(), begun, time.perf_counter() - clock


def main() -> None:
    parser = parser_of(rounds=5)
    parser.add_argument("song", help="a MIDI file with a bass, track 2, in bars 9 and 10")
    asked = parser.parse_args()
    first, whole, torch = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(asked.rounds):
            out = Path(folder) / "new.mid"
            out.unlink(missing_ok=True)
            arguments = ("infill", asked.song, "--at", "bars:9-10", "--tracks", "2", "-m", "song", "-o", str(out))
            lines, begun, seconds = ended(COLD, *arguments)
            first.append(next(float(line) for line in lines if line[:2] in ("17", "18") and "." in line) - begun)
            whole.append(seconds)
            torch.append(ended("import torch")[2])
    alone = statistics.median(torch)
    rows = [
        row(name, statistics.median(of), "s", alone, "import torch", statistics.median(of) / alone)
        for name, of in (("cold, first note", first), ("cold, whole command", whole))
    ]
    found: dict[str, list[float]] = {}
    for line in ended(RESIDENT, asked.song)[0]:
        count, seconds = line.split()
        found.setdefault(count, []).append(1000 * float(seconds))
    rows += [row(f"resident, first note, candidates: {n}", statistics.median(of), "ms") for n, of in found.items()]
    write_result("latency", asked.rounds, rows, "all used")


if __name__ == "__main__":
    main()
