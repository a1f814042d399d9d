"""All that is to be known of a GPU, in one command of at most twelve minutes: tests, a table, and a training.

    python benchmarks/gpu.py                          tests and table on the GPU
    python benchmarks/gpu.py --train --parts parts    and then as much of the training as there is time for
    python benchmarks/gpu.py --small                  the same code at small sizes, on any device

Tests: those of tests/test_devices.py. Table: relative attention beside causal SDPA in bfloat16, forward and backward,
ms and the peak of memory in MB; training steps of the published sizes, in ids a second and as a share of the rate of a
large product of matrices in the same run; sampling of 128 M and 780 M parameters at 1, 8 and 64 sequences, in ids a
second. Training: configs/gpu/song-large.yaml, on the stores of --parts (see store_parts.py) or --stores.

Each row is written to benchmarks/results/gpu.json (gpu_small.json) as soon as it is measured. Stopped anywhere, the
same command goes on: rows that are there are not measured again (--fresh does), a training resumes. What takes no
more than the memory that there is runs; what does not is a row that says so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from result_file import RESULTS, commit
from torch import Tensor, nn
from torch.nn import functional

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from symbolic_music.evaluation.likelihood import token_nats  # noqa: E402
from symbolic_music.models import registry  # noqa: E402
from symbolic_music.models.attention.relative import relative_attention  # noqa: E402
from symbolic_music.models.attention.relative_terms import Differences, Relation  # noqa: E402
from symbolic_music.training.config import OptimConfig  # noqa: E402
from symbolic_music.training.run.optimizers import optimizer_of  # noqa: E402
from symbolic_music.training.run.weight_average import Average  # noqa: E402

MINUTES = 12.0
HEADS, WIDTH = 8, 64
RELATED = (128, 48)  # steps and semitones apart that are distinguished
Row = dict[str, Any]
# architecture, preset, settings, ids of a window, windows of a batch
STEPS = {
    "Music Transformer, 19 M": ("music-transformer", "piano", {}, 2048, 8),
    "GPT-2, 128 M": ("gpt2", "small", {}, 1024, 16),
    "GPT-2, 780 M": ("gpt2", "large", {}, 1024, 8),
}
SMALL_STEPS = {
    "Music Transformer, small": ("music-transformer", "piano", {"width": 64, "layers": 2, "hidden": 64}, 128, 2),
    "GPT-2, small": ("gpt2", "small", {"width": 64, "layers": 2, "heads": 2, "vocabulary": 500}, 128, 2),
}
SAMPLED = {"GPT-2, 128 M": ("small", {}), "GPT-2, 780 M": ("large", {})}
SMALL_SAMPLED = {"GPT-2, small": ("small", {"width": 64, "layers": 2, "heads": 2, "vocabulary": 500, "context": 128})}


class Bench:
    """Rows that are measured once each, and kept as soon as they are."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.small, self.device = args.small, torch.device(args.device)
        self.path = args.out / ("gpu_small.json" if args.small else "gpu.json")
        self.deadline = time.monotonic() + 60 * args.minutes
        self.rows: list[Row] = []
        if self.path.is_file() and not args.fresh:
            kept = json.loads(self.path.read_text())
            self.rows = kept["rows"] if kept["machine"] == self.machine() else []

    def machine(self) -> str:
        """Where it runs."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else platform.machine()
        return f"{name}, {platform.system()}, torch {torch.__version__}"

    def left(self) -> float:
        """Seconds."""
        return self.deadline - time.monotonic()

    def row(self, metric: str, measure: Callable[[], Row]) -> None:
        """Measure a row unless it is there or there is no time; where memory does not suffice, say so."""
        if any(row["metric"] == metric for row in self.rows) or self.left() < 0:
            return
        try:
            found = measure()
        except torch.OutOfMemoryError as error:
            found = {"ours": None, "peer": None, "peer_name": "", "ratio": None, "unit": str(error).split(".")[0]}
        finally:
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
        self.rows.append({"metric": metric, **found})
        print(json.dumps(self.rows[-1]), flush=True)
        self.write()

    def write(self) -> None:
        """The rows so far, replaced whole."""
        result = {
            "name": self.path.stem, "command": "python benchmarks/gpu.py" + " --small" * self.small,
            "commit": commit(), "machine": self.machine(), "n": 1, "rows": self.rows,
        }  # fmt: skip
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".part")
        beside.write_text(json.dumps(result, indent=1) + "\n")
        os.replace(beside, self.path)

    def seconds(self, run: Callable[[], Any], rounds: int = 5) -> float:
        """Median of some rounds, after two to warm up."""
        taken = []
        for number in range(rounds + 2):
            self.wait()
            started = time.perf_counter()
            run()
            self.wait()
            if number > 1:
                taken.append(time.perf_counter() - started)
        return statistics.median(taken)

    def wait(self) -> None:
        """Until the device has computed all that it was asked for."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def memory(self, run: Callable[[], Any]) -> float:
        """Peak in MB over what was held before; nan where the device does not tell."""
        if self.device.type != "cuda":
            return float("nan")
        torch.cuda.reset_peak_memory_stats(self.device)
        before = torch.cuda.memory_allocated(self.device)
        run()
        self.wait()
        return (torch.cuda.max_memory_allocated(self.device) - before) / 1e6


def compared(ours: float, peer: float, name: str, unit: str, less_is_better: bool = True) -> Row:
    """A row beside a peer; ratios above 1 are ours' advantage."""
    if ours != ours or peer != peer:
        return {"ours": None, "peer": None, "peer_name": name, "ratio": None, "unit": unit}
    ratio = peer / ours if less_is_better else ours / peer
    return {"ours": round(ours, 3), "peer": round(peer, 3), "peer_name": name, "ratio": round(ratio, 3), "unit": unit}


def attention(bench: Bench) -> None:
    """Relative attention, and with time and pitch apart, beside causal SDPA."""
    for length in (256,) if bench.small else (2048, 4096, 8192):
        batch = 2 if bench.small else 4
        options: Any = {"device": bench.device, "dtype": torch.bfloat16}
        torch.manual_seed(0)
        q, k, v = (torch.randn(batch, HEADS, length, WIDTH, **options).requires_grad_() for _ in range(3))
        above = torch.randn(q.shape, **options)
        tables = [
            torch.randn(HEADS, n, WIDTH, **options).requires_grad_() for n in (length, *(2 * r + 1 for r in RELATED))
        ]
        times = (torch.arange(length, device=bench.device) // 4).expand(batch, -1)
        pitches = torch.randint(36, 84, (batch, length), device=bench.device)
        apart = [Differences(times, times, 1, RELATED[0]), Differences(pitches, pitches, 1, RELATED[1])]

        def plain(tensors: tuple[Tensor, ...] = (q, k, v), above: Tensor = above) -> None:
            out = functional.scaled_dot_product_attention(*tensors, is_causal=True)
            torch.autograd.grad(out, tensors, above)

        def relative(tensors: tuple[Tensor, ...] = (q, k, v, tables[0]), above: Tensor = above) -> None:
            torch.autograd.grad(relative_attention(*tensors), tensors, above)

        def related(
            tensors: tuple[Tensor, ...] = (q, k, v, *tables), above: Tensor = above, apart: list[Differences] = apart
        ) -> None:
            relations = [Relation(table, one) for table, one in zip(tensors[4:], apart, strict=True)]
            torch.autograd.grad(relative_attention(*tensors[:4], relations=relations), tensors, above)

        for name, run in (("relative attention", relative), ("with time and pitch", related)):
            what = f"{name}, {length:,} positions, forward and backward"
            bench.row(f"{what}: time", lambda run=run: compared(
                1e3 * bench.seconds(run), 1e3 * bench.seconds(plain), "causal SDPA", "ms"))  # fmt: skip
            bench.row(f"{what}: memory", lambda run=run: compared(
                bench.memory(run), bench.memory(plain), "causal SDPA", "MB"))  # fmt: skip


def matrix_rate(bench: Bench) -> float:
    """Operations a second of a large product in bfloat16."""
    size = 512 if bench.small else 8192
    a, b = (torch.randn(size, size, device=bench.device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * size**3 / bench.seconds(lambda: a @ b)


def training_step(bench: Bench, name: str, is_compiled: bool, rate: float) -> Row:
    """Ids a second of forward, backward, fused AdamW and the average; the share of the rate of matrices."""
    architecture, preset, settings, length, batch = (SMALL_STEPS if bench.small else STEPS)[name]
    torch.manual_seed(0)
    network = registry.get(architecture).build(settings, preset).to(bench.device).train()
    config: Any = network.config
    optimizer = optimizer_of(network, OptimConfig(), "bf16-mixed")
    average = Average(network)
    loss_of: Any = torch.compile(token_nats) if is_compiled else token_nats
    ids = torch.randint(config.vocabulary, (batch, length + 1), device=bench.device)[:, :length]
    mask = torch.ones(batch, length, dtype=torch.bool, device=bench.device)

    def run() -> None:
        with torch.autocast(bench.device.type, torch.bfloat16):
            loss = loss_of(network, ids, mask) / ids.numel()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.follow(0.999)

    seconds = bench.seconds(run, 3)
    speed = batch * length / seconds
    weights = sum(p.numel() for n, p in network.named_parameters() if p.dim() == 2 and "position" not in n)
    # Two operations a weight forward and four backward; scores and mixtures of causal attention, half of all pairs.
    operations = 6 * weights + 6 * config.layers * length * config.width
    return compared(speed, rate / operations, "matrix rate", "ids/s", less_is_better=False)


@torch.inference_mode()
def sampling(bench: Bench, name: str, batch: int) -> Row:
    """Ids a second of drawing, a cache and all: half precision, one after the other, after a prompt."""
    preset, settings = (SMALL_SAMPLED if bench.small else SAMPLED)[name]
    torch.manual_seed(0)
    network: Any = registry.get("gpt2").build(settings, preset).to(bench.device, torch.bfloat16).eval()
    size, count = network.config.vocabulary, 16 if bench.small else 128
    prompt = torch.randint(size, (batch, network.config.context // 2), device=bench.device)

    def draw(ids: int) -> None:
        cache = network.new_cache(batch)
        logits = network.step(prompt, cache)
        for _ in range(ids):
            drawn = torch.multinomial(torch.softmax(logits.float(), -1), 1)
            logits = network.step(drawn, cache)

    passed = bench.seconds(lambda: draw(count), 2) - bench.seconds(lambda: draw(0), 2)
    read = sum(p.numel() * p.element_size() for p in network.parameters())
    return {"ours": round(batch * count / passed, 1), "peer": None, "peer_name": "", "ratio": None,
            "unit": f"ids/s, {read * count / passed / 1e9:.1f} GB/s of weights"}  # fmt: skip


def table(bench: Bench) -> None:
    """All rows."""
    attention(bench)
    rate = matrix_rate(bench)
    bench.row("matrix rate, bfloat16", lambda: {
        "ours": round(rate / 1e12, 3), "peer": None, "peer_name": "", "ratio": None, "unit": "Tflop/s"})  # fmt: skip
    for name in SMALL_STEPS if bench.small else STEPS:
        for is_compiled in (False,) if bench.small else (False, True):
            how = ", compiled" * is_compiled
            bench.row(f"training step, {name}{how}", lambda name=name, is_compiled=is_compiled: training_step(
                bench, name, is_compiled, rate))  # fmt: skip
    for name in SMALL_SAMPLED if bench.small else SAMPLED:
        for batch in (1, 8) if bench.small else (1, 8, 64):
            bench.row(f"sampling, {name}, {batch} at a time", lambda name=name, batch=batch: sampling(
                bench, name, batch))  # fmt: skip


def tests(bench: Bench) -> None:
    """Those of devices, with this one."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/test_devices.py"]
    environment = {**os.environ, "SYMBOLIC_MUSIC_DEVICE": str(bench.device), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if done.returncode:
        raise SystemExit("tests fail on this device; nothing is measured")


def training(bench: Bench, config: Path, overrides: list[str]) -> None:
    """As many steps as there is time for, with a checkpoint at the end; the next call goes on."""
    from symbolic_music.training import load_config
    from symbolic_music.training.run.checkpoints import has_checkpoint

    resume = ["--resume"] if has_checkpoint(load_config(config, overrides).folder) else []
    command = [sys.executable, "-m", "symbolic_music", "train", str(config), *overrides, *resume]
    run = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        run.wait(timeout=max(1.0, bench.left()))
    except subprocess.TimeoutExpired:
        run.send_signal(signal.SIGTERM)  # it saves a checkpoint
        run.wait()
    if run.returncode not in (0, 130):
        raise SystemExit(f"the training ended with {run.returncode}")


def stores_of(args: argparse.Namespace) -> Iterator[str]:
    """Overrides that name the stores of the config where they are here."""
    if args.parts is not None:
        from store_parts import unpack

        unpack(args.parts, args.stores)
    from symbolic_music.training.yaml_config import read_tree

    known = read_tree(args.config)["data"]["stores"]
    yield "data.stores=" + json.dumps({str(args.stores / name): share for name, share in known.items()})


def main() -> None:
    """Parse arguments, and do it all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="small sizes, on any device")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--fresh", action="store_true", help="measure rows again")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--no-tests", action="store_true")
    parser.add_argument("--train", action="store_true", help="then train, for the minutes that are left")
    parser.add_argument("--config", type=Path, default=ROOT / "configs/gpu/song-large.yaml")
    parser.add_argument("--stores", type=Path, default=Path("stores"), help="the folder of the stores")
    parser.add_argument("--parts", type=Path, help="stores in parts, to unpack first")
    parser.add_argument("overrides", nargs="*", help="settings of the training, as optim.steps=100")
    args = parser.parse_args()
    if args.device == "cpu" and not args.small:
        parser.error("there is no GPU; --small tries the same code here")
    bench = Bench(args)
    if not args.no_tests:
        tests(bench)
    table(bench)
    if args.train:
        training(bench, args.config, [*stores_of(args), *args.overrides])


if __name__ == "__main__":
    main()
