"""Work is spread over threads of one core each, and comes back in order."""

from __future__ import annotations

import multiprocessing
import threading

import pytest
import torch

from symbolic_music.models.attention.threads import spread

CPU = torch.device("cpu")


pytestmark = pytest.mark.usefixtures("two_threads")


def test_results_come_in_order_from_threads_of_one_core() -> None:
    met = threading.Barrier(2)

    def work(item: int) -> tuple[int, int, int]:
        met.wait(timeout=60)  # so that both threads take part
        return item, torch.get_num_threads(), threading.get_ident()

    results = spread(work, range(8), CPU)
    assert [item for item, _, _ in results] == list(range(8))
    assert {threads for _, threads, _ in results} == {1}
    assert len({ident for _, _, ident in results} | {threading.get_ident()}) == 3
    assert torch.get_num_threads() == 2


def test_few_items_stay_in_the_calling_thread() -> None:
    assert spread(lambda _: threading.get_ident(), [0], CPU) == [threading.get_ident()]
    torch.set_num_threads(1)
    assert set(spread(lambda _: threading.get_ident(), range(5), CPU)) == {threading.get_ident()}


def test_the_number_of_threads_may_change() -> None:
    for threads in (3, 2):
        torch.set_num_threads(threads)
        assert spread(lambda _: torch.get_num_threads(), range(6), CPU) == [1] * 6
        assert torch.get_num_threads() == threads


def test_errors_reach_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        spread(lambda item: 1 // item, [2, 1, 0, 3], CPU)


@torch.inference_mode()
def test_tensors_of_inference_may_be_written() -> None:
    x = torch.zeros(4)
    spread(lambda i: x[i].add_(i), range(4), CPU)
    assert x.tolist() == [0, 1, 2, 3]


def _child(results: multiprocessing.SimpleQueue[list[int]]) -> None:
    results.put(spread(lambda item: item * item, range(4), CPU))


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    assert spread(lambda item: item, range(4), CPU) == [0, 1, 2, 3]
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    process = context.Process(target=_child, args=(results,))
    process.start()
    process.join(timeout=60)
    try:
        assert process.exitcode == 0
        assert results.get() == [0, 1, 4, 9]
    finally:
        process.kill()


def test_other_devices_have_a_queue_of_their_own() -> None:
    work = spread(lambda _: threading.get_ident(), range(5), torch.device("meta"))
    assert set(work) == {threading.get_ident()}
