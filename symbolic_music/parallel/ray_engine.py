"""Tasks on Ray, on a cluster or locally.

Folders that tasks read and write have to be the same on all machines, as on a shared file system.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any, TypeVar

from symbolic_music.errors import FileError, MissingExtraError, SymbolicMusicError

Task = TypeVar("Task")
Result = TypeVar("Result")


def by_ray(function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[tuple[int, Result]]:
    """The numbers of tasks and their results as they are done, on Ray, connected to already or started here.

    Raises:
        MissingExtraError: when Ray is not installed.
        SymbolicMusicError: that the function raises, on whatever machine; FileError for errors of the system.
    """
    if find_spec("ray") is None:
        raise MissingExtraError("ray", "ray")
    import ray

    if not ray.is_initialized():
        ray.init(logging_level=logging.ERROR)
    # It would draw its own bars, on files too, over those of the command line.
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    # Each task a block of its own, since a table cannot hold tasks as they are.
    rows = [{"task": pickle.dumps((number, function, task))} for number, task in enumerate(tasks)]
    dataset = ray.data.from_items(rows, override_num_blocks=max(1, len(rows))).map(_run_row)
    for row in dataset.iter_rows():
        number, result, error = pickle.loads(row["done"])  # ours, of a moment ago; nothing is loaded from files
        if error is not None:
            raise error
        yield number, result


def _run_row(row: dict[str, Any]) -> dict[str, Any]:
    number, function, task = pickle.loads(row["task"])  # ours too
    done: tuple[int, Any, SymbolicMusicError | None]
    try:
        done = number, function(task), None
    except SymbolicMusicError as error:  # Ray would wrap it in pages of its own
        done = number, None, error
    except OSError as error:
        done = number, None, FileError(str(error))
    return {"done": pickle.dumps(done)}
