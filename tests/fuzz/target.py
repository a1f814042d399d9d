"""What a fuzz target is: files that are good, and a way in for them when they are not any more."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.mutations import mutated

Files = dict[str, bytes]


@dataclass(frozen=True)
class Target:
    """A way in.

    seeds: sound sets of files, by their names in a folder. read: what is done with the folder; whatever it raises that
    is no error of ours is a fault. seal: makes a damaged set look whole again, as one who damages it on purpose would.
    seconds, megabytes: what one mutant may take beyond what the process has.
    """

    name: str
    seeds: Callable[[], Sequence[Files]]
    read: Callable[[Path], object]
    seal: Callable[[Files, random.Random], Files] | None = None
    seconds: float = 10.0
    megabytes: float = 500.0


def mutant(target: Target, seeds: Sequence[Files], seed: int, number: int) -> Files:
    """The mutant of this number: the same for the same seed, on any machine."""
    rng = random.Random(f"{target.name}/{seed}/{number}")
    files = dict(rng.choice(seeds))
    name = rng.choice(sorted(files))
    files[name] = mutated(files[name], name, rng)
    return files if target.seal is None else target.seal(files, rng)


def write(files: Files, folder: Path) -> None:
    """Write a set of files into a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
