"""Tasks in parallel processes of this machine, which end with their parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from symbolic_music.errors import WorkerError

Task = TypeVar("Task")
Result = TypeVar("Result")


def by_processes(
    function: Callable[[Task], Result], tasks: Sequence[Task], workers: int
) -> Iterator[tuple[int, Result]]:
    """The numbers of tasks and their results as they are done, in any order.

    Raises:
        WorkerError: when a process dies, out of memory or by a file that crashes its reader.
    """
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_live_with_parent)
    try:
        with _held_back(signal.SIGINT, signal.SIGTERM):  # for the workers from their birth on, as they inherit it
            futures = {pool.submit(function, task): number for number, task in enumerate(tasks)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool:
        lost = sorted(number for future, number in futures.items() if not future.done() or future.exception())
        raise WorkerError(
            f"a worker died in task {lost[0] + 1} of {len(tasks)} or the {workers} after it; run it again with "
            "--workers 1, or with fewer workers if memory ran out"
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
