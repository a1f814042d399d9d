"""What every model of tokens is asked for, and real ids to ask it with."""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music import tokenizers
from symbolic_music.models.protocol import TokenModel
from tests.tokenizers.example_music import piece


def lively(model: nn.Module, deviation: float = 0.3) -> nn.Module:
    """The model with weights so large that all it reads shows in its logits, in evaluation mode."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * deviation)
    return model.eval()


def some_ids(batch: int, length: int, vocabulary: int, seed: int = 1) -> Tensor:
    return torch.randint(0, vocabulary, (batch, length), generator=torch.Generator().manual_seed(seed))


@cache
def bach(tokenizer: str, **options: str) -> Tensor:
    """Ids (1, L) or (1, L, fields) of a chorale by J. S. Bach from music21's corpus, or of its first voice."""
    ids = tokenizers.get(tokenizer, **options).encode(piece("bach/bwv66.6"))
    return torch.from_numpy(np.asarray(ids[0] if isinstance(ids, list) else ids, np.int64))[None]


def fields(logits: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return logits if isinstance(logits, tuple) else (logits,)


def close(a: Tensor | tuple[Tensor, ...], b: Tensor | tuple[Tensor, ...], tolerance: float = 1e-4) -> bool:
    """Within a tolerance, and infinite (of ids that cannot follow) at the same places."""
    pairs = list(zip(fields(a), fields(b), strict=True))
    assert all(torch.isfinite(x).any(-1).all() for x, _ in pairs)
    return all(torch.allclose(x, y, atol=tolerance, rtol=0) for x, y in pairs)


def at(logits: Tensor | tuple[Tensor, ...], position: int) -> tuple[Tensor, ...]:
    return tuple(field[:, position] for field in fields(logits))


@torch.no_grad()
def check_steps(model: TokenModel, ids: Tensor, pieces: list[int]) -> None:
    """Steps of these numbers of ids give what `forward` gives at their last ids, of all ids so far and of all ids."""
    whole = model.forward(ids)
    held, position = model.new_cache(len(ids)), 0
    for length in pieces:
        step = model.step(ids[:, position : position + length], held)
        position += length
        assert held.length == position
        assert close(step, at(model.forward(ids[:, :position]), position - 1)), position
        if not isinstance(whole, tuple):  # with fields, what is told of the next word differs
            assert close(step, at(whole, position - 1)), position
    assert position == ids.shape[1]


@torch.no_grad()
def check_slices(model: TokenModel, ids: Tensor) -> None:
    """A batch of one gives what it gives as a slice of a batch, in forward and in steps."""
    alone = model.forward(ids[1:2])
    assert close(tuple(field[1:2] for field in fields(model.forward(ids))), alone)
    one, all_of_them = model.new_cache(), model.new_cache(len(ids))
    for position in range(ids.shape[1]):
        now = ids[:, position : position + 1]
        together = model.step(now, all_of_them)
        assert close(tuple(field[1:2] for field in fields(together)), model.step(now[1:2], one))


@torch.no_grad()
def check_causal(model: nn.Module, ids: Tensor, changed: Tensor) -> None:
    """Changing an id changes logits from its position on, and none before."""
    before = model(ids)
    for position in range(1, ids.shape[1]):
        other = ids.clone()
        other[:, position] = changed[:, position]
        assert not torch.equal(other, ids)
        after = model(other)
        assert torch.allclose(after[:, :position], before[:, :position], atol=1e-5)
        assert not torch.allclose(after[:, position], before[:, position], atol=1e-3)


def check_gradients(model: nn.Module, loss: Tensor) -> None:
    """Every parameter gets a gradient that is finite and not 0 throughout."""
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


def next_loss(model: nn.Module, ids: Tensor) -> Tensor:
    return functional.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:])


def check_learns(model: nn.Module, loss_of: object, steps: int = 12) -> None:
    """A few steps of Adam on one sequence take away a fifth of the loss."""
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(steps):
        loss = loss_of(model)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0], losses


@torch.no_grad()
def check_dropout(model: nn.Module, ids: Tensor) -> None:
    """Dropping out makes two passes differ in training, and is off in evaluation."""
    model.train()
    assert not close(model(ids), model(ids))
    model.eval()
    assert close(model(ids), model(ids), 0.0)


def check_seeds(build: object) -> None:
    """A seed decides the first weights."""
    weights = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        weights.append(copy.deepcopy(build().state_dict()))
    assert all(torch.equal(a, b) for a, b in zip(weights[0].values(), weights[1].values(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(weights[0].values(), weights[2].values(), strict=True))
