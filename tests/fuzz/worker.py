"""A process that tries mutants one after another and may die: `python -m tests.fuzz.worker TARGET SEED FIRST COUNT`.

A line before each mutant, and a line of JSON after it: how it went, seconds of processor time, and
the memory that it took beyond what the process had, or all that a child of it had, where that is more.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

from symbolic_music.errors import SymbolicMusicError
from tests.fuzz.target import Files, Target, mutant, write


def megabytes() -> float:
    """Most memory since `forget`."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def forget() -> float:
    """Count the most memory from here on; returns what there is now."""
    Path("/proc/self/clear_refs").write_text("5")
    return megabytes()


def of_children() -> float:
    """Most memory of a child that has ended, of all that this process had."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def of_new_children(before: float) -> float:
    """Most memory of a child since `of_children` was `before`, as far as it is more.

    0 where it is no more than what the child was forked with, which counts too.
    """
    most = of_children()
    return most if most > max(before, megabytes()) else 0.0


def used() -> float:
    """Seconds of processor time of this process and of its children that have ended."""
    return sum(os.times()[:4])


def tried(target: Target, files: Files) -> dict[str, object]:
    """Read a mutant, and say how it went: read, refused (with the error), or crashed (with the end of the trace)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(files, folder)
        before, started, children = forget(), used(), of_children()
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                target.read(folder)
            how, what = "read", ""
        except SymbolicMusicError as error:
            how, what = "refused", f"{type(error).__name__}: {str(error)[:200]}"
        except BaseException:
            how, what = "crashed", traceback.format_exc()[-1500:]
        return {
            "how": how,
            "what": what,
            "seconds": round(used() - started, 3),
            "megabytes": round(max(megabytes() - before, of_new_children(children)), 1),
        }


def main() -> None:
    """Try the mutants that the command line names."""
    from tests.fuzz.targets import find

    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print, as MidiTok's training does, is no report
    name, seed, first, count = sys.argv[1], *map(int, sys.argv[2:5])
    target = find(name)
    seeds = target.seeds()
    for files in seeds:  # sound files are read once first: what that imports is nobody's memory
        whole = dict(files) if target.seal is None else target.seal(dict(files), _Still())
        found = tried(target, whole)
        assert found["how"] == "read", found["what"]
    for number in range(first, first + count):
        print(number, file=report, flush=True)
        print(json.dumps(tried(target, mutant(target, seeds, seed, number))), file=report, flush=True)


class _Still:
    """A generator that damages nothing."""

    def random(self) -> float:
        return 1.0

    def choice(self, values):
        return values[0]


if __name__ == "__main__":
    main()
