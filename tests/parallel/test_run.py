"""One function for many tasks: the same results wherever it runs."""

from __future__ import annotations

import os

import pytest

from symbolic_music.errors import MidiError, OptionError, UnknownNameError, WorkerError
from symbolic_music.parallel import run


def square(number: int) -> int:
    if number == 99:
        raise MidiError("not a number")
    return number * number


def die(number: int) -> int:
    os._exit(number)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_is_run_once(workers: int) -> None:
    assert sorted(run(square, [3, 1, 2], workers)) == [(0, 9), (1, 1), (2, 4)]
    assert list(run(square, [], workers)) == []
    with pytest.raises(MidiError, match="not a number"):
        list(run(square, [1, 99], workers))


def test_a_worker_that_dies_is_one_error() -> None:
    with pytest.raises(WorkerError, match="run it again with --workers 1"):
        list(run(die, [1, 2, 3], 2))


def test_engines_and_workers_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="processes, ray"):
        next(run(square, [1], engine="threads"))
    with pytest.raises(OptionError):
        next(run(square, [1], 0))
