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

import torch
from torch import Tensor

from symbolic_music.models.attention.block_kernel import LEVELS, PAD, Arguments, Part, logits_of
from symbolic_music.models.attention.block_masks import Block
from symbolic_music.models.attention.block_sizes import sizes_of
from symbolic_music.models.attention.relative_terms import Buckets, Differences
from symbolic_music.models.attention.threads import spread


@dataclass(frozen=True)
class Plan:
    """What of the arguments is no tensor of floats; `dropped` of `LEVELS`."""

    blocks: list[Block]
    buckets: list[Differences | Buckets]
    dropped: int
    seed: int


def attend(
    plan: Plan, q: Tensor, k: Tensor, v: Tensor, embeddings: Tensor, extra: Tensor | None, *relations: Tensor
) -> Tensor:
    """Attention block by block, of `differentiable.blocked_attention`: (B, H, L, D)."""
    mixed = torch.empty_like(q)
    work = _Work(plan, q, k, v, embeddings, extra, relations)

    def compute(items: _Items) -> None:
        out = q.new_empty(items.count, *q.shape[2:], dtype=work.dtype)
        for part, seed in items.parts(items.arguments()):
            weights = part.weights()
            if plan.dropped:
                weights.mul_(part.kept(plan.dropped, seed))
            torch.bmm(weights[..., : part.block.columns], part.v, out=part.queries(out))
        items.store(out.div_(work.share), mixed)

    with _as_they_are(q.device):
        spread(compute, work.items(), q.device)
    return mixed


def gradients(
    plan: Plan, grad: Tensor, needs_extra: bool, mixed: Tensor, q: Tensor, k: Tensor, v: Tensor, embeddings: Tensor,
    extra: Tensor | None, *relations: Tensor,
) -> tuple[Tensor | None, ...]:  # fmt: skip
    """Gradients of q, k, v, embeddings, extra and relations, from that of the result `mixed`."""
    work = _Work(plan, q, k, v, embeddings, extra, relations)
    dq, dk, dv = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
    d_extra = None
    if extra is not None and needs_extra:
        d_extra = torch.zeros(extra.shape, dtype=q.dtype, device=q.device)

    def differentiate(items: _Items) -> Arguments:
        d_mixed = items.pack(grad)
        center = (d_mixed * items.pack(mixed)).sum(-1, keepdim=True, dtype=work.wide)
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
    d_distances, *d_relations = [torch.zeros_like(t, dtype=work.wide) for t in (work.distances, *relations)]
    # In the items' order, so that the sums do not depend on which thread was first.
    for items, total in zip(every, totals, strict=True):
        for table, own in zip([d_distances, *d_relations], [total.distances, *total.relations], strict=True):
            table[items.heads] += items.apart(own).sum(0)
    d_embeddings = torch.zeros_like(embeddings)
    d_embeddings[:, : k.shape[2]] = d_distances.flip(1)
    tables = (d.to(table.dtype) for d, table in zip(d_relations, relations, strict=True))
    return dq, dk, dv, d_embeddings, d_extra, *tables


def _as_they_are(device: torch.device) -> AbstractContextManager[object]:
    """Types of tensors stay, also under autocast."""
    available = torch.amp.is_autocast_available(device.type)
    return torch.autocast(device.type, enabled=False) if available else nullcontext()


class _Work:
    """The state shared by all items of a pass."""

    def __init__(
        self, plan: Plan, q: Tensor, k: Tensor, v: Tensor, embeddings: Tensor, extra: Tensor | None,
        relations: Sequence[Tensor],
    ) -> None:  # fmt: skip
        self.plan, self.q, self.k, self.v, self.extra, self.relations = plan, q, k, v, extra, relations
        self.sizes = sizes_of(q.device)
        # Sums over blocks are never of half precision.
        self.wide = torch.promote_types(q.dtype, torch.float32)
        self.dtype = q.dtype if self.sizes.keeps_half else self.wide
        self.scale, self.share = q.shape[-1] ** -0.5, 1 - plan.dropped / LEVELS
        self.distances = embeddings[:, : k.shape[2]].flip(1)
        rows = max((block.rows for block in plan.blocks), default=0)
        self.future = torch.ones(rows, rows + PAD, dtype=torch.bool, device=q.device).triu(1)
        self.largest = max((logits_of(block) for block in plan.blocks), default=1)
        self._free: SimpleQueue[tuple[Tensor, Tensor]] = SimpleQueue()

    def items(self) -> list[_Items]:
        """As many heads at a time as fit into a go, at least one; several batch elements with all their heads."""
        batch, heads = self.q.shape[:2]
        fit = max(1, self.sizes.logits // self.largest)
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
            size = max(min(self.sizes.logits, self.largest * self.q.shape[0] * self.q.shape[1]), self.largest)
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
