"""Threads that each compute a share of one operation, one for each core.

PyTorch's own threads split every small product and meet again after it, hundreds of times in a blocked operation;
where other programs use the cores too, each meeting waits for whichever thread is not running. Whole heads need no
meeting.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from symbolic_music.parallel.threads import thread_pool

Item = TypeVar("Item")
Result = TypeVar("Result")

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_size = 0


def spread(work: Callable[[Item], Result], items: Sequence[Item], device: torch.device) -> list[Result]:
    """`work` of each item, in as many threads as PyTorch uses; in this one where that would leave most of them idle.

    So it is on other devices than the CPU too, which have a queue of work of their own, this thread's.

    Results come in the order of the items. Gradients are not recorded, and autocast is off, in the threads.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1 or len(items) == 1 or 2 * len(items) < threads:
        return [work(item) for item in items]
    inference = torch.is_inference_mode_enabled()

    def run(item: Item) -> Result:
        with torch.inference_mode(inference), torch.no_grad():
            return work(item)

    return list(_threads(threads).map(run, items))


def _threads(size: int) -> ThreadPoolExecutor:
    """The pool, made anew when PyTorch's number of threads changed."""
    global _pool, _size
    with _lock:
        if _pool is None or _size != size:
            if _pool is not None:
                _pool.shutdown(wait=False)
            _pool, _size = thread_pool(size, "attention"), size
        return _pool


def _forget() -> None:
    """After a fork the threads are the parent's."""
    global _pool, _lock
    _pool, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
