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
    for _ in range(size):
        pool.submit(int)  # starts a thread
    ready.wait()
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
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Workers:
    """Threads for the parts and the stages of one work, begun when they are needed and ended with it.

    With a count of one there is none, and everything is computed where it is asked for. Results and their order do not
    depend on the count.

        with Workers(torch.get_num_threads()) as workers:
            for block in workers.ahead(blocks):
                ...
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._pools: list[ThreadPoolExecutor] = []
        self._parts = self._pool(count, "part") if count > 1 else None

    def _pool(self, size: int, name: str) -> ThreadPoolExecutor:
        self._pools.append(thread_pool(size, name))
        return self._pools[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the threads; what has not begun is not computed any more."""
        for pool in self._pools:
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in self._pools:
            pool.shutdown()

    def results(self, calls: Iterable[Callable[[], Result]]) -> Iterator[Result]:
        """The results of calls in their order, computed side by side: of twice as many as there are threads at once."""
        if self._parts is None:
            for call in calls:
                yield call()
            return
        pending: deque[Future[Result]] = deque()
        for call in calls:
            pending.append(self._parts.submit(call))
            if len(pending) > 2 * self.count:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()

    def ahead(self, items: Iterable[Item]) -> Iterator[Item]:
        """Items of an iterable: while one is used, the next is computed in a thread."""
        return iter(items) if self._parts is None else _ahead(self._pool(1, "stage"), iter(items))


def _ahead(stage: ThreadPoolExecutor, items: Iterator[Item]) -> Iterator[Item]:
    end = object()
    coming = stage.submit(next, items, end)
    while (item := coming.result()) is not end:
        coming = stage.submit(next, items, end)
        yield item  # type: ignore[misc]
