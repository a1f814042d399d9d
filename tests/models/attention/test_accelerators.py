"""What accelerators compute, tried on the CPU: larger blocks, half precision, one operator of a compiled graph."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config
from symbolic_music.models.architectures.music_transformer import MusicTransformer, MusicTransformerConfig
from symbolic_music.models.attention import block_sizes
from symbolic_music.models.attention.relative import reference_relative_attention, relative_attention
from symbolic_music.models.attention.relative_terms import Relation
from symbolic_music.training.run.fabric import Objective
from symbolic_music.training.tasks.tokens import TokenTask
from tests.models.attention.attention_arguments import random, some_relations

SHAPE = (2, 3, 150, 16)


def gradients(attention: Any, dtype: torch.dtype, **options: Any) -> list[Tensor]:
    """The result and its gradients; relations are rounded to the type too."""
    tensors = [random(*SHAPE, seed=i).to(dtype) for i in range(3)]
    tensors.append(random(3, 90, 16, seed=9).to(dtype))
    relations = [Relation(r.embeddings.to(dtype), r.buckets) for r in some_relations(2, 3, 150, 150, 16)]
    learnt = [t.requires_grad_() for t in (*tensors, *(r.embeddings for r in relations))]
    out = attention(*tensors, relations=relations, **options)
    above = random(*SHAPE, seed=5).to(dtype)
    return [out, *torch.autograd.grad(out, learnt, above)]


def test_large_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    small = gradients(relative_attention, torch.float64)
    monkeypatch.setattr(block_sizes, "CPU", block_sizes.ACCELERATOR)
    for one, other in zip(gradients(relative_attention, torch.float64), small, strict=True):
        assert torch.allclose(one, other, atol=1e-10)


def test_half_precision_is_nearly_as_good_as_the_reference_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is forced to float32; errors are of the rounding of bfloat16, sums over blocks have none of it."""
    exact = gradients(reference_relative_attention, torch.float64)
    plain = gradients(reference_relative_attention, torch.bfloat16)
    monkeypatch.setattr(block_sizes, "CPU", block_sizes.ACCELERATOR._replace(rows=(16, 16)))
    ours = gradients(relative_attention, torch.bfloat16)
    for one, other, wanted in zip(ours, plain, exact, strict=True):
        assert one.dtype == torch.bfloat16
        own, its = ((x.double() - wanted).norm() / wanted.norm() for x in (one, other))
        assert own < max(2 * its, 0.01)


@pytest.mark.parametrize("window", [None, 40])
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_the_operator_of_a_compiled_graph_is_the_same(window: int | None, dropout: float) -> None:
    torch.manual_seed(0)
    eager = gradients(relative_attention, torch.float32, window=window, dropout=dropout)
    torch.manual_seed(0)
    compiled = torch.compile(relative_attention, backend="eager", fullgraph=True)
    for one, other in zip(gradients(compiled, torch.float32, window=window, dropout=dropout), eager, strict=True):
        assert torch.equal(one, other)


def test_its_shapes_are_known_without_computing() -> None:
    """As the tracers of compilers need them, with gradients."""
    eager = gradients(relative_attention, torch.float32)
    compiled = torch.compile(relative_attention, backend="aot_eager", fullgraph=True)
    for one, other in zip(gradients(compiled, torch.float32), eager, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


class Plain(TokenTask):
    """The loss of token models alone."""

    def __init__(self) -> None:
        pass


@pytest.mark.parametrize(
    "network",
    [
        MusicTransformer(MusicTransformerConfig(20, 16, 2, 2, 16, 32, 32, dropout=0.1)),
        GPT2(GPT2Config(vocabulary=20, context=32, width=16, layers=2, heads=2, hidden=16)),
    ],
    ids=["music-transformer", "gpt2"],
)
def test_a_step_is_one_graph_that_is_compiled_once(network: nn.Module) -> None:
    torch._dynamo.reset()
    objective = Objective(Plain(), network)
    objective.compile(backend="eager", fullgraph=True)  # which raises where a graph would break
    with torch._dynamo.config.patch(error_on_recompile=True):
        for seed in range(4):
            ids = torch.randint(20, (2, 32), generator=torch.Generator().manual_seed(seed))
            mask = torch.ones(2, 32, dtype=torch.bool)
            mask[0, 20 + seed :] = False
            torch.as_tensor(objective(ids, mask)).backward()
    assert all(p.grad is not None for p in network.parameters())
