"""Threads of one core each, for work that one process shares among its cores."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def thread_pool(size: int, name: str) -> ThreadPoolExecutor:
    """A pool whose threads have all begun and have PyTorch use one core each."""
    threads, ready = torch.get_num_threads(), threading.Barrier(size + 1)
    pool = ThreadPoolExecutor(size, name, _use_one_core, (ready,))
    try:
        for _ in range(size):
            pool.submit(int)  # starts a thread
        ready.wait()
    except BaseException:
        ready.abort()  # else the threads that have begun would wait for the others
        raise
    # The threads set this number, each for itself, but what later threads begin with as well.
    torch.set_num_threads(threads)
    return pool


def _use_one_core(ready: threading.Barrier) -> None:
    torch.set_num_threads(1)
    torch.get_num_threads()  # from here on, the thread keeps its own number
    ready.wait()


@contextmanager
def one_core() -> Iterator[None]:
    """PyTorch uses one core in this thread: for work too small to share, beside threads that need the others."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    # What threads begin with that others start meanwhile is set, too; another thread sets it back.
    setting = threading.Thread(target=torch.set_num_threads, args=(threads,))
    setting.start()
    setting.join()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Workers:
    """The calling thread and others, for the parts of one work: begun when it begins, ended with it.

    With a count of one there is no other thread. Results and their order do not depend on the count. While the others
    work, PyTorch is to use one core in this thread too (`one_core`).

        with Workers(torch.get_num_threads()) as workers, one_core():
            for wave in workers.results(calls):
                ...
    """

    def __init__(self, count: int) -> None:
        self.alone = count == 1
        self._others = count - 1
        self._pool = thread_pool(count - 1, "worker") if count > 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the threads; what has not begun is not computed any more."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def submit(self, call: Callable[[], Result]) -> Future[Result]:
        """Have another thread make a call; this one makes it, at once, where there is no other."""
        if self._pool is not None:
            return self._pool.submit(call)
        return _done(call())

    def results(self, calls: Iterable[Callable[[], Result]]) -> Iterator[Result]:
        """The results of calls in their order. The others have two each to go on with; this thread makes the rest."""
        if self._pool is None:
            for call in calls:
                yield call()
            return
        coming: deque[tuple[Callable[[], Result], Future[Result]]] = deque()
        for call in calls:
            waiting = sum(not one.done() for _, one in coming)
            coming.append((call, self._pool.submit(call) if waiting < 2 * self._others else _done(call())))
            while coming and coming[0][1].done():
                yield coming.popleft()[1].result()
        # Nothing more to give out: this thread helps with what has not begun.
        for place, (call, one) in enumerate(coming):
            if one.cancel():
                coming[place] = call, _done(call())
        for _, one in coming:
            yield one.result()


def _done(result: Result) -> Future[Result]:
    future: Future[Result] = Future()
    future.set_result(result)
    return future
