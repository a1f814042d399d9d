"""Stores packed for the way to another machine, in parts of 18 MiB, and back.

    python benchmarks/store_parts.py pack lakh freedoom groove chorales -o parts
    python benchmarks/store_parts.py unpack parts -o stores

A store becomes NAME.tar.xz.000, .001 ...; what is unpacked is the store, byte for byte.
"""

from __future__ import annotations

import argparse
import io
import tarfile
from pathlib import Path

PART = 18 << 20


def pack(stores: list[Path], out: Path, part: int = PART) -> list[Path]:
    """Write the parts of stores; returns them."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for store in stores:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:xz") as archive:
            archive.add(store, store.name)
        data = packed.getvalue()
        for number, first in enumerate(range(0, len(data), part)):
            written.append(out / f"{store.name}.tar.xz.{number:03}")
            written[-1].write_bytes(data[first : first + part])
    return written


def unpack(parts: Path, out: Path) -> list[Path]:
    """Stores of a folder of parts; those that are there already stay."""
    names = sorted({path.name.rsplit(".tar.xz.", 1)[0] for path in parts.glob("*.tar.xz.*")})
    for name in names:
        if (out / name).exists():
            continue
        data = b"".join(path.read_bytes() for path in sorted(parts.glob(f"{name}.tar.xz.*")))
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:xz") as archive:
            archive.extractall(out, filter="data")
    return [out / name for name in names]


def main() -> None:
    """Parse arguments and do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["pack", "unpack"])
    parser.add_argument("sources", type=Path, nargs="+")
    parser.add_argument("-o", "--out", type=Path, required=True)
    args = parser.parse_args()
    found = pack(args.sources, args.out) if args.what == "pack" else unpack(args.sources[0], args.out)
    for path in found:
        print(path)


if __name__ == "__main__":
    main()
