"""Seconds to the first note of an infill of two bars: of the command line from nothing, and in a resident process.

python benchmarks/latency.py SONG [--rounds 5]

Cold: from the start of the process to the first note that `infill` draws, and to its end. Resident: from the request to
the first note, in a process that has the model, as the studio's server. `song` draws four candidates unless it is told
otherwise. The peer is the import of torch alone. Figures are medians, of the clock and of the processor: where the
machine has other work, the latter say more. Modules are compiled beforehand, as pip leaves them, by a command that is
not counted.
"""

from __future__ import annotations

import os
import resource
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
from symbolic_music.cli.options import editing_verbs
write = editing_verbs.WritingOptions.write
def told(self, session, *rest):
    stream = session.stream
    def first():
        notes = stream()
        yield next(notes)
        print("first", time.time(), time.process_time(), file=sys.stderr)
        yield from notes
    session.stream = first
    write(self, session, *rest)
editing_verbs.WritingOptions.write = told
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


Times = tuple[float, float]


def ended(program: str, folder: Path, *arguments: str) -> tuple[list[str], float, Times]:
    """Lines that a program prints, when it began, and how long it ran: by the clock and of the processor."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {**kept, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    begun, clock, before = time.time(), time.perf_counter(), _processor()
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return (done.stdout + done.stderr).splitlines(), begun, (time.perf_counter() - clock, _processor() - before)


def _processor() -> float:
    """Seconds of the processor that ended programs took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _median(of: list[Times]) -> Times:
    clock, processor = zip(*of, strict=True)
    return statistics.median(clock), statistics.median(processor)


def main() -> None:
    parser = parser_of(rounds=5)
    parser.add_argument("song", help="a MIDI file with a bass, track 2, in bars 9 and 10")
    asked = parser.parse_args()
    first: list[Times] = []
    whole: list[Times] = []
    torch: list[Times] = []
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(asked.rounds + 1):
            out = folder / "new.mid"
            out.unlink(missing_ok=True)
            arguments = ("infill", asked.song, "--at", "bars:9-10", "--tracks", "2", "-m", "song", "-o", str(out))
            lines, begun, taken = ended(COLD, folder, *arguments)
            alone = ended("import torch", folder)[2]
            if number:  # the first round compiles
                told = next(line.split() for line in lines if line.startswith("first "))
                first.append((float(told[1]) - begun, float(told[2])))
                whole.append(taken)
                torch.append(alone)
        for line in ended(RESIDENT, folder, asked.song)[0]:
            count, seconds = line.split()
            found.setdefault(count, []).append(1000 * float(seconds))
    peer = _median(torch)
    rows = [
        row(f"cold, {what}", ours, unit, its, "import torch", ours / its)
        for what, times in (("first note", first), ("whole command", whole))
        for ours, its, unit in zip(_median(times), peer, ("s", "s of the processor"), strict=True)
    ]
    rows += [row(f"resident, first note, candidates: {n}", statistics.median(of), "ms") for n, of in found.items()]
    write_result("latency", asked.rounds, rows, "all used")


if __name__ == "__main__":
    main()
