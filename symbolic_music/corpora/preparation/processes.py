"""Build the segments of a store one after another, or in parallel processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from symbolic_music.corpora.preparation.segment_builder import Task, build
from symbolic_music.errors import CorpusError


def in_turn(tasks: Sequence[Task]) -> Iterator[int]:
    """Build here, one after another; numbers of segments as they are done."""
    return map(build, tasks)


def by_processes(tasks: Sequence[Task], workers: int) -> Iterator[int]:
    """Build by this many processes; numbers of segments as they are done, in any order.

    Raises:
        CorpusError: when a process dies, out of memory or by a file that crashes its reader.
    """
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_live_with_parent)
    try:
        with _held_back(signal.SIGINT, signal.SIGTERM):  # for the workers from their birth on, as they inherit it
            futures = {pool.submit(build, task): task for task in tasks}
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool:
        open_tasks = sorted(task.number for future, task in futures.items() if not future.done() or future.exception())
        raise CorpusError(
            f"a worker died in segment {open_tasks[0]} or the {workers} after it; run it again with --workers 1, "
            "or with fewer workers if memory ran out"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _held_back(*signals: signal.Signals) -> Iterator[None]:
    """Keep signals waiting, where the system can: the parent gets them after, and ends the pool."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _live_with_parent() -> None:
    """End when the parent was killed; interrupts are for the parent.

    Python's workers wait for a parent that was killed for ever: each holds an end of the pipe that they read from.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be held back
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
