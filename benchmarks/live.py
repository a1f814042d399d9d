"""The latency of `symbolic-music live`: from the end of a phrase's pause to the first note, and the latest note.

python benchmarks/live.py [--phrases 4]

Phrases of eight notes come from a scripted input as fast as they would be played; notes go to an output that keeps when
they came. No port of the machine takes part, so its driver and the instrument add their own latency.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from arguments import arguments
from mido import Message
from result_file import row, write_result

import symbolic_music as sm
from symbolic_music.studio.live import answers

TUNE = (60, 62, 64, 65, 67, 65, 64, 62)
APART, HELD = 0.2, 0.15


class Keyboard:
    """Plays the tune whenever it is listened to again after an answer."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin the tune."""
        begun = time.monotonic() + 0.05
        self._due = [(begun + APART * i + off * HELD, off, pitch) for i, pitch in enumerate(TUNE) for off in (0, 1)]

    def iter_pending(self) -> Iterator[Any]:
        """Messages whose time has come."""
        while self._due and self._due[0][0] <= time.monotonic():
            _, off, pitch = self._due.pop(0)
            yield Message("note_off" if off else "note_on", note=pitch, velocity=0 if off else 80)


class Silence:
    """An output that plays nothing."""

    def send(self, message: Any) -> None:
        """Take a message."""


def main() -> None:
    asked = arguments(phrases=4)
    rows = []
    for name, accompaniment in (("piano", None), ("song", None), ("song", 33)):
        keyboard, found = Keyboard(), []
        played = answers(keyboard, Silence(), sm.load_model(name), seconds=4.0, accompaniment=accompaniment)
        for answer in played:
            found.append(answer)
            if len(found) > asked.phrases:
                break
            keyboard.restart()
        what = f"{name}, {'continuation' if accompaniment is None else 'bass under the phrase'}"
        # The first answer of a process pays for what is prepared once.
        rows.append(row(f"{what}: first note", 1000 * statistics.median(a.first_after for a in found[1:]), "ms"))
        rows.append(row(f"{what}: latest note", 1000 * max(a.latest for a in found[1:]), "ms"))
    write_result("live", asked.phrases, rows, "all used")


if __name__ == "__main__":
    main()
