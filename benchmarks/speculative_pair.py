"""A pair of networks of one set of ids, a small one and a large one, trained for minutes; and their wider equals.

What a draft saves depends on how often the large network takes its draws, which is a matter of training, and on what
each costs, which is one of shape. A pair of the published shapes cannot be trained on a CPU. So a narrow pair is
trained, and each of the two is made as wide and deep as a published shape without changing what it computes: the
stream is repeated side by side, and the layers that are added add nothing to it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config
from symbolic_music.tokenizers.anticipation import vocabulary as v

WIDTH, HEADS = 128, 2
LAYERS = {"draft": 1, "large": 4}
# Of times, durations and notes.
_BLOCKS = ((v.TIME, v.DURATION), (v.DURATION, v.NOTE), (v.NOTE, v.REST + 1))


def trained(which: str, store: Path, folder: Path, seconds: float) -> None:
    """Train one of the pair for this many seconds of processor time; a quarter and a half of it are kept too."""
    import symbolic_music as sm

    torch.manual_seed(0)
    windows = sm.corpora.Windows(
        sm.corpora.NoteStore(str(store)), sm.tokenizers.get("anticipation"), sm.corpora.Packed(factor=1), split="train"
    )
    network = GPT2(GPT2Config(width=WIDTH, layers=LAYERS[which], heads=HEADS, dropout=0.0, attention_dropout=0.0))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.1, betas=(0.9, 0.98))
    order = torch.randperm(len(windows)).tolist()
    begun, steps, mean = time.process_time(), 0, 0.0
    marks = [0.25, 0.5, 1.0]
    while marks:
        part = (time.process_time() - begun) / seconds
        if part >= marks[0]:
            torch.save(network.state_dict(), folder / f"{which}-{marks.pop(0):g}.pt")
            print(f"{which}: {steps} steps, {mean:.2f} nats an event", file=sys.stderr, flush=True)
            continue
        ids = torch.stack([windows[order[(2 * steps + i) % len(order)]] for i in range(2)]).long()
        optimizer.param_groups[0]["lr"] = 1e-3 * min(1.0, (steps + 1) / 40) * (1 - 0.9 * part)
        nats = loss(network, ids)
        optimizer.zero_grad()
        nats.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        steps += 1
        mean = nats.item() if steps == 1 else 0.95 * mean + 0.05 * nats.item()


def loss(network: GPT2, ids: Tensor) -> Tensor:
    """Nats an event of windows (B, 1,024), each id among those of its own kind."""
    with torch.autocast("cpu", torch.bfloat16):
        states = network.states(ids[:, :-1]).view(len(ids), -1, 3, network.config.width)
        total = torch.zeros(())
        targets = ids[:, 1:].reshape(len(ids), -1, 3)
        is_event = (targets[..., 0] < v.DURATION) & (targets[..., 2] < v.CONTROL)
        # Split once: the gradient of each slice by itself would be as large as the whole table.
        sizes = [last - first for first, last in _BLOCKS]
        heads = network.embedding.weight.split([*sizes, v.SIZE - sum(sizes)])
        for place, (first, _) in enumerate(_BLOCKS):
            scores = functional.linear(states[:, :, place][is_event], heads[place])
            total = total + functional.cross_entropy(scores.float(), targets[..., place][is_event] - first)
    return total


def loaded(which: str, folder: Path, part: float = 1.0) -> GPT2:
    """One of the pair, after all of its training or a part of it."""
    network = GPT2(GPT2Config(width=WIDTH, layers=LAYERS[which], heads=HEADS)).eval()
    network.load_state_dict(torch.load(folder / f"{which}-{part:g}.pt", weights_only=True))
    return network


@torch.no_grad()
def widened(network: GPT2, width: int, layers: int) -> GPT2:
    """A network of another shape with the same logits; its width is a multiple."""
    times, c = width // network.config.width, network.config
    wide = GPT2(GPT2Config(width=width, layers=layers, heads=times * c.heads)).eval()
    old, new = dict(network.named_parameters()), dict(wide.named_parameters())
    for name, parameter in new.items():
        layer = int(name.split(".")[1]) if name.startswith("blocks.") else 0
        if layer >= c.layers:
            if ".out." in name:
                parameter.zero_()  # what it adds to the stream
            continue
        parameter.copy_(_repeated(name, old[name], times, c))
    # Each product of a state and a row of the table is that of all copies together.
    wide.norm.weight /= times
    wide.norm.bias /= times
    return wide


def _repeated(name: str, tensor: Tensor, times: int, c: GPT2Config) -> Tensor:
    """A parameter of the narrow network in the place of the wide one's."""
    if name.startswith(("embedding", "position")):
        return tensor.repeat(1, times)
    parts = tensor.chunk(3) if "query_key_value" in name else (tensor,)
    rows = torch.cat([part.repeat(times, *[1] * (part.dim() - 1)) for part in parts])
    return rows.repeat(1, times) / times if tensor.dim() == 2 else rows


def main() -> None:
    which, store, folder, seconds = sys.argv[1:]
    torch.set_num_threads(1)
    Path(folder).mkdir(parents=True, exist_ok=True)
    trained(which, Path(store), Path(folder), float(seconds))


if __name__ == "__main__":
    main()
