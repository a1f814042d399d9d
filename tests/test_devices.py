"""What runs on a GPU computes what the CPU does. On the CPU itself with SYMBOLIC_MUSIC_DEVICE=cpu, else skipped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from symbolic_music.models import registry
from symbolic_music.models.attention.relative import reference_relative_attention, relative_attention
from symbolic_music.training.codec.config import CodecTraining
from symbolic_music.training.config import parse_config
from symbolic_music.training.trainer import begin, train
from tests.models.attention.attention_arguments import random, some_relations
from tests.training.test_trainer import valid_losses
from tests.training.tiny_runs import edits, grid

DEVICE = os.environ.get("SYMBOLIC_MUSIC_DEVICE", "cuda" if torch.cuda.is_available() else "")
pytestmark = pytest.mark.skipif(not DEVICE, reason="no GPU here")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_relative_attention_and_its_gradients(dtype: torch.dtype, dropout: float) -> None:
    arguments = [random(2, 3, 700, 16, seed=i, dtype=torch.float32) for i in range(3)]
    arguments.append(random(3, 600, 16, dtype=torch.float32))
    above = random(2, 3, 700, 16, seed=7, dtype=torch.float32)
    exact = [t.clone().requires_grad_() for t in arguments]
    wanted = reference_relative_attention(*exact)
    ours = [t.to(DEVICE, dtype).requires_grad_() for t in arguments]
    found = relative_attention(*ours, dropout=dropout)
    gradients = torch.autograd.grad(found, ours, above.to(DEVICE, dtype))
    assert all(torch.isfinite(one).all() for one in (found, *gradients))
    if dropout:
        return
    for one, other in zip((found, *gradients), (wanted, *torch.autograd.grad(wanted, exact, above)), strict=True):
        apart = (one.float().cpu() - other).norm() / other.norm()
        assert apart < (1e-3 if dtype == torch.float32 else 0.05)


def test_relative_attention_by_time_and_pitch() -> None:
    relations = some_relations(2, 3, 150, 150, 16)
    arguments = [random(2, 3, 150, 16, seed=i) for i in range(3)]
    wanted = reference_relative_attention(*arguments, random(3, 90, 16), relations=relations)
    there = [
        type(r)(r.embeddings.to(DEVICE), type(r.buckets)(**{
            name: value.to(DEVICE) if isinstance(value, torch.Tensor) else value
            for name, value in vars(r.buckets).items()
        }))
        for r in relations
    ]  # fmt: skip
    found = relative_attention(*(t.to(DEVICE) for t in arguments), random(3, 90, 16).to(DEVICE), relations=there)
    assert torch.allclose(found.cpu(), wanted, atol=1e-6)


@pytest.mark.parametrize("make", [edits, grid])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_run_has_the_losses_of_one_on_the_cpu(make: Any, precision: str, tmp_path: Path) -> None:
    for place, engine in (("here", {"device": "cpu"}), ("there", {"device": DEVICE, "precision": precision})):
        tree = make(tmp_path / place)
        train(parse_config(tree | {"model": {**tree["model"], "dropout": 0.0}, "engine": engine}))
    here, there = (valid_losses(tmp_path / place / "runs/tiny") for place in ("here", "there"))
    assert here == pytest.approx(there, abs=1e-3 if precision == "32-true" else 0.05)


def test_a_run_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = parse_config(grid(tmp_path / "a", steps=6) | {"engine": {"device": DEVICE}})
    train(whole)
    train(parse_config(grid(tmp_path / "b", steps=4) | {"engine": {"device": DEVICE}}))
    train(parse_config(grid(tmp_path / "b", steps=6) | {"engine": {"device": DEVICE}}), resume=True)
    assert (tmp_path / "b/runs/tiny/best").is_dir()


def test_a_codec_is_trained(tmp_path: Path) -> None:
    pytest.importorskip("vector_quantize_pytorch")
    pytest.importorskip("librosa")
    from symbolic_music.synthesis.audio import Audio

    (tmp_path / "sounds").mkdir()
    for i in range(4):
        tone = 0.4 * np.sin(np.arange(8_000) * (0.1 + 0.02 * i))
        Audio(tone[None].astype(np.float32), 8_000).write(tmp_path / f"sounds/{i}.wav")
    shape = {"sample_rate": 8_000, "width": 4, "widest": 8, "ratios": [4, 5], "dilations": [1], "dim": 8,
             "codebooks": 2, "size": 16}  # fmt: skip
    optim = {"steps": 6, "batch": 2, "seconds": 0.3, "warmup": 1, "quantise_from": 1, "critic_from": 2,
             "critic_width": 2, "decoder_from": 4}  # fmt: skip
    engine = {"device": DEVICE, "precision": "bf16-mixed"}
    loop = begin(CodecTraining.model_validate({
        "name": "tiny", "out": str(tmp_path), "sounds": {str(tmp_path / "sounds"): 1.0}, "held_out": 2,
        "codec": shape, "optim": optim, "engine": engine, "evaluate_every": 3,
    }))  # fmt: skip
    assert loop.go().finished
    assert next(loop.network.parameters()).device.type == torch.device(DEVICE).type


def test_voices_are_trained(tmp_path: Path) -> None:
    pytest.importorskip("auraloss")
    from symbolic_music.training.voices import note_examples
    from symbolic_music.training.voices.config import VoiceConfig
    from tests.training.voices.test_trainer import taken

    note_examples._write(tmp_path / "run/notes/one.npz", [taken(pitch) for pitch in range(60, 70)])
    config = VoiceConfig.model_validate({
        "name": "run", "out": str(tmp_path), "path": str(tmp_path), "voices": [{"name": "one", "folder": "a"}],
        "held_out": 5, "optim": {"steps": 2, "spectral_steps": 2, "batch": 6, "frames": 12, "warmup": 1},
        "engine": {"device": DEVICE},
    })  # fmt: skip
    result = train(config)
    assert result.finished
    assert (result.folder / "config.json").is_file() or any(result.folder.iterdir())


@pytest.mark.parametrize("name", ["gpt2", "music-transformer"])
def test_steps_are_as_on_the_cpu(name: str) -> None:
    network: Any = registry.get(name).build({"width": 32, "layers": 2, "heads": 2, "vocabulary": 50}, None).eval()
    ids = torch.randint(50, (3, 40), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = network(ids)[:, -1]
        there = network.to(DEVICE)
        cache = there.new_cache(3)
        there.step(ids[:, :20].to(DEVICE), cache)
        found = there.step(ids[:, 20:].to(DEVICE), cache)
    assert torch.allclose(found.cpu(), wanted, atol=1e-4)
