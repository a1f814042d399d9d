"""Run one function for many tasks, wherever that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeVar, get_args

from symbolic_music.errors import OptionError, UnknownNameError
from symbolic_music.parallel.processes import by_processes
from symbolic_music.parallel.ray_engine import by_ray

Engine = Literal["processes", "ray"]
ENGINES: tuple[str, ...] = get_args(Engine)
Task = TypeVar("Task")
Result = TypeVar("Result")


def run(
    function: Callable[[Task], Result], tasks: Sequence[Task], workers: int = 1, engine: str = "processes"
) -> Iterator[tuple[int, Result]]:
    """Yield the number of each task and its result as they are done, in any order.

    The results do not depend on the workers or the engine, if the function depends on its task alone.

        for number, size in parallel.run(os.path.getsize, paths, workers=4):
            ...

    Args:
        function: of a module, so that other processes find it.
        tasks: that can be pickled.
        workers: processes; with one, the tasks are run here, in turn. With the engine ray, what Ray has.
        engine: processes or ray.

    Raises:
        UnknownNameError: for an engine that does not exist.
        OptionError: for less than one worker.
        WorkerError: when a process dies.
        MissingExtraError: when Ray is not installed.
    """
    check(engine, workers)
    if engine == "ray":
        yield from by_ray(function, tasks)
    elif workers == 1 or len(tasks) <= 1:
        for number, task in enumerate(tasks):
            yield number, function(task)
    else:
        yield from by_processes(function, tasks, min(workers, len(tasks)))


def run_all(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    workers: int = 1,
    engine: str = "processes",
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """The results of all tasks, in their order; errors as `run`.

    Args:
        function, tasks, workers, engine: as in `run`.
        progress: called with the number of tasks done and of all.
    """
    done: dict[int, Result] = {}
    for number, result in run(function, tasks, workers, engine):
        done[number] = result
        if progress is not None:
            progress(len(done), len(tasks))
    return [done[number] for number in range(len(tasks))]


def check(engine: str, workers: int) -> None:
    """Raise the errors of `run` for an engine and a number of workers."""
    if engine not in ENGINES:
        raise UnknownNameError(f"no engine {engine!r}; there are: {', '.join(ENGINES)}")
    if workers < 1:
        raise OptionError("--workers takes a number from 1 on")
