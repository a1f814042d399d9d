"""Try many mutants of every way in, in processes that may die.

    python -m tests.fuzz.campaign [--mutants 1000] [--hours 0] [--seed 0] [--target NAME …] [--faults FOLDER]

Prints a line a target. With `--hours` it goes round with further seeds until the time is over. Mutants that crashed,
hung, died or took too much memory are written to the folder, each with what was said.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.fuzz.target import Target, mutant, write
from tests.fuzz.targets import TARGETS, find

START_SECONDS = 900.0
# On a busy machine a mutant that needs a second waits for long; by the clock it may take that many times its seconds.
PATIENCE = 20


@dataclass
class Tally:
    """What came of the mutants of a target."""

    target: str
    tried: int = 0
    how: Counter[str] = field(default_factory=Counter)
    megabytes: float = 0.0
    seconds: float = 0.0
    faults: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, number: int, row: dict[str, object], target: Target) -> None:
        """Count one."""
        how = str(row["how"])
        if how in ("read", "refused"):
            self.megabytes = max(self.megabytes, float(str(row["megabytes"])))
            self.seconds = max(self.seconds, float(str(row["seconds"])))
            if float(str(row["megabytes"])) > target.megabytes:
                how = "too much memory"
        self.tried += 1
        self.how[how] += 1
        if how not in ("read", "refused"):
            self.faults.append((number, how, str(row["what"])))

    def __str__(self) -> str:
        told = ", ".join(f"{self.how[how]:,} {how}" for how in sorted(self.how, key=lambda one: -self.how[one]))
        return f"{self.target}: {self.tried:,} tried: {told}; at most {self.megabytes:.0f} MB, {self.seconds:.1f} s"


def run(target: Target, count: int, seed: int, first: int = 0) -> Tally:
    """Try so many mutants."""
    tally, at = Tally(target.name), first
    while at < first + count:
        for number, row in _rows(target, seed, at, first + count - at):
            tally.add(number, row, target)
            at = number + 1
    return tally


def _rows(target: Target, seed: int, first: int, count: int) -> Iterator[tuple[int, dict[str, object]]]:
    """What one process tells of its mutants, to its end, whatever that is."""
    command = [sys.executable, "-m", "tests.fuzz.worker", target.name, str(seed), str(first), str(count)]
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        number, limit, following, told = None, START_SECONDS, _lines(process.stdout), False
        began, until = 0.0, time.monotonic() + START_SECONDS
        while True:
            try:
                line = following(limit)
            except TimeoutError:
                used = _used(process.pid) - began
                if time.monotonic() < until and (number is None or used < target.seconds):
                    continue
                process.kill()
                if number is None:
                    raise RuntimeError(f"{target.name}: the process does nothing") from None
                yield number, {"how": "hung", "what": f"longer than {target.seconds:g} s"}
                return
            if not line:
                break
            if not line.startswith(b"{"):
                number, limit, began = int(line), target.seconds, _used(process.pid)
                until = time.monotonic() + PATIENCE * target.seconds
                continue
            assert number is not None
            yield number, json.loads(line)
            number, limit, until, told = None, START_SECONDS, time.monotonic() + START_SECONDS, True
        code = process.wait()
        if number is None and not code and not told:
            raise RuntimeError(f"{target.name}: the process says nothing of its mutants")
        if number is not None:
            yield number, {"how": "died", "what": f"exit {code}: {process.stderr.read().decode()[-1500:]}"}
        elif code:
            raise RuntimeError(f"{target.name}: {process.stderr.read().decode()[-3000:]}")


def _used(pid: int) -> float:
    """Seconds of processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _lines(stream: IO[bytes]) -> Callable[[float], bytes]:
    """A function that gives the next line, within so many seconds or with a TimeoutError; nothing at the end."""
    kept = b""

    def line(seconds: float) -> bytes:
        nonlocal kept
        until = time.monotonic() + seconds
        while b"\n" not in kept:
            ready, _, _ = select.select([stream], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError
            part = os.read(stream.fileno(), 1 << 16)
            if not part:
                return b""
            kept += part
        first, _, kept = kept.partition(b"\n")
        return first

    return line


def keep(tally: Tally, target: Target, seed: int, folder: Path) -> None:
    """Write the faults of a tally."""
    seeds = target.seeds()
    for number, how, what in tally.faults:
        own = folder / f"{target.name.replace(' ', '-')}-{seed}-{number}-{how.replace(' ', '-')}"
        write(mutant(target, seeds, seed, number), own)
        (own / "what.txt").write_text(f"python -m tests.fuzz.worker '{target.name}' {seed} {number} 1\n{what}\n")


def main(arguments: Sequence[str] | None = None) -> list[Tally]:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=1_000)
    parser.add_argument("--hours", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", action="append", default=[])
    parser.add_argument("--faults", type=Path)
    options = parser.parse_args(arguments)
    until, seed, tallies = time.monotonic() + 3600 * options.hours, options.seed, list[Tally]()
    while True:
        for target in map(find, options.target) if options.target else TARGETS:
            tally = run(target, options.mutants, seed)
            print(tally, flush=True)  # noqa: T201
            for number, how, what in tally.faults[:5]:
                print(f"  {number} {how}: {' '.join(what.split())[-300:]}", flush=True)  # noqa: T201
            if options.faults is not None:
                keep(tally, target, seed, options.faults)
            tallies.append(tally)
        seed += 1
        if time.monotonic() >= until:
            return tallies


if __name__ == "__main__":
    sys.exit(any(tally.faults for tally in main()))
