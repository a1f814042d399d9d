"""The published model of 780 M parameters on a CPU: memory to load it, and notes a second beside transformers.

    python benchmarks/large_model.py FOLDER [--threads 2]

FOLDER is made, of random weights in the published layout (3 GB, float32), unless it is there. Memory is the largest
resident set while `load_model` runs, over the one before, beside the bytes of the weights. Notes a second are those of
a whole cycle of a window, as in sampling.py, from float16 weights; the peer is transformers' GPT-2 with its cache,
float32, at the end of a full window, without any slide. Each is a process of its own.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from arguments import parser_of
from result_file import row, write_result
from sampling import CONTEXT, drawn, ours

ROWS = 55_030  # of the published table; two are never drawn


def make(folder: Path) -> None:
    """Random weights in the layout of transformers."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=ROWS, n_positions=1024, n_embd=1280, n_layer=36, n_head=20,
                        scale_attn_by_inverse_layer_idx=True, bos_token_id=None, eos_token_id=None)  # fmt: skip
    GPT2LMHeadModel(config).save_pretrained(folder)


def resident() -> int:
    """The largest resident set so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def loading(folder: Path) -> dict[str, float]:
    """Memory and seconds of loading."""
    import torch  # noqa: F401

    from symbolic_music.models import load_model

    before, begin = resident(), time.perf_counter()
    network = load_model(str(folder), device="cpu").network
    seconds, most = time.perf_counter() - begin, resident() - before
    return {"bytes": most, "weights": sum(p.numel() * p.element_size() for p in network.parameters()),
            "seconds": seconds}  # fmt: skip


def notes(folder: Path) -> dict[str, float]:
    """Seconds a note."""
    from symbolic_music.models import load_model

    return {"seconds": ours("float16", 1, 0, load=lambda: load_model(str(folder), device="cpu").network)}


def peer(folder: Path) -> dict[str, float]:
    """Seconds a note of transformers, the least of three."""
    import torch
    from transformers import GPT2LMHeadModel

    model, found = GPT2LMHeadModel.from_pretrained(folder).eval(), []
    ids = torch.randint(0, 27_512, (1, CONTEXT))
    with torch.inference_mode():
        for _ in range(3):
            cache = model(ids[:, :-1], use_cache=True, logits_to_keep=1).past_key_values
            last, begin = ids[:, -1:], time.perf_counter()
            for _ in range(6):
                out = model(last, past_key_values=cache, use_cache=True)
                cache, last = out.past_key_values, drawn(out.logits[:, -1])
            found.append((time.perf_counter() - begin) / 2)
    return {"seconds": min(found)}


def run(what: str, folder: Path, threads: int) -> dict[str, float]:
    """One of these in a fresh process."""
    words = [sys.executable, __file__, str(folder), "--threads", str(threads), "--measure", what]
    environment = {"OMP_WAIT_POLICY": "passive", **os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = parser_of(("folder", Path), threads=2)
    parser.add_argument("--measure", choices=["loading", "notes", "peer"])
    asked = parser.parse_args()
    if asked.measure:
        import torch

        torch.set_num_threads(asked.threads)
        print(json.dumps({"loading": loading, "notes": notes, "peer": peer}[asked.measure](asked.folder)))
        return
    if not (asked.folder / "config.json").is_file():
        make(asked.folder)
    loaded = run("loading", asked.folder, asked.threads)
    here, there = (run(what, asked.folder, asked.threads)["seconds"] for what in ("notes", "peer"))
    rows = [
        row("memory to load, of the weights", loaded["bytes"] / loaded["weights"]),
        row("seconds to load", loaded["seconds"], "s"),
        row("notes a second, float16", 1 / here, "notes/s", 1 / there, "transformers, cached, float32", there / here),
    ]
    write_result("large_model", 1, rows, f"{asked.threads} threads used")


if __name__ == "__main__":
    main()
