"""Garbage collection while trees of notation are built."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Without searches for cycles: in trees of elements there are none, and searching them takes a third of the time.

    Threads that do this at once are safe: collection goes on when the one that stopped it ends.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
