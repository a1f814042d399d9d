"""Predicted events a CPU second in training: the region model beside the anticipatory transformer, in one run.

python benchmarks/region_training.py STORE [--steps 6] [--name region-training]

Both at the shapes of their configs (configs/song.yaml, configs/multitrack.yaml), in bfloat16, on one thread: loss and
gradients of batches from the same store. Events are the notes that are predicted; of the anticipatory model half of a
batch is arranged as edits, whose controls predict nothing.
"""

from __future__ import annotations

import time
from typing import Any

import torch
from arguments import arguments
from result_file import row, write_result

from symbolic_music.models.architectures.anticipatory import EVENT
from symbolic_music.tokenizers.region.rows import KIND, NOTE, PREDICTED
from symbolic_music.training.config import parse_config
from symbolic_music.training.task import Share, Task
from symbolic_music.training.tasks.factory import task_of


def events_of(name: str, table: torch.Tensor) -> int:
    """Notes that a batch predicts."""
    if name == "region-transformer":
        return int(((table[:, 1:, KIND] == NOTE) & (table[:, 1:, PREDICTED] > 0)).sum())
    return int((table[:, 1:, 3] == EVENT).sum())


def rate(name: str, task: Task, steps: int) -> dict[str, float]:
    """Events and rows a CPU second."""
    torch.manual_seed(0)
    network = task.network()
    batches = task.batches(0, Share())
    events = rows = 0
    began = 0.0
    for step in range(steps + 1):
        (batch,) = next(batches)
        if step == 1:
            began = time.process_time()
        with torch.autocast("cpu", torch.bfloat16):
            loss = task.loss(network, *batch.tensors)
        (loss / batch.tokens).backward()  # type: ignore[no-untyped-call]
        network.zero_grad()
        if step:
            events, rows = events + events_of(name, batch.tensors[0]), rows + batch.tensors[0][..., 0].numel()
    seconds = time.process_time() - began
    return {"events": events / seconds, "rows": rows / seconds}


def main() -> None:
    asked = arguments("store", steps=6, name="region-training")
    torch.set_num_threads(1)
    shared: dict[str, Any] = {"name": "bench", "data": {"stores": {asked.store: 1.0}}}
    configs = {
        "region-transformer": {**shared, "optim": {"batch": 6}, "data": {**shared["data"], "kind": "regions"}},
        "anticipatory": {**shared, "optim": {"batch": 8}, "data": {**shared["data"], "kind": "edits"}},
    }
    found = {}
    for name, tree in configs.items():
        found[name] = rate(name, task_of(parse_config({**tree, "model": {"architecture": name}})), asked.steps)
    ours, before = found["region-transformer"], found["anticipatory"]
    rows = [row(f"{what} a CPU second in training", ours[what], f"{what}/s", before[what], "anticipatory",
                ours[what] / before[what]) for what in ("events", "rows")]  # fmt: skip
    write_result(asked.name, asked.steps, rows)


if __name__ == "__main__":
    main()
