"""Relative attention in blocks with its gradient, as a function and as an operator of compiled graphs.

`torch.compile` cannot follow blocks, threads and seeds. To it attention is a single operation with a single operation
for its gradients, of known shapes: there is no break of the graph, and no compilation anew while shapes stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from symbolic_music.errors import ModelError
from symbolic_music.models.attention.block_kernel import LEVELS
from symbolic_music.models.attention.block_masks import Block
from symbolic_music.models.attention.blockwise import Plan, attend, gradients
from symbolic_music.models.attention.relative_terms import Buckets, Differences, Relation

_SHARED = (
    "Tensor q, Tensor k, Tensor v, Tensor embeddings, Tensor? extra, Tensor[] relations, Tensor[] places, "
    "float[] units, int[] reaches, int[] blocks, int dropped, Tensor seed"
)
_NO_WINDOW = -1


def blocked_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    embeddings: Tensor,
    blocks: list[Block],
    extra: Tensor | None = None,
    dropout: float = 0.0,
    relations: Sequence[Relation] = (),
) -> Tensor:
    """softmax((q k^T + q E[distance]^T + extra + relations) / sqrt(D)) v over the given blocks; nothing is checked.

    Args:
        q: (B, H, L, D), the queries of the last L positions.
        k, v: (B, H, K, D).
        embeddings: (H, M, D), row d for the key d positions back; farther keys share the last row.
        blocks: which together hold every query once.
        extra: (B, H, L, K), added to the logits before they are scaled; its gradient is as large.
        dropout: probability of dropping a weight, to 16 bits; which are dropped depends on torch's default generator.
        relations: further terms, see `Relation`.

    Returns:
        (B, H, L, D). Can be differentiated once.
    """
    dropped = min(round(dropout * LEVELS), LEVELS - 1)
    # All masks follow from one number of the default generator, so that they are the same on the way back.
    seed = torch.randint(1 << 62, ()) if dropped else torch.zeros((), dtype=torch.int64)
    tables, buckets = [r.embeddings for r in relations], [r.buckets for r in relations]
    if torch.compiler.is_compiling():
        return _as_operator(q, k, v, embeddings, extra, tables, buckets, blocks, dropped, seed)
    plan = Plan(blocks, buckets, dropped, int(seed) if dropped else 0)
    mixed: Tensor = _BlockedAttention.apply(plan, q, k, v, embeddings, extra, *tables)  # type: ignore[no-untyped-call]
    return mixed


class _BlockedAttention(torch.autograd.Function):
    """The sum over blocks; nothing but arguments and result is kept for the gradient."""

    @staticmethod
    def forward(ctx: Any, plan: Plan, *tensors: Any) -> Tensor:
        mixed = attend(plan, *tensors)
        ctx.plan = plan
        ctx.save_for_backward(mixed, *tensors)
        return mixed

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            # PyTorch would take what is computed here for a constant.
            raise ModelError("relative attention can be differentiated once; reference_relative_attention again")
        return None, *gradients(ctx.plan, grad, ctx.needs_input_grad[5], *ctx.saved_tensors)


def _as_operator(
    q: Tensor, k: Tensor, v: Tensor, embeddings: Tensor, extra: Tensor | None, relations: list[Tensor],
    buckets: Sequence[Differences | Buckets], blocks: Sequence[Block], dropped: int, seed: Tensor,
) -> Tensor:  # fmt: skip
    """`blocked_attention` of these relations' buckets, with the seed of its dropout."""
    places: list[Tensor] = []
    units: list[float] = []
    reaches: list[int] = []
    for one in buckets:
        if isinstance(one, Differences):
            places += [one.queries, one.keys]
            units.append(float(one.unit))
            reaches.append(one.reach)
        else:
            places.append(one.table)
            units.append(0.0)
            reaches.append(0)
    flat = [number for b in blocks for number in (*b[:4], _NO_WINDOW if b.window is None else b.window)]
    found: Tensor = _attention(
        q, k, v, embeddings, extra, relations, places, units, reaches, flat, dropped, seed
    )  # fmt: skip
    return found


def _plan(
    places: Sequence[Tensor], units: Sequence[float], reaches: Sequence[int], blocks: Sequence[int], dropped: int,
    seed: Tensor,
) -> Plan:  # fmt: skip
    left, buckets = list(places), list[Differences | Buckets]()
    for unit, reach in zip(units, reaches, strict=True):
        if unit:
            buckets.append(Differences(left.pop(0), left.pop(0), unit, reach))
        else:
            buckets.append(Buckets(left.pop(0)))
    rows = [blocks[i : i + 5] for i in range(0, len(blocks), 5)]
    cut = [Block(a, b, c, d, None if window == _NO_WINDOW else window) for a, b, c, d, window in rows]
    return Plan(cut, buckets, dropped, int(seed))


@torch.library.custom_op("symbolic_music::attention", mutates_args=(), schema=f"({_SHARED}) -> Tensor")
def _attention(q: Any, k: Any, v: Any, embeddings: Any, extra: Any, relations: Any, *plan: Any) -> Tensor:
    return attend(_plan(*plan), q, k, v, embeddings, extra, *relations)


@torch.library.custom_op(
    "symbolic_music::attention_gradients", mutates_args=(),
    schema=f"(Tensor grad, Tensor mixed, bool needs_extra, {_SHARED}) -> Tensor[]",
)  # fmt: skip
def _gradients(
    grad: Any, mixed: Any, needs_extra: bool, q: Any, k: Any, v: Any, embeddings: Any, extra: Any, relations: Any,
    *plan: Any,
) -> list[Tensor]:  # fmt: skip
    found = gradients(_plan(*plan), grad.contiguous(), needs_extra, mixed, q, k, v, embeddings, extra, *relations)
    return [one for one in found if one is not None]


@_attention.register_fake
def _(q: Tensor, *others: Any) -> Tensor:
    return torch.empty_like(q)


@_gradients.register_fake
def _(
    grad: Tensor, mixed: Tensor, needs_extra: bool, q: Tensor, k: Tensor, v: Tensor, embeddings: Tensor,
    extra: Tensor | None, relations: Sequence[Tensor], *plan: Any,
) -> list[Tensor]:  # fmt: skip
    own = [torch.empty_like(t) for t in (q, k, v, embeddings)]
    if extra is not None and needs_extra:
        own.append(torch.empty(extra.shape, dtype=q.dtype, device=q.device))
    return own + [torch.empty_like(t) for t in relations]


def _keep(ctx: Any, inputs: Any, output: Tensor) -> None:
    q, k, v, embeddings, extra, relations, places, *numbers, seed = inputs
    ctx.save_for_backward(output, q, k, v, embeddings, extra, seed, *relations, *places)
    ctx.count, ctx.numbers = len(relations), numbers


def _backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    mixed, q, k, v, embeddings, extra, seed, *others = ctx.saved_tensors
    relations, places = others[: ctx.count], others[ctx.count :]
    needs_extra = extra is not None and ctx.needs_input_grad[4]
    found = _gradients(
        grad, mixed, needs_extra, q, k, v, embeddings, extra, relations, places, *ctx.numbers, seed
    )  # fmt: skip
    d_extra = found.pop(4) if needs_extra else None
    # What is no tensor has no gradient; an empty list is to torch one of tensors.
    none: list[Any] = [[] if numbers == [] else None for numbers in ctx.numbers]
    return (*found[:4], d_extra, found[4:], [None] * len(places), *none, None)


_attention.register_autograd(_backward, setup_context=_keep)
