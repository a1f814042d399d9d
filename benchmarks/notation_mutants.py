"""Damaged notation files: what is read, refused by name, raised otherwise; seconds and memory.

    python benchmarks/notation_mutants.py [--files 500]

Of each format files of music21's corpus are changed at random (bits, numbers made senseless, pieces cut, doubled and
moved, lines doubled), up to 3 MB, and read one after the other in a process of the format. Counted are exceptions
that the library does not name; the processor's seconds a file and a MB (of archives: of what they unpack to; a file
under 50 kB counts as 50 kB); and the most memory that the process held. Results go to
benchmarks/results/notation_mutants.json.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import random
import re
import resource
import tempfile
import time
import zipfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from arguments import arguments
from result_file import write_result

from symbolic_music import read
from symbolic_music.errors import NotationError, SymbolicMusicError
from symbolic_music.io.notation.archives import unpacked

FORMATS = {"musicxml": ".xml", "mxl": ".mxl", "kern": ".krn", "abc": ".abc"}
LARGEST = 3_000_000
NUMBERS = (
    b"99999999",
    b"-1",
    b"0",
    b"1e9",
    b"999999999999999999999",
    b"0.0000001",
    b"2147483648",
    b"",
    b"NaN",
    b"65535",
)


def seeds(suffix: str) -> list[bytes]:
    """Two dozen small files of music21's corpus."""
    music21 = find_spec("music21")  # not imported: it would count as memory
    assert music21 is not None
    assert music21.origin is not None
    paths = sorted((Path(music21.origin).parent / "corpus").rglob(f"*{suffix}"))
    paths = [path for path in paths if path.stat().st_size < 20_000]
    return [path.read_bytes() for path in paths[:: max(1, len(paths) // 25)]]


def mutant(data: bytes, rng: random.Random) -> bytes:
    """One to ten changes of one kind."""
    kind = rng.randrange(8)
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 3, 10))):
        if not out:
            break
        at = rng.randrange(len(out))
        if kind == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del out[at : at + rng.randrange(1, 400)]
        elif kind == 2:
            out[at:at] = (out[at : at + rng.randrange(1, 4000)] * rng.randrange(1, 20))[:LARGEST]
        elif kind == 3:
            found = list(re.finditer(rb"\d+", bytes(out)))
            for one in reversed(found[:: rng.randrange(1, 60)]):
                out[one.start() : one.end()] = rng.choice(NUMBERS)
        elif kind == 4:
            out[at:at] = rng.randbytes(rng.randrange(1, 50))
        elif kind == 5:
            del out[at:]
        elif kind == 6:
            start = rng.randrange(len(out))
            out[at : at + 200] = out[start : start + 200]
        else:
            lines = bytes(out).split(b"\n")
            lines.insert(rng.randrange(len(lines)), rng.choice(lines) * rng.randrange(1, 50))
            out = bytearray(b"\n".join(lines))
    return bytes(out[:LARGEST])


def archived(data: bytes, rng: random.Random) -> bytes:
    """A damaged archive, or a whole one of a damaged document."""
    if rng.random() < 0.5:
        return mutant(data, rng)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("score.xml", mutant(unpacked(data), rng))
    return buffer.getvalue()


def size_of(data: bytes) -> int:
    """Bytes, of an archive those of its document."""
    try:
        return len(unpacked(data)) if data.startswith(b"PK") else len(data)
    except NotationError:
        return len(data)


def tried(name: str, files: int, connection: Any) -> None:
    """Read mutants of a format; send the counts."""
    originals = seeds(FORMATS[name])
    count: Counter[str] = Counter()
    slowest = slowest_mb = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x{FORMATS[name]}"
        for number in range(files):
            rng = random.Random(f"{name} {number}")
            data = (archived if name == "mxl" else mutant)(rng.choice(originals), rng)
            path.write_bytes(data)
            begin = time.process_time()
            try:
                read(path)
                count["read"] += 1
            except SymbolicMusicError:
                count["named"] += 1
            except Exception as error:
                count["others"] += 1
                print(f"{name} {number}: {type(error).__name__}: {error}"[:200])
            took = time.process_time() - begin
            slowest = max(slowest, took)
            slowest_mb = max(slowest_mb, took / max(0.05, size_of(data) / 1e6))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    connection.send((dict(count), slowest, slowest_mb, memory))


def main() -> None:
    args = arguments(files=500)
    os.environ["OMP_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("spawn")
    rows: list[dict[str, Any]] = []
    for name in FORMATS:
        ours, theirs = context.Pipe()
        process = context.Process(target=tried, args=(name, args.files, theirs))
        process.start()
        theirs.close()
        try:
            count, slowest, slowest_mb, memory = ours.recv()
        except EOFError:
            count, slowest, slowest_mb, memory = {"died": 1}, 0.0, 0.0, 0.0
        process.join()
        for metric, value, unit in (
            ("read", count.get("read", 0), "files"),
            ("refused by name", count.get("named", 0), "files"),
            ("other exceptions", count.get("others", 0), "files"),
            ("processes that died", count.get("died", 0), "processes"),
            ("slowest file", slowest, "s"),
            ("slowest a MB", slowest_mb, "s/MB"),
            ("most memory of the process", memory, "MB"),
        ):
            print(f"{name}: {metric}: {value:g} {unit}")
            rows.append({"metric": f"{name}: {metric}", "ours": round(value, 3), "peer": None, "peer_name": "",
                         "ratio": None, "unit": unit})  # fmt: skip
        write_result("notation_mutants", args.files * len({row["metric"].split(":")[0] for row in rows}), rows)


if __name__ == "__main__":
    main()
