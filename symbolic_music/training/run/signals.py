"""Stop a run between two steps."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptions() -> Iterator[list[int]]:
    """A list that fills when Ctrl-C or SIGTERM arrives, so that a loop can stop between steps."""
    stop: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        stop.append(number)

    try:
        previous = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread: whoever runs us handles signals
        yield stop
        return
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
