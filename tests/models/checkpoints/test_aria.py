"""Aria's checkpoints in their layout, tiny and random, and its architecture against a plain calculation."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import symbolic_music as sm
from symbolic_music.errors import ModelError
from symbolic_music.evaluation import aria_embedding
from symbolic_music.models import load_model
from symbolic_music.score import Score, Track, note_table

SIZE, WIDTH, HEADS, HIDDEN = 17_727, 128, 2, 256


def tensors(head: tuple[str, int] = ("lm_head", SIZE), layers: int = 2) -> dict[str, Tensor]:
    """Names and shapes as the published files have them."""
    shapes = {"model.tok_embeddings.weight": (SIZE, WIDTH), f"{head[0]}.weight": (head[1], WIDTH)}
    for layer in range(layers):
        shapes |= {
            f"model.encode_layers.{layer}.{name}.weight": shape
            for name, shape in (
                ("mixed_qkv", (3 * WIDTH, WIDTH)), ("att_proj_linear", (WIDTH, WIDTH)), ("norm1", (WIDTH,)),
                ("ff_gate_proj", (HIDDEN, WIDTH)), ("ff_up_proj", (HIDDEN, WIDTH)), ("ff_down_proj", (WIDTH, HIDDEN)),
                ("norm2", (WIDTH,)),
            )
        }  # fmt: skip
        shapes |= {f"model.encode_layers.{layer}.norm{i}.bias": (WIDTH,) for i in (1, 2)}
    shapes |= {f"model.out_layer_norm.{kind}": (WIDTH,) for kind in ("weight", "bias")}
    generator = torch.Generator().manual_seed(0)
    return {name: 0.2 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def by_hand(t: dict[str, Tensor], ids: Tensor) -> Tensor:
    """Final states of one sequence (L,) to (L, width), a position and a head at a time."""

    def normed(x: Tensor, name: str) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        return centred / (centred.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * t[f"{name}.weight"] + t[f"{name}.bias"]

    def at(vector: Tensor, position: int) -> Tensor:
        half = len(vector) // 2
        out = vector.clone()
        for i in range(half):
            angle = position * 500_000 ** (-i / half)
            a, b = float(vector[i]), float(vector[i + half])
            out[i] = a * math.cos(angle) - b * math.sin(angle)
            out[i + half] = b * math.cos(angle) + a * math.sin(angle)
        return out

    x, wide = t["model.tok_embeddings.weight"][ids], WIDTH // HEADS
    for layer in range(2):
        name = f"model.encode_layers.{layer}"
        q, k, v = (normed(x, f"{name}.norm1") @ t[f"{name}.mixed_qkv.weight"].T).chunk(3, -1)
        mixed = torch.zeros_like(x)
        for head in range(HEADS):
            own = slice(head * wide, (head + 1) * wide)
            for place in range(len(ids)):
                query = at(q[place, own], place)
                logits = torch.stack([query @ at(k[j, own], j) for j in range(place + 1)]) / math.sqrt(wide)
                mixed[place, own] = logits.softmax(0) @ v[: place + 1, own]
        x = x + mixed @ t[f"{name}.att_proj_linear.weight"].T
        y = normed(x, f"{name}.norm2")
        gate = y @ t[f"{name}.ff_gate_proj.weight"].T
        inner = gate * gate.sigmoid() * (y @ t[f"{name}.ff_up_proj.weight"].T)
        x = x + inner @ t[f"{name}.ff_down_proj.weight"].T
    return normed(x, "model.out_layer_norm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With no config.json, as a file downloaded by itself."""
    path = tmp_path_factory.mktemp("aria")
    save_file(tensors(), path / "model.safetensors")
    return path


def test_logits_are_those_of_the_architecture(folder: Path) -> None:
    t, network = tensors(), load_model(folder, "cpu").network
    ids = torch.randint(0, SIZE, (9,), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = network(ids[None])[0]
        assert torch.allclose(found, by_hand(t, ids) @ t["lm_head.weight"].T, atol=1e-3)
        cache = network.new_cache()
        stepped = [network.step(piece[None], cache)[0] for piece in ids.split([4, 1, 1, 3])]
        assert torch.allclose(stepped[0], found[3], atol=1e-3)
        assert torch.allclose(torch.stack(stepped[1:]), found[[4, 5, 8]], atol=1e-3)


def test_a_piece_goes_on(folder: Path) -> None:
    model = load_model(folder, "cpu")
    assert model.tokenizer.name == "aria"
    prompt = Score(500, note_table([(0, 400, 60, 64), (500, 400, 64, 64)]), tracks=(Track(),))
    # A random network may end at once.
    longer = max((sm.generate(prompt, 3.0, model, seed=seed) for seed in range(16)), key=len)
    assert len(longer) > 2
    assert (longer.notes[:2] == prompt.notes).all()


def test_embeddings_are_means_of_what_is_said_at_the_end(tmp_path: Path, folder: Path) -> None:
    t = tensors(("emb_head", 16))
    save_file(t, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "aria", "n_heads": HEADS}))
    model = load_model(tmp_path, "cpu")
    score = Score(500, note_table([(i * 100, 90, 40 + i, 64) for i in range(4)]), tracks=(Track(),))
    ids = torch.from_numpy(model.tokenizer.encode(score)).long()
    expected = by_hand(t, ids)[-1] @ t["emb_head.weight"].T
    found = aria_embedding(score, model)
    assert found.shape == (16,)
    assert torch.allclose(torch.from_numpy(found), expected, atol=1e-3)
    halves = [aria_embedding(Score(500, score.notes[a:b], tracks=(Track(),)), model) for a, b in ((0, 2), (2, 4))]
    assert abs(aria_embedding(score, model, notes=2) - sum(halves) / 2).max() < 1e-5
    with pytest.raises(ModelError, match="does not embed"):
        aria_embedding(score, load_model(folder, "cpu"))


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({k: x for k, x in tensors().items() if "norm2.bias" not in k}, path)
    with pytest.raises(ModelError, match=r"lacks model.encode_layers.0.norm2.bias, model.encode_layers.1.norm2.bias"):
        load_model(tmp_path)
    save_file({**load_file(path), "other.weight": torch.zeros(2)}, path)
    with pytest.raises(ModelError, match="lacks"):
        load_model(tmp_path)
    save_file({"something": torch.zeros(2)}, path)
    with pytest.raises(ModelError, match=r"has no config.json, and model.safetensors does not name its model"):
        load_model(tmp_path)
