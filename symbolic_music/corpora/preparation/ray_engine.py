"""Build the segments of a store with Ray Data, on a cluster or locally.

The folder of the sources and that of the store have to be the same on all machines, as on a shared file system.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from symbolic_music.corpora.preparation.segment_builder import Task, build
from symbolic_music.errors import FileError, MissingExtraError


def by_ray(tasks: Sequence[Task]) -> Iterator[int]:
    """Build on Ray, connected to already or started here; numbers of segments as they are done, in any order.

    Raises:
        MissingExtraError: when Ray is not installed.
        FileError: when a segment cannot be written, on whatever machine.
    """
    if find_spec("ray") is None:
        raise MissingExtraError("ray", "ray")
    import ray

    if not ray.is_initialized():
        ray.init(logging_level=logging.ERROR)
    # It would draw its own bars, on files too, over those of the command line.
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    # Each task a block of its own: a segment is enough work for one, and a table cannot hold tasks as they are.
    rows = [{"task": pickle.dumps(task)} for task in tasks]
    dataset = ray.data.from_items(rows, override_num_blocks=max(1, len(rows))).map(_build_row)
    for row in dataset.iter_rows():
        if row["mistake"]:
            raise FileError(row["mistake"])
        yield int(row["number"])


def _build_row(row: dict[str, Any]) -> dict[str, Any]:
    task = pickle.loads(row["task"])  # ours, of a moment ago; nothing is loaded from files
    try:
        return {"number": build(task), "mistake": ""}
    except (FileError, OSError) as error:  # Ray would wrap it in pages of its own
        return {"number": task.number, "mistake": str(error)}
