"""Notes whose program is another in a note store that was prepared anew.

    python benchmarks/stores_changed.py OLD NEW [OLD NEW …]

Stores of the same files, prepared by an older and a newer reader. Pieces are matched by their file and its hash. A note
counts when the older store has none of its onset, duration, pitch, velocity, drums or not, and program in its piece:
`of another program` when the older one has it with another program, `added` when it has it not at all. Results go to
benchmarks/results/stores-changed.json.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from programs_changed import content, missing
from result_file import write_result
from tokenizers_remi_compound import row

from symbolic_music.corpora import NoteStore


def compared(old: NoteStore, new: NoteStore) -> Counter[str]:
    """Counts of pieces and notes."""
    known = {(piece.source, piece.sha256): index for index, piece in enumerate(old.pieces())}
    found: Counter[str] = Counter()
    for index, piece in enumerate(new.pieces()):
        if (piece.source, piece.sha256) not in known:
            found["pieces of the newer store only"] += 1
            continue
        ours, theirs = content(new[index]), content(old[known[piece.source, piece.sha256]])
        changed = missing(ours, theirs)
        ours[:, 1] &= ~0xFF
        theirs[:, 1] &= ~0xFF
        added = missing(ours, theirs)
        found["pieces"] += 1
        found["notes"] += len(ours)
        found["of another program"] += changed - added
        found["added"] += added
        found["pieces changed"] += changed > 0
    return found


def main() -> None:
    """Compare and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stores", type=Path, nargs="+", metavar="OLD NEW")
    paths = parser.parse_args().stores
    rows, pieces = [], 0
    for old, new in zip(paths[::2], paths[1::2], strict=True):
        found = compared(NoteStore(old), NoteStore(new))
        pieces += found["pieces"]
        for what, whole in (
            ("of another program", "notes"), ("added", "notes"), ("pieces changed", "pieces"),
        ):  # fmt: skip
            rows.append(row(f"{new.name}: {'notes ' if whole == 'notes' else ''}{what}", found[what], found[whole],
                            whole, "count"))  # fmt: skip
        print(dict(found))
    write_result("stores-changed", pieces, rows)


if __name__ == "__main__":
    sys.exit(main())
