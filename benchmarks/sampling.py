"""Sampling the anticipatory encoding with a GPT-2 of 128 M parameters, beside transformers and the published algorithm.

    python benchmarks/sampling.py speed [--rounds 3] [--threads 2]
    python benchmarks/sampling.py loss JSB_CHORALES_FILE [--seconds 300]
    python benchmarks/sampling.py kernels

`speed`: random weights, on the CPU. Ours is measured over a whole cycle of a window of 341 events, from one slide to
the next (170 notes an alternative), so that what a slide costs is part of a note: the first 170 notes of
alternatives, whose windows begin alike, and for one row the next 170, whose windows have nothing in common. Notes are
drawn at most 0.1 s apart, for the window to be full before the clock is. The peer is `transformers`' GPT-2 with its
cache, three ids a note at positions 1,017 to 1,022, without any slide. The published algorithm (three forward passes
over the last 1,017 ids a note, no cache, logits of all positions) is run with the same peer for two notes, which
stand for all. Each measurement is a process of its own, in turns, `--rounds` times; the least of each is kept, since
what disturbs only adds.

`loss`: a small GPT-2 is trained on chorales for some seconds, and the NLL of test pieces is found id by id with each
kind of weights: the blocks that may follow, as the sampler has them. The same is found for a random model of 128 M on
what it would draw itself: entropy, and entropy and the divergence that the rounding makes.

`kernels`: ms to multiply one vector, and eight, by the 48 matrices of the blocks.

Writes benchmarks/results/sampling.json; each command keeps the rows of the others.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arguments import parser_of
from result_file import RESULTS, commit, row, write_result

# What is measured: kind of weights, alternatives, and how many windows were filled before.
OURS = {
    "float32, batch 1": ("float32", 1, 0),
    "float32, batch 8": ("float32", 8, 0),
    "float32, batch 8, later": ("float32", 8, 1),
    "float16, batch 1": ("float16", 1, 0),
    "float16, batch 8": ("float16", 8, 0),
    "int8, batch 1": ("int8", 1, 0),
    "int8, batch 8": ("int8", 8, 0),
}
PEER, PUBLISHED = "transformers, cached", "published algorithm"
CONTEXT = 1017  # ids


def measure(what: str, threads: int) -> float:
    """Seconds a note of all alternatives together, in this process."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    if what == PEER:
        return peer_cached()
    return peer_published() if what == PUBLISHED else ours(*OURS[what])


def ours(kind: str, count: int, before: int, preset: str = "small", load: Callable[[], Any] | None = None) -> float:
    """From one slide to the next, after so many windows more; `load` gives the network, else of random weights."""
    import numpy as np

    from symbolic_music.generation.constraints.base import Constraint
    from symbolic_music.generation.decoding.context_window import Layout
    from symbolic_music.generation.decoding.event_request import Request
    from symbolic_music.generation.decoding.event_sampler import AnticipationSampler
    from symbolic_music.generation.inference.prepared_gpt2 import PreparedGPT2
    from symbolic_music.models.architectures.gpt2 import GPT2, PRESETS

    @dataclass(frozen=True)
    class Dense(Constraint):
        def onsets(self, situation: Any, times: Any) -> Any:
            return times <= situation.now[:, None] + 10

        def passing(self, situation: Any, times: Any) -> Any:
            return times < 0

    network = GPT2(PRESETS[preset]).eval() if load is None else load()
    layout = Layout.of(network.config.context)
    past = np.array([(5 * i, 20, 128 * (i % 3) + 60 + i % 12) for i in range(layout.capacity - 1)], np.int32)
    start = int(past[-1, 0])
    request = Request(start + 100_000, start, past, constraints=(Dense(),))
    sampler = AnticipationSampler(PreparedGPT2(network, kind), request, count)
    stream = sampler.stream()
    for _ in range((4 + before * layout.hop) * count):  # the first slide is among them
        next(stream)
    begin = time.perf_counter()
    for _ in range(layout.hop * count):
        next(stream)
    return (time.perf_counter() - begin) / layout.hop / count


def peer() -> Any:
    """transformers' GPT-2 of the same shape."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from symbolic_music.tokenizers.anticipation import vocabulary as v

    config = GPT2Config(vocab_size=v.SIZE, n_positions=1024, n_embd=768, n_layer=12, n_head=12,
                        scale_attn_by_inverse_layer_idx=True, bos_token_id=None, eos_token_id=None)  # fmt: skip
    torch.manual_seed(0)
    return GPT2LMHeadModel(config).eval(), torch.randint(0, 27_512, (1, CONTEXT))


def peer_cached() -> float:
    """Two notes after 1,017 ids, top-p as ours, the faster of six runs."""
    import torch

    model, ids = peer()
    with torch.inference_mode():
        found = []
        for _ in range(6):
            cache = model(ids[:, :-1], use_cache=True, logits_to_keep=1).past_key_values
            last = ids[:, -1:]
            begin = time.perf_counter()
            for _ in range(6):
                out = model(last, past_key_values=cache, use_cache=True)
                cache, last = out.past_key_values, drawn(out.logits[:, -1])
            found.append((time.perf_counter() - begin) / 2)
    return min(found)


def peer_published() -> float:
    """Two notes, each of three whole passes."""
    import torch

    model, ids = peer()
    with torch.inference_mode():
        begin = time.perf_counter()
        for _ in range(2):
            for _ in range(3):
                ids = torch.cat([ids, drawn(model(ids[:, -CONTEXT:]).logits[:, -1])], dim=1)
        return (time.perf_counter() - begin) / 2


def drawn(logits: Any) -> Any:
    """Top-p 0.95 of a row of logits, of one of the blocks: as the published sampler does it."""
    import torch

    probabilities, order = logits[:, :10_000].softmax(-1).sort(descending=True)
    probabilities[probabilities.cumsum(-1) - probabilities > 0.95] = 0
    return order.gather(1, torch.multinomial(probabilities, 1))


def run(what: str, threads: int) -> float:
    """`measure` in a fresh process."""
    words = [sys.executable, __file__, "speed", "--measure", what, "--threads", str(threads)]
    environment = {"OMP_WAIT_POLICY": "passive", **os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    seconds = float(done.stdout)
    print(f"{what:24} {seconds:.4f} s a note", file=sys.stderr)
    return seconds


def speed(rounds: int, threads: int) -> list[dict[str, Any]]:
    """Rows of seconds a note and notes a second."""
    names = [*OURS, PEER]
    found: dict[str, list[float]] = {name: [] for name in [*names, PUBLISHED]}
    for n in range(rounds):
        for name in names if n else [*names, PUBLISHED]:
            found[name].append(run(name, threads))
    best = {name: min(seconds) for name, seconds in found.items()}
    rows = []
    for name in ("float32, batch 1", "float16, batch 1", "int8, batch 1"):
        rows += [
            row(f"a note, {name}", best[name], "s", best[other], other, best[other] / best[name])
            for other in (PEER, PUBLISHED)
        ]
    for kind in ("float32", "float16", "int8"):
        one, eight = 1 / best[f"{kind}, batch 1"], 1 / best[f"{kind}, batch 8"]
        rows.append(row(f"notes a second, {kind}, batch 8", eight, "notes/s", one, "the same, batch 1", eight / one))
    one, later = 1 / best["float32, batch 1"], 1 / best["float32, batch 8, later"]
    name = "notes a second, float32, batch 8, after 170 notes"
    rows.append(row(name, later, "notes/s", one, "the same, batch 1", later / one))
    return rows


def loss(path: Path, seconds: float) -> list[dict[str, Any]]:
    """Rows of NLL of a small trained model."""
    import numpy as np
    import torch
    from torch.nn import functional

    from symbolic_music.corpora.datasets.chorale_grid import read_chorales
    from symbolic_music.generation.inference.prepared_gpt2 import PreparedGPT2
    from symbolic_music.generation.inference.weight_formats import WEIGHTS
    from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config
    from symbolic_music.tokenizers.anticipation import vocabulary as v
    from symbolic_music.tokenizers.anticipation.events import events_of, pad, to_ids

    torch.manual_seed(0)
    corpus = read_chorales(path)
    pieces = {split: [pad(events_of(score)) for score in scores] for split, scores in corpus.items()}
    rows, random = 128, np.random.default_rng(0)

    def cut(events: Any, first: int) -> Any:
        part = events[first : first + rows].copy()
        part[:, 0] -= part[0, 0]
        return np.append(v.AUTOREGRESS, to_ids(part))

    def some(split: str, count: int) -> torch.Tensor:
        long = [events for events in pieces[split] if len(events) >= rows]
        chosen = [long[i] for i in random.integers(len(long), size=count)]
        return torch.as_tensor(np.stack([cut(e, random.integers(len(e) - rows + 1)) for e in chosen])).long()

    network = GPT2(GPT2Config(context=1 + 3 * rows, width=192, layers=6, heads=6, dropout=0.0, attention_dropout=0.0))
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.01, fused=True)
    begin, steps = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        ids = some("train", 8)
        hidden = network.states(ids[:, :-1]).view(8, rows, 3, -1)
        target = ids[:, 1:].view(8, rows, 3) - torch.tensor([v.TIME, v.DURATION, v.NOTE])
        # Split once: a gradient of each slice by itself would be as large as the whole table.
        heads = network.embedding.weight.split(
            [v.DURATION, v.NOTE - v.DURATION, v.CONTROL - v.NOTE, v.SIZE - v.CONTROL]
        )
        parts = [
            functional.cross_entropy(
                functional.linear(hidden[:, :, i], heads[i]).flatten(0, 1), target[:, :, i].flatten()
            )
            for i in range(3)
        ]
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1, (steps + 1) / 20)
        optimizer.zero_grad()
        sum(parts).backward()  # type: ignore[union-attr]
        optimizer.step()
        steps += 1
    print(f"{steps} steps, training NLL an event {sum(part.item() for part in parts):.3f}", file=sys.stderr)
    random = np.random.default_rng(1)
    ids = some("test", 16)
    found = {kind: nll(PreparedGPT2(network.eval(), kind), ids) for kind in WEIGHTS}
    return [
        row(f"NLL an event, {kind} weights (6 layers of 192, trained {steps} steps on chorales)", found[kind],
            "nats", found["float32"], "float32", found[kind] / found["float32"])
        for kind in WEIGHTS if kind != "float32"
    ]  # fmt: skip


def nll(prepared: Any, ids: Any) -> float:
    """Nats an event of (B, 1 + 3 N) ids."""
    scores = block_scores(prepared, ids)
    total = 0.0
    for at, one in enumerate(scores):
        target = ids[:, at + 1] - OFFSETS[at % 3]
        total -= one.gather(1, target[:, None]).sum().item()
    return total / (len(ids) * (ids.shape[1] // 3))


def peaked(count: int = 8, events: int = 40) -> list[dict[str, Any]]:
    """Rows of what a random model of 128 M that is as sure as a trained one loses on its own music: KL an event."""
    import torch

    from symbolic_music.generation.inference.prepared_gpt2 import PreparedGPT2
    from symbolic_music.generation.inference.weight_formats import WEIGHTS
    from symbolic_music.models.architectures.gpt2 import GPT2, PRESETS
    from symbolic_music.tokenizers.anticipation import vocabulary as v

    torch.manual_seed(0)
    network = GPT2(PRESETS["small"]).eval()
    with torch.no_grad():
        network.norm.weight *= 6
        for block in network.blocks:
            # As large as what is added to the stream in a trained model, beside the embedding.
            for matrix in (block.attention.out, block.feed_forward.out):
                matrix.weight *= 5
    time, duration = torch.randint(0, 50, (count, events)).cumsum(1), torch.randint(0, 300, (count, events))
    note = torch.randint(0, v.MAX_NOTE, (count, events))
    rows = torch.stack([v.TIME + time, v.DURATION + duration, v.NOTE + note], dim=2)
    ids = torch.cat([torch.full((count, 1), v.AUTOREGRESS), rows.flatten(1)], dim=1)
    scores = {kind: block_scores(PreparedGPT2(network, kind), ids) for kind in WEIGHTS}
    exact = scores["float32"]
    entropy = -sum((one.exp() * one).sum().item() for one in exact) / (count * events)
    found = []
    for kind in WEIGHTS:
        if kind != "float32":
            pairs = zip(exact, scores[kind], strict=True)
            lost = sum((one.exp() * (one - other)).sum().item() for one, other in pairs) / (count * events)
            label = f"NLL an event on a random model's own distribution, 128 M, {kind} weights"
            found.append(row(label, entropy + lost, "nats", entropy, "float32", (entropy + lost) / entropy))
    return found


OFFSETS = (0, 10_000, 11_000)  # of the blocks of times, durations, notes


def block_scores(prepared: Any, ids: Any) -> list[Any]:
    """Log-probabilities of the block of each id after the first, of (B, 1 + 3 N) ids read id by id."""
    import torch

    from symbolic_music.generation.inference.ragged_gpt2 import RaggedGPT2

    reader, out = RaggedGPT2(prepared, len(ids)), []
    heads = (prepared.output.rows(0, OFFSETS[1]), prepared.durations, prepared.notes)
    with torch.inference_mode():
        for at in range(ids.shape[1] - 1):
            states = reader.read(range(len(ids)), ids[:, at : at + 1].tolist())
            out.append(heads[at % 3](states).double().log_softmax(-1))
    return out


def kernels(threads: int) -> list[dict[str, Any]]:
    """Rows of ms."""
    import torch

    from symbolic_music.generation.inference.weight_formats import Float16, Float32, Int8

    torch.set_num_threads(threads)
    shapes = [(2304, 768), (768, 768), (3072, 768), (768, 3072)] * 12
    weights = [torch.randn(shape) * 0.02 for shape in shapes]

    def dynamic(weight: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        scales = weight.abs().amax(1) / 127
        zeros = torch.zeros(len(weight), dtype=torch.long)
        whole = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        packed = torch.ops.quantized.linear_prepack(whole, None)
        return lambda x: torch.ops.quantized.linear_dynamic(x, packed)

    def linear(weight: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda x: torch.nn.functional.linear(x, weight)

    makers: dict[str, Callable[[torch.Tensor], Callable[[torch.Tensor], torch.Tensor]]] = {
        "float32, oneDNN": Float32, "float16": Float16, "int8": Int8, "int8, vectors rounded too": dynamic,
    }  # fmt: skip
    rows = []
    for count in (1, 8):
        vectors = {width: torch.randn(count, width) for width in (768, 3072)}

        def least(matrices: list[Any], vectors: dict[int, Any] = vectors) -> float:
            found = []
            for _ in range(15):
                begin = time.perf_counter()
                for matrix, shape in zip(matrices, shapes, strict=True):
                    matrix(vectors[shape[1]])
                found.append(time.perf_counter() - begin)
            return 1000 * min(found)

        with torch.inference_mode():
            plain = least([linear(w) for w in weights])
            for name, make in makers.items():
                taken = least([make(w) for w in weights])
                label = f"{count} vector{'s' * (count > 1)} by 85 M weights, {name}"
                rows.append(row(label, taken, "ms", plain, "torch linear", plain / taken))
    return rows


def store(what: str, rows: list[dict[str, Any]], args: argparse.Namespace) -> None:
    """Write a result, beside the rows of the other commands."""
    from importlib.metadata import version

    path = RESULTS / "sampling.json"
    old = json.loads(path.read_text()) if path.is_file() else {"parts": {}}
    words = [Path(a).name if Path(a).exists() else a for a in sys.argv[1:]]
    parts = {**old["parts"], what: {"command": "python benchmarks/sampling.py " + " ".join(words),
                                    "commit": commit(), "rows": rows}}  # fmt: skip
    ordered = [name for name in ("speed", "loss", "kernels") if name in parts]
    write_result(
        "sampling",
        args.rounds,
        [one for name in ordered for one in parts[name]["rows"]],
        f"{args.threads} threads used",
        "; ".join(parts[name]["command"] for name in ordered),
        versions={name: version(name) for name in ("torch", "transformers")},
        parts=parts,
    )


def main() -> None:
    """Parse arguments, measure, print and store."""
    parser = parser_of(("what", ["speed", "loss", "kernels"]), ("file?", Path), rounds=3, threads=2, seconds=300.0)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(measure(args.measure, args.threads))
    elif args.what == "speed":
        store("speed", speed(args.rounds, args.threads), args)
    elif args.what == "kernels":
        store("kernels", kernels(args.threads), args)
    elif args.file is None:
        parser.error("loss needs the file of the chorales")
    else:
        store("loss", [*peaked(), *loss(args.file, args.seconds)], args)


if __name__ == "__main__":
    main()
