"""Relative attention over blocks of queries, with O(L x block) memory.

The L x K weights are never kept: a block of rows is computed, used and overwritten, and computed again on the way
back. Keys after a block are skipped, which is half of the work. What a block computes is in `attention_part`.

Shapes: B batch, H heads, L queries, K keys, D head width, M embeddings; I items, heads of one or more batch elements
that are computed in one go. Queries are the last L of the K positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import torch
from torch import Tensor

from symbolic_music.errors import ModelError
from symbolic_music.models.attention.block_kernel import LEVELS, PAD, Arguments, Part, logits_of
from symbolic_music.models.attention.block_masks import Block
from symbolic_music.models.attention.relative_terms import Buckets, Differences, Relation
from symbolic_music.models.attention.threads import spread

# Logits in a go, where a block of one head has fewer. More leave the cache; fewer cost calls.
LOGITS = 1 << 18


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
    seed = int(torch.randint(1 << 62, ())) if dropped else 0
    plan = _Plan(blocks, [r.buckets for r in relations], dropped, seed)
    tables = [r.embeddings for r in relations]
    mixed: Tensor = _BlockedAttention.apply(plan, q, k, v, embeddings, extra, *tables)  # type: ignore[no-untyped-call]
    return mixed


@dataclass(frozen=True)
class _Plan:
    blocks: list[Block]
    buckets: list[Differences | Buckets]
    dropped: int  # of LEVELS
    seed: int


class _BlockedAttention(torch.autograd.Function):
    """The sum over blocks; nothing but arguments and result is kept for the gradient."""

    @staticmethod
    def forward(
        ctx: Any, plan: _Plan, q: Tensor, k: Tensor, v: Tensor, embeddings: Tensor, extra: Tensor | None,
        *relations: Tensor,
    ) -> Tensor:  # fmt: skip
        mixed = torch.empty_like(q)
        work = _Work(plan, q, k, v, embeddings, extra, relations)

        def attend(items: _Items) -> None:
            out = q.new_empty(items.count, *q.shape[2:], dtype=work.dtype)
            for part, seed in items.parts(items.arguments()):
                weights = part.weights()
                if plan.dropped:
                    weights.mul_(part.kept(plan.dropped, seed))
                torch.bmm(weights[..., : part.block.columns], part.v, out=part.queries(out))
            items.store(out.div_(work.share), mixed)

        with _as_they_are(q.device):
            spread(attend, work.items(), q.device)
        ctx.plan = plan
        ctx.save_for_backward(q, k, v, embeddings, extra, mixed, *relations)
        return mixed

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            # PyTorch would take what is computed here for a constant.
            raise ModelError("relative attention can be differentiated once; reference_relative_attention again")
        q, k, v, embeddings, extra, mixed, *relations = ctx.saved_tensors
        plan, work = ctx.plan, _Work(ctx.plan, q, k, v, embeddings, extra, relations)
        dq, dk, dv = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
        d_extra = torch.zeros(extra.shape, dtype=q.dtype, device=q.device) if ctx.needs_input_grad[5] else None

        def differentiate(items: _Items) -> Arguments:
            d_mixed = items.pack(grad)
            center = (d_mixed * items.pack(mixed)).sum(-1, keepdim=True)
            d_mixed = d_mixed / work.share
            arguments = items.arguments()
            total = arguments.zeros()
            for part, seed in items.parts(arguments):
                weights = part.weights()
                kept = part.kept(plan.dropped, seed) if plan.dropped else None
                d_logits = part.add_gradients(total, weights, part.queries(d_mixed), part.queries(center), kept)
                if d_extra is not None:
                    items.pairs(d_extra, part.block).add_(items.apart(d_logits), alpha=work.scale)
            items.store(total.q.mul_(work.scale), dq)
            items.store(total.k, dk)
            items.store(total.v, dv)
            return total

        every = work.items()
        with _as_they_are(q.device):
            totals = spread(differentiate, every, q.device)
        d_distances, *d_relations = [torch.zeros_like(t, dtype=work.dtype) for t in (work.distances, *relations)]
        # In the items' order, so that the sums do not depend on which thread was first.
        for items, total in zip(every, totals, strict=True):
            for table, own in zip([d_distances, *d_relations], [total.distances, *total.relations], strict=True):
                table[items.heads] += items.apart(own).sum(0)
        d_embeddings = torch.zeros_like(embeddings)
        d_embeddings[:, : k.shape[2]] = d_distances.flip(1)
        return (
            None,
            dq,
            dk,
            dv,
            d_embeddings,
            d_extra,
            *(d.to(table.dtype) for d, table in zip(d_relations, relations, strict=True)),
        )


def _as_they_are(device: torch.device) -> AbstractContextManager[object]:
    """Types of tensors stay, also under autocast."""
    available = torch.amp.is_autocast_available(device.type)
    return torch.autocast(device.type, enabled=False) if available else nullcontext()


class _Work:
    """The state shared by all items of a pass."""

    def __init__(
        self, plan: _Plan, q: Tensor, k: Tensor, v: Tensor, embeddings: Tensor, extra: Tensor | None,
        relations: Sequence[Tensor],
    ) -> None:  # fmt: skip
        self.plan, self.q, self.k, self.v, self.extra, self.relations = plan, q, k, v, extra, relations
        # Sums of thousands of terms: half precision only at the ends.
        self.dtype = torch.promote_types(q.dtype, torch.float32)
        self.scale, self.share = q.shape[-1] ** -0.5, 1 - plan.dropped / LEVELS
        self.distances = embeddings[:, : k.shape[2]].flip(1)
        rows = max((block.rows for block in plan.blocks), default=0)
        self.future = torch.ones(rows, rows + PAD, dtype=torch.bool, device=q.device).triu(1)
        self.largest = max((logits_of(block) for block in plan.blocks), default=1)
        self._free: SimpleQueue[tuple[Tensor, Tensor]] = SimpleQueue()

    def items(self) -> list[_Items]:
        """As many heads at a time as fit into a go, at least one; several batch elements with all their heads."""
        batch, heads = self.q.shape[:2]
        fit = max(1, LOGITS // self.largest)
        elements = max(1, fit // heads)
        return [
            _Items(self, number, slice(b, min(b + elements, batch)), slice(h, min(h + fit, heads)))
            for number, (b, h) in enumerate((b, h) for b in range(0, batch, elements) for h in range(0, heads, fit))
        ]

    @contextmanager
    def buffers(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Two buffers for the logits of a go, which no other thread uses meanwhile."""
        try:
            pair = self._free.get_nowait()
        except Empty:
            size = max(LOGITS, self.largest)
            pair = (self.q.new_empty(size, dtype=self.dtype), self.q.new_empty(size, dtype=self.dtype))
        yield pair
        self._free.put(pair)


class _Items:
    """Some heads of some batch elements, side by side."""

    def __init__(self, work: _Work, number: int, batch: slice, heads: slice) -> None:
        self.work, self.number, self.batch, self.heads = work, number, batch, heads
        self.shape = (batch.stop - batch.start, heads.stop - heads.start)
        self.count = self.shape[0] * self.shape[1]

    def pack(self, x: Tensor) -> Tensor:
        """The items' part of (B, H, ...), as (I, ...)."""
        return x[self.batch, self.heads].flatten(0, 1).to(self.work.dtype)

    def apart(self, x: Tensor) -> Tensor:
        """(I, ...) as (batch elements, heads, ...)."""
        return x.view(*self.shape, *x.shape[1:])

    def store(self, x: Tensor, whole: Tensor) -> None:
        """Write (I, ...) to the items' part of (B, H, ...)."""
        whole[self.batch, self.heads] = self.apart(x)

    def pairs(self, x: Tensor, block: Block) -> Tensor:
        """The items' and a block's part of (B, H, L, K)."""
        return x[self.batch, self.heads, block.start : block.stop, block.first : block.end]

    def arguments(self) -> Arguments:
        """Copies where they must be."""
        work = self.work
        distances, *relations = (
            table[self.heads].expand(self.shape[0], -1, -1, -1).flatten(0, 1).to(work.dtype)
            for table in (work.distances, *work.relations)
        )
        return Arguments(self.pack(work.q) * work.scale, self.pack(work.k), self.pack(work.v), distances, relations)

    def parts(self, arguments: Arguments) -> Iterator[tuple[Part, int]]:
        """Block by block, with the seed of its dropout; each overwrites the one before."""
        work, plan = self.work, self.work.plan
        with work.buffers() as buffers:
            for number, block in enumerate(plan.blocks):
                seed = plan.seed + self.number * len(plan.blocks) + number
                extra = None
                if work.extra is not None:
                    extra = self.pairs(work.extra, block).flatten(0, 1) * work.scale
                yield Part(block, arguments, self._index(block), extra, work.future, buffers), seed

    def _index(self, block: Block) -> list[Tensor]:
        queries, keys = slice(block.start, block.stop), slice(block.first, block.end)
        found = [buckets.of(self.batch, queries, keys) for buckets in self.work.plan.buckets]
        # Expanded over the heads; memory is taken only where batch elements stand side by side too.
        return [x[:, None].expand(-1, self.shape[1], -1, -1).flatten(0, 1) for x in found]
