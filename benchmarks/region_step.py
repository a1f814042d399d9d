"""A training step of the region model as a share of this machine's matrix rate, and its attention beside torch's.

    python benchmarks/region_step.py STORE [--rounds 3] [--threads 1]

The shape of configs/song.yaml: four rows of up to 1,024, forward and backward, in bfloat16 and in float32. The matrix
rate is that of products of 1,024 x 1,024, in the same run; operations are those of matrix products, as torch counts
them. Then causal attention of 16 heads of 64 over 1,024 rows, forward and backward. Seconds are of the processor, the
least of all rounds. Writes benchmarks/results/region-step.json.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from arguments import arguments
from result_file import row, write_result
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from symbolic_music.models.attention.causal_blocks import blockwise_attention
from symbolic_music.training.config import parse_config
from symbolic_music.training.task import Share
from symbolic_music.training.tasks.factory import task_of

TYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}
SIZE = 1024


def least(call: Callable[[], object], rounds: int) -> float:
    """Seconds of the processor, the first call not counted."""
    taken = []
    for _ in range(rounds + 1):
        begun = time.process_time()
        call()
        taken.append(time.process_time() - begun)
    return min(taken[1:])


def main() -> None:
    asked = arguments("store", rounds=3, threads=1)
    torch.set_num_threads(asked.threads)
    torch.manual_seed(0)
    tree = {
        "name": "bench",
        "data": {"kind": "regions", "stores": {asked.store: 1.0}, "chords": 0.4, "keys": 0.3},
        "model": {"architecture": "region-transformer", "window": SIZE, "harmony": True},
        "optim": {"batch": 4},
    }
    task = task_of(parse_config(tree))
    network = task.network()
    (batch,) = next(task.batches(0, Share()))

    def step(name: str) -> None:
        with torch.autocast("cpu", TYPES[name], enabled=name != "float32"):
            loss = task.loss(network, *batch.tensors)
        network.zero_grad(set_to_none=True)
        (loss / batch.tokens).backward()  # type: ignore[no-untyped-call, operator]

    def attention(name: str, of: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        with torch.autocast("cpu", TYPES[name], enabled=name != "float32"):
            found = of(*heads)
        found.sum().backward()  # type: ignore[no-untyped-call]

    def theirs(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return functional.scaled_dot_product_attention(query[None], key[None], value[None], is_causal=True)[0]

    with FlopCounterMode(display=False) as counter:
        step("float32")
    operations = counter.get_total_flops()
    heads = [torch.randn(16, SIZE, 64, requires_grad=True) for _ in range(3)]
    rows = []
    for name, kind in TYPES.items():
        square = torch.randn(SIZE, SIZE).to(kind)
        rate = 2 * SIZE**3 / least(lambda square=square: square @ square, 2 * asked.rounds) / 1e9  # type: ignore[misc]
        ours = operations / least(lambda name=name: step(name), asked.rounds) / 1e9  # type: ignore[misc]
        rows.append(row(f"training step, {name}", ours, "GFLOP/s", rate, "products of matrices", ours / rate))
    for name in TYPES:
        mine, its = (
            1000 * least(lambda name=name, of=of: attention(name, of), asked.rounds)  # type: ignore[misc]
            for of in (blockwise_attention, theirs)
        )
        what = f"causal attention, 16 heads, {SIZE:,} rows, {name}"
        rows.append(row(what, mine, "ms of the processor", its, "torch's fused attention", its / mine))
    write_result("region-step", asked.rounds, rows, f"{asked.threads} used, CPU time")


if __name__ == "__main__":
    main()
