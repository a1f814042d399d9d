"""Notes a second of each public family's sampler with a full window, beside transformers with its cache.

    python benchmarks/public_models.py [--families midigpt aria skytnt midi-llm] [--rounds 2]

Random weights of the published shapes, one thread, processor time. The cache of both sides is filled with random keys
and values up to the window's end, less what is drawn: reading so much through the network would change no figure. Ours
is the library's sampler, grammar and drawing included, without a slide of the window; alternatives go on from the same
music, as those of an edit do; the peer is transformers' network
of the same shape with `DynamicCache`, float32, which draws with the published nucleus from all ids. transformers has no
Aria: its Llama of the same shape stands for it. SkyTNT's own sampler is two of transformers' Llamas with their caches,
as here. Each measurement is a process of its own, in turns; the least of each is kept, since what disturbs only adds.

The originals of these families keep a cache; that of the anticipation models does not, see `sampling.py`.

Writes benchmarks/results/public_models.json; families that are not named keep their rows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from result_file import RESULTS, row, write_result
from torch import Tensor, nn

from symbolic_music import tokenizers
from symbolic_music.generation import with_weights
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.decoding.skytnt_sampler import PUBLISHED_ROW_SAMPLING, Permitted
from symbolic_music.generation.inference.ragged_families import RaggedWindows
from symbolic_music.generation.inference.token_backends import StackReader
from symbolic_music.generation.left_to_right.batched_ids import IdLines
from symbolic_music.generation.left_to_right.skytnt_batch import RowLines
from symbolic_music.models import Card, Model
from symbolic_music.models.architectures.aria import Aria, AriaConfig
from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config
from symbolic_music.models.architectures.midi_llm import MidiLlm, MidiLlmConfig
from symbolic_music.models.architectures.skytnt import SkyTnt, SkyTntConfig
from symbolic_music.models.checkpoints.config_and_weights import Undrawn
from symbolic_music.tokenizers.anticipation import vocabulary as v

# Ids of a note, and those of a window: MIDI-LLM's pieces have at most 2,046.
IDS_A_NOTE = {"midigpt": 4, "aria": 3, "skytnt": 1, "midi-llm": 3}
WINDOW = {"midigpt": 2048, "aria": 8192, "skytnt": 4096, "midi-llm": 2048}
OURS = ("float32", "float16", "int8")
PEER = "transformers"
# Ids, or rows, that are drawn in one go, of which the fastest counts.
DRAWN, GOES = 6, 3
TITLES = {
    "midigpt": "MIDI-GPT, 87 M", "aria": "Aria, 658 M", "skytnt": "SkyTNT, 234 M", "midi-llm": "MIDI-LLM, 1.47 B",
}  # fmt: skip


def filled(network: nn.Module) -> nn.Module:
    """Small random weights, drawn fast."""
    for parameter in network.parameters():
        nn.init.uniform_(parameter, -0.03, 0.03)
    return network.eval().requires_grad_(False)


def of_family(family: str) -> Model[Any]:
    """A model of random weights in the published shape."""
    with Undrawn():
        network: nn.Module
        if family == "midigpt":
            network = GPT2(GPT2Config(vocabulary=647, context=2048, tied=False, scale_by_layer=False))
        elif family == "aria":
            network = Aria(AriaConfig())
        elif family == "midi-llm":
            network = MidiLlm(MidiLlmConfig(context=2048))
        else:
            network = SkyTnt(SkyTntConfig())
    tokenizer = tokenizers.get("anticipation" if family == "midi-llm" else family)
    return Model(filled(network), Card(family, 1, "", ""), tokenizer=tokenizer)


def least(draws: Iterator[Any]) -> float:
    """Seconds of processor time a draw, of the fastest go, after the first draw."""
    next(draws)
    found = []
    for _ in range(GOES):
        begun = time.process_time()
        for _ in range(DRAWN):
            next(draws)
        found.append((time.process_time() - begun) / DRAWN)
    return min(found)


def ours(family: str, kind: str, count: int = 1) -> float:
    """Seconds a note of all alternatives together."""
    model = with_weights(of_family(family), kind)
    held = WINDOW[family] - DRAWN * GOES - 16
    generators = [torch.Generator().manual_seed(n) for n in range(count)]
    if family == "skytnt":
        rows = RowLines(model, PUBLISHED_ROW_SAMPLING, generators)
        fill(rows._reader, model.tokenizer.layout.row("note", 0, 4, 1, 0, 60, 80, 4), held)
        return least(_rows(rows)) / count
    lines = IdLines(model, Sampling(), generators)
    assert isinstance(lines.reader, StackReader)
    fill(lines.reader.windows, 1, held)
    permitted = np.zeros(v.SIZE, bool) if family == "midi-llm" else None
    for line in lines.lines:
        if permitted is None:
            line.begin()
        else:
            permitted[: v.CONTROL] = True
            line.feed([v.AUTOREGRESS])
    return IDS_A_NOTE[family] * least(_ids(lines, permitted)) / count


def fill(windows: RaggedWindows[Any], item: Any, held: int) -> None:
    """As if all pieces had read the same items: those after the first look at its keys and values."""
    pieces = len(windows._windows)
    for buffer in (*windows._keys, *windows._values):
        buffer[0].normal_()
    windows._windows, windows._numbers = [[item] * held for _ in range(pieces)], [held] * pieces
    windows._shared = held if pieces > 1 else 0


def _ids(lines: IdLines, permitted: Any) -> Iterator[None]:
    while True:
        for number, one in lines.draw({n: line.allowed(permitted) for n, line in enumerate(lines.lines)}).items():
            line, state = lines.lines[number], lines.lines[number].state
            line.feed([one.token])
            # Random weights end a piece now and then: it goes on as if that had been any other id.
            if not line.allowed(permitted).any():
                line.state = state
        yield


def _rows(lines: RowLines) -> Iterator[None]:
    while True:
        asked = dict.fromkeys(range(len(lines.lines)), Permitted(frozenset({"note"})))
        for number, drawn in lines.draw(asked).items():
            lines.lines[number].feed(drawn.row)
        yield


def peer(family: str) -> float:
    """Seconds a note of transformers."""
    from transformers import DynamicCache, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, LlamaModel

    def llama(width: int, layers: int, heads: int, key_heads: int, hidden: int, ids: int) -> Any:
        return LlamaConfig(vocab_size=ids, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
                           num_key_value_heads=key_heads, intermediate_size=hidden, max_position_embeddings=8192,
                           tie_word_embeddings=family == "midi-llm", pad_token_id=None)  # fmt: skip

    with Undrawn():
        if family == "midigpt":
            config: Any = GPT2Config(vocab_size=647, n_positions=2048, n_embd=768, n_layer=12, n_head=12,
                                     bos_token_id=None, eos_token_id=None)  # fmt: skip
            network: Any = unset(GPT2LMHeadModel)(config)
        elif family == "aria":
            network = unset(LlamaForCausalLM)(llama(1536, 16, 24, 24, 6144, 17_727))
        elif family == "midi-llm":
            network = unset(LlamaForCausalLM)(llama(2048, 16, 32, 8, 8192, 183_286))
        else:
            network = unset(LlamaModel)(llama(1024, 12, 16, 16, 4096, 3406))
            within = unset(LlamaModel)(llama(1024, 3, 4, 4, 1024, 3406))
            head = nn.Linear(1024, 3406, bias=False)
    filled(network)
    cache, c = DynamicCache(), network.config
    shape = (1, getattr(c, "num_key_value_heads", None) or c.num_attention_heads, WINDOW[family] - DRAWN * GOES - 16)
    for layer in range(c.num_hidden_layers):
        keys = torch.randn(*shape, c.hidden_size // c.num_attention_heads)
        cache.update(keys, keys.clone(), layer)
    nucleus = {"midigpt": (1.0, 0), "aria": (0.95, 0), "skytnt": (0.98, 20), "midi-llm": (0.98, 0)}[family]

    @torch.inference_mode()
    def ids() -> Iterator[None]:
        last = torch.ones(1, 1, dtype=torch.long)
        while True:
            out = network(last, past_key_values=cache, use_cache=True)
            last = drawn(out.logits[:, -1], *nucleus)
            yield

    @torch.inference_mode()
    def rows() -> Iterator[None]:
        last = torch.ones(1, 1, 8, dtype=torch.long)
        while True:
            given = network.embed_tokens(last).sum(-2)
            given = network(inputs_embeds=given, past_key_values=cache, use_cache=True).last_hidden_state
            row_cache, found = DynamicCache(), []
            for _ in range(8):
                out = within(inputs_embeds=given, past_key_values=row_cache, use_cache=True).last_hidden_state
                found.append(drawn(head(out)[:, -1], *nucleus))
                given = within.embed_tokens(found[-1])
            last = torch.cat(found, dim=1)[None]
            yield

    if family == "skytnt":
        filled(within), filled(head)
        return least(rows())
    return IDS_A_NOTE[family] * least(ids())


def unset(kind: Any) -> Any:
    """A network of transformers that does not draw its first weights."""
    return type(kind.__name__, (kind,), {"_init_weights": lambda self, module: None, "__module__": kind.__module__})


def drawn(logits: Tensor, top_p: float, top_k: int) -> Tensor:
    """An id of each row of logits, as the published samplers draw it."""
    probabilities, order = logits.softmax(-1).sort(descending=True)
    probabilities[probabilities.cumsum(-1) - probabilities > top_p] = 0
    if top_k:
        probabilities[:, top_k:] = 0
    return order.gather(1, torch.multinomial(probabilities, 1))


def measured(family: str, what: str) -> float:
    """Seconds a note, in this process."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if what == PEER:
        return peer(family)
    kind, _, count = what.partition(" x ")
    return ours(family, kind, int(count or 1))


def run(family: str, what: str) -> float:
    """`measured` in a fresh process."""
    words = [sys.executable, __file__, "--measure", family, what]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    seconds = float(done.stdout.split()[-1])
    print(f"{family:10} {what:14} {seconds:.4f} s a note", file=sys.stderr, flush=True)
    return seconds


def rows_of(family: str, rounds: int) -> list[dict[str, Any]]:
    """Rows of one family: notes a second of each kind of weights."""
    asked = [PEER, *OURS, "float32 x 8", "int8 x 8"]
    found: dict[str, list[float]] = {what: [] for what in asked}
    for _ in range(rounds):
        for what in asked:
            found[what].append(run(family, what))
    best = {what: min(seconds) for what, seconds in found.items()}
    rows = []
    for what in asked[1:]:
        kind, _, count = what.partition(" x ")
        title = f"{TITLES[family]}, {kind}" + (f", {count} alternatives" if count else "")
        other = "transformers, cached, float32"
        rows.append({"family": family, **row(title, 1 / best[what], "notes/s", 1 / best[PEER], other,
                                             best[PEER] / best[what])})  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="+", choices=TITLES, default=[*TITLES])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(measured(*asked.measure))
        return
    path = RESULTS / "public_models.json"
    kept = json.loads(path.read_text())["rows"] if path.is_file() else []
    for family in asked.families:
        kept = [one for one in kept if one["family"] != family] + rows_of(family, asked.rounds)
        ordered = [one for name in TITLES for one in kept if one["family"] == name]
        write_result("public_models", asked.rounds, ordered, "1 thread, processor time",
                     "python benchmarks/public_models.py")  # fmt: skip


if __name__ == "__main__":
    main()
