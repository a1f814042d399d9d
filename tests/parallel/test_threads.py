"""Workers of one process: results in order, from this thread and others, whatever their number."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import torch

from symbolic_music.parallel.threads import Workers, one_core

pytestmark = pytest.mark.usefixtures("two_threads")


def where(item: int) -> tuple[int, int, int]:
    return item, torch.get_num_threads(), threading.get_ident()


def calls_of(count: int) -> Iterator[Callable[[], tuple[int, int, int]]]:
    return (partial(where, item) for item in range(count))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_results_come_in_order(count: int) -> None:
    with Workers(count) as workers, one_core():
        found = list(workers.results(calls_of(40)))
    assert [item for item, _, _ in found] == list(range(40))
    assert {threads for _, threads, _ in found} == {1}
    assert torch.get_num_threads() == 2


def test_a_thread_that_others_start_meanwhile_keeps_all_cores() -> None:
    found: list[int] = []
    with one_core():
        assert torch.get_num_threads() == 1
        other = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        other.start()
        other.join()
    assert found == [2]


def test_one_has_no_other_thread() -> None:
    before = threading.active_count()
    with Workers(1) as workers:
        assert workers.alone
        assert threading.active_count() == before
        assert {ident for _, _, ident in workers.results(calls_of(5))} == {threading.get_ident()}
        assert workers.submit(threading.get_ident).result() == threading.get_ident()


def test_two_work_side_by_side_and_end() -> None:
    before, met = threading.active_count(), threading.Barrier(2)

    def meet() -> int:
        met.wait(timeout=60)
        return threading.get_ident()

    with Workers(2) as workers:
        # Two are given out; this thread makes the third and meets the first.
        assert len(set(workers.results([meet, meet, meet, meet]))) == 2
        assert workers.submit(threading.get_ident).result() != threading.get_ident()
    assert threading.active_count() == before


def test_what_has_not_begun_is_dropped() -> None:
    go_on, made = threading.Event(), []
    with Workers(2) as workers:
        workers.submit(go_on.wait)
        late = workers.submit(partial(made.append, 1))
        threading.Timer(0.2, go_on.set).start()
    assert late.cancelled()
    assert made == []


def test_errors_reach_the_caller() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    for count in (1, 2):
        with Workers(count) as workers, pytest.raises(ZeroDivisionError):
            list(workers.results([int, fail, int]))
