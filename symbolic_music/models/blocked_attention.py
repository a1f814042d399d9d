"""Relative attention over blocks of queries, with O(L x block) memory.

The L x K weights are never kept: a block of rows is computed, used and overwritten, and computed again on the way
back. Keys after a block are skipped, which is half of the work. The skew of Huang et al. 2018 costs nothing: both
products are written to the same memory, that with the distances through a view whose rows are one element longer,
that with the keys through a view that starts later, so that the second product is added to the skewed first.
The gradient of the distances' product is read back through the first view.

Shapes: B batch, H heads, L queries, K keys, D head width, M embeddings; I = items, heads of one or more batch
elements side by side. Queries are the last L of the K positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from symbolic_music.errors import ModelError
from symbolic_music.models.relations import Buckets, Differences, Relation

# Fewest and most queries in a block: few slow the products down, many see keys that most of them may not.
ROWS = (64, 256)
# Logits in a part of a block. Larger parts leave the cache; smaller ones cost calls.
LOGITS = 1 << 18
# Columns beyond the keys, always masked. Rows whose length is a power of two would share lines of the cache.
PAD = 16
# Dropped with probability n / LEVELS: four decisions come from each random number of 64 bits.
LEVELS = 1 << 16


class Block(NamedTuple):
    """Queries start..stop, counted from the first query, and the keys first..end that they see at most.

    With a window, a query sees only the last `window` keys up to its own.
    """

    start: int
    stop: int
    first: int
    end: int
    window: int | None = None


def causal_blocks(length: int, keys: int) -> list[Block]:
    """Blocks in which each query sees all keys up to its own."""
    rows = min(max(length // 4, ROWS[0]), ROWS[1])
    starts = range(0, length, rows)
    return [Block(s, min(s + rows, length), 0, keys - length + min(s + rows, length)) for s in starts]


def windowed_blocks(length: int, keys: int, window: int) -> list[Block]:
    """Blocks in which each query sees the last `window` keys up to its own."""
    return [
        block._replace(first=max(0, keys - length + block.start - window + 1), window=window)
        for block in causal_blocks(length, keys)
    ]


@dataclass(frozen=True)
class _Plan:
    blocks: list[Block]
    buckets: list[Differences | Buckets]
    dropout: float
    seed: int


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
    """softmax((q k^T + q E[distance]^T + extra + relations) / sqrt(D)) v over the given blocks.

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

    Raises:
        ModelError: dropout is not in [0, 1).
    """
    if not 0 <= dropout < 1:
        raise ModelError(f"dropout must be at least 0 and below 1, not {dropout}")
    # One number is drawn from the default generator; the masks are drawn from it, the same on the way back.
    seed = int(torch.randint(1 << 62, ())) if dropout else 0
    plan = _Plan(blocks, [r.buckets for r in relations], dropout, seed)
    if extra is not None:
        extra = extra.expand(*q.shape[:3], k.shape[2])
    tables = [r.embeddings for r in relations]
    mixed: Tensor = _BlockedAttention.apply(plan, q, k, v, embeddings, extra, *tables)  # type: ignore[no-untyped-call]
    return mixed


class _BlockedAttention(torch.autograd.Function):
    """The sum over blocks; nothing but arguments and result is kept for the gradient."""

    @staticmethod
    def forward(
        ctx: Any, plan: _Plan, q: Tensor, k: Tensor, v: Tensor, embeddings: Tensor, extra: Tensor | None,
        *relations: Tensor,
    ) -> Tensor:  # fmt: skip
        mixed = torch.empty_like(q)
        with torch.autocast(q.device.type, enabled=False):
            work = _Work(plan, q, k, v, embeddings, extra, relations)
            for group in work.groups():
                out = torch.empty_like(group.q)
                for part in work.parts(group):
                    weights = work.weights(part)
                    if plan.dropout:
                        weights.mul_(work.kept(weights))
                    torch.bmm(weights[..., : part.columns], part.v, out=part.of_queries(out))
                group.store(out.div_(work.share), mixed)
        ctx.plan = plan
        ctx.save_for_backward(q, k, v, embeddings, extra, mixed, *relations)
        return mixed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, embeddings, extra, mixed, *relations = ctx.saved_tensors
        dq, dk, dv = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
        d_extra = torch.zeros(extra.shape, dtype=q.dtype, device=q.device) if ctx.needs_input_grad[5] else None
        with torch.autocast(q.device.type, enabled=False):
            work = _Work(ctx.plan, q, k, v, embeddings, extra, relations)
            d_tables = [torch.zeros_like(table, dtype=work.dtype) for table in (work.near, *relations)]
            for group in work.groups():
                d_group = _Gradients(group)
                upstream = group.pack(grad)
                # What softmax' gradient takes off each row, from the identity sum_j P_ij dP_ij = dO_i . O_i.
                center = (upstream * group.pack(mixed)).sum(-1, keepdim=True)
                upstream = upstream / work.share
                for part in work.parts(group):
                    d_logits = _part_gradients(work, part, d_group, upstream, center)
                    if d_extra is not None:
                        part.of_pairs(d_extra).add_(d_logits.view_as(part.of_pairs(d_extra)), alpha=work.scale)
                group.store(d_group.q.mul_(work.scale), dq)
                group.store(d_group.k, dk)
                group.store(d_group.v, dv)
                for total, own in zip(d_tables, d_group.tables, strict=True):
                    total += own.view(-1, *total.shape).sum(0)
        d_embeddings = torch.zeros_like(embeddings)
        d_embeddings[:, : work.near.shape[1]] = d_tables[0].flip(1)
        d_relations = [d.to(table.dtype) for d, table in zip(d_tables[1:], relations, strict=True)]
        return None, dq, dk, dv, d_embeddings, d_extra, *d_relations


class _Group:
    """Some batch elements, all their heads side by side as items: q (scaled), k, v and tables, each (I, ..., D)."""

    def __init__(self, work: _Work, first: int, last: int) -> None:
        self.batch = slice(first, last)
        self.dtype = work.dtype
        self.q = self.pack(work.q) * work.scale
        self.k, self.v = self.pack(work.k), self.pack(work.v)
        self.tables = [t.expand(last - first, *t.shape).flatten(0, 1) for t in (work.near, *work.relations)]

    def pack(self, x: Tensor) -> Tensor:
        """The group's part of (B, H, N, D), as (I, N, D)."""
        return x[self.batch].flatten(0, 1).to(self.dtype)

    def store(self, x: Tensor, whole: Tensor) -> None:
        """Write (I, N, D) back to (B, H, N, D)."""
        target = whole[self.batch]
        target.copy_(x.view_as(target))


class _Gradients:
    """Those of a group's q, k, v and tables."""

    def __init__(self, group: _Group) -> None:
        self.q = torch.empty_like(group.q)
        self.k, self.v = torch.zeros_like(group.k), torch.zeros_like(group.v)
        self.tables = [torch.zeros(t.shape, dtype=t.dtype, device=t.device) for t in group.tables]


@dataclass(frozen=True)
class _Part:
    """A block of some items of a group: what a few calls compute."""

    group: _Group
    first: int
    last: int
    block: Block
    buckets: list[Tensor]

    @property
    def rows(self) -> int:
        return self.block.stop - self.block.start

    @property
    def columns(self) -> int:
        return self.block.end - self.block.first

    @property
    def count(self) -> int:
        return self.last - self.first

    @property
    def items(self) -> slice:
        return slice(self.first, self.last)

    @property
    def q(self) -> Tensor:
        return self.of_queries(self.group.q)

    @property
    def k(self) -> Tensor:
        return self.of_keys(self.group.k)

    @property
    def v(self) -> Tensor:
        return self.of_keys(self.group.v)

    def of_queries(self, x: Tensor) -> Tensor:
        return x[self.items, self.block.start : self.block.stop]

    def of_keys(self, x: Tensor) -> Tensor:
        return x[self.items, self.block.first : self.block.end]

    def of_table(self, x: Tensor) -> Tensor:
        """The rows of the distances' table, the nearest last, of distances that occur here."""
        return x[self.items, max(0, x.shape[1] - self.columns) :]

    def of_pairs(self, x: Tensor) -> Tensor:
        """A part of (B, H, L, K); with several batch elements (B', H, rows, columns), else (items, rows, columns)."""
        cut = x[self.group.batch, :, self.block.start : self.block.stop, self.block.first : self.block.end]
        return cut[0, self.items] if len(cut) == 1 else cut


class _Work:
    """Arguments and buffers of one pass, and the weights of a part of it."""

    def __init__(
        self, plan: _Plan, q: Tensor, k: Tensor, v: Tensor, embeddings: Tensor, extra: Tensor | None,
        relations: Sequence[Tensor],
    ) -> None:  # fmt: skip
        self.plan, self.q, self.k, self.v, self.extra = plan, q, k, v, extra
        # Sums of thousands of terms: half precision only at the ends.
        self.dtype = torch.promote_types(q.dtype, torch.float32)
        self.scale = q.shape[-1] ** -0.5
        # Distances from far to near, as the keys stand.
        self.near = embeddings[:, : k.shape[2]].flip(1).to(self.dtype)
        self.relations = [r.to(self.dtype) for r in relations]
        dropped = min(round(plan.dropout * LEVELS), LEVELS - 1)
        self.share = 1 - dropped / LEVELS
        self.threshold = dropped - LEVELS // 2
        self.random = torch.Generator(q.device).manual_seed(plan.seed)
        rows = max(b.stop - b.start for b in plan.blocks)
        self.future = torch.ones(rows, rows + PAD, dtype=torch.bool, device=q.device).triu(1)
        self.largest = max((b.stop - b.start) * (b.end - b.first + PAD + 1) for b in plan.blocks)
        size = max(LOGITS, self.largest)
        self.skewed = torch.empty(size, dtype=self.dtype, device=q.device)
        self.plain = torch.empty(size, dtype=self.dtype, device=q.device)

    def groups(self) -> Iterator[_Group]:
        """As many batch elements at a time as fit into a part, at least one."""
        batch, heads = self.q.shape[:2]
        step = max(1, LOGITS // (heads * self.largest))
        for first in range(0, batch, step):
            yield _Group(self, first, min(first + step, batch))

    def parts(self, group: _Group) -> Iterator[_Part]:
        """Block by block; a block of one batch element in parts of as many heads as fit."""
        items = len(group.q)
        heads = self.q.shape[1]
        for block in self.plan.blocks:
            queries, keys = slice(block.start, block.stop), slice(block.first, block.end)
            buckets = [b.of(group.batch, queries, keys) for b in self.plan.buckets]
            if items > heads:
                buckets = [b.repeat_interleave(heads, 0) for b in buckets]
                step = items
            else:
                step = max(1, LOGITS // ((block.stop - block.start) * (block.end - block.first + PAD + 1)))
            for first in range(0, items, step):
                yield _Part(group, first, min(first + step, items), block, buckets)

    def views(self, part: _Part) -> tuple[Tensor, Tensor]:
        """The same memory as distances' product (n, rows, columns) and, skewed, as logits (n, rows, columns + PAD).

        Row i, column c of the product is row i, column c - (rows - 1 - i) of the logits.
        """
        rows, width = part.rows, part.columns + PAD
        memory = self.memory(part)
        product = memory.view(part.count, rows, width + 1)[..., : part.columns]
        logits = memory[:, rows - 1 : rows - 1 + rows * width].view(part.count, rows, width)
        return product, logits

    def memory(self, part: _Part) -> Tensor:
        """What both of the `views` look at: (n, rows (columns + PAD + 1))."""
        size = part.rows * (part.columns + PAD + 1)
        return self.skewed[: part.count * size].view(part.count, size)

    def matrix(self, part: _Part, columns: int) -> Tensor:
        """The other buffer, as (n, rows, columns)."""
        return self.plain[: part.count * part.rows * columns].view(part.count, part.rows, columns)

    def weights(self, part: _Part) -> Tensor:
        """Attention weights (n, rows, columns + PAD), 0 in the last PAD."""
        product, logits = self.views(part)
        q, columns, block = part.q, part.columns, part.block
        table = part.of_table(part.group.tables[0])
        far = columns - table.shape[1]
        torch.bmm(q, table.transpose(1, 2), out=product[..., far:])
        if far:
            product[..., :far] = (q * table[:, :1]).sum(-1, keepdim=True)
        inside = logits[..., :columns]
        inside.baddbmm_(q, part.k.transpose(1, 2))
        for buckets, embeddings in zip(part.buckets, part.group.tables[1:], strict=True):
            by_bucket = torch.bmm(q, embeddings[part.items].transpose(1, 2))
            index = buckets.expand(part.count, -1, -1)
            inside.add_(torch.gather(by_bucket, 2, index, out=self.matrix(part, columns)))
        if self.extra is not None:
            inside.add_(part.of_pairs(self.extra).reshape(inside.shape), alpha=self.scale)
        # The block's first query stands at this column.
        own = columns - part.rows
        logits[..., own:].masked_fill_(self.future[: part.rows, : part.rows + PAD], float("-inf"))
        if block.window is not None and columns > block.window:
            size = (part.rows, columns - block.window)
            lost = torch.ones(size, dtype=torch.bool, device=q.device).tril(own - block.window)
            inside[..., : size[1]].masked_fill_(lost, float("-inf"))
        return torch.softmax(logits, -1, out=logits)

    def kept(self, weights: Tensor) -> Tensor:
        """Whether each weight is kept, drawn anew in each call: bool as `weights`."""
        bits = torch.empty(-(-weights.numel() // 4), dtype=torch.int64, device=weights.device)
        bits.random_(-(1 << 63), None, generator=self.random)
        return (bits.view(torch.int16)[: weights.numel()] >= self.threshold).view(weights.shape)


def _part_gradients(work: _Work, part: _Part, out: _Gradients, upstream: Tensor, center: Tensor) -> Tensor:
    """Add a part's gradients to those of its group; returns that of the logits, (n, rows, columns)."""
    columns, rows = part.columns, part.rows
    weights = work.weights(part)
    d_weights = work.matrix(part, columns + PAD)
    d_mixed, d_v = part.of_queries(upstream), part.of_keys(out.v)
    if work.plan.dropout:
        kept = work.kept(weights)
        torch.mul(weights, kept, out=d_weights)
        d_v.baddbmm_(d_weights[..., :columns].transpose(1, 2), d_mixed)
    else:
        d_v.baddbmm_(weights[..., :columns].transpose(1, 2), d_mixed)
    torch.bmm(d_mixed, part.v.transpose(1, 2), out=d_weights[..., :columns])
    if work.plan.dropout:
        d_weights.mul_(kept)
    d_weights[..., columns:] = 0  # holds old values
    weights.mul_(d_weights.sub_(part.of_queries(center)))

    product, logits = work.views(part)
    # What of the product's first row no logit overlaps; all else that is not a distance is a masked key: 0 too.
    work.memory(part)[:, : rows - 1] = 0
    d_logits, q = logits[..., :columns], part.q
    d_q, table = part.of_queries(out.q), part.of_table(part.group.tables[0])
    far = columns - table.shape[1]
    torch.bmm(d_logits, part.k, out=d_q)
    d_q.baddbmm_(product[..., far:], table)
    part.of_keys(out.k).baddbmm_(d_logits.transpose(1, 2), q)
    d_table = part.of_table(out.tables[0])
    d_table.baddbmm_(product[..., far:].transpose(1, 2), q)
    if far:
        d_far = product[..., :far].sum(-1, keepdim=True)
        d_q.addcmul_(d_far, table[:, :1])
        d_table[:, 0] += (d_far * q).sum(1)
    for buckets, embeddings, d_embeddings in zip(part.buckets, part.group.tables[1:], out.tables[1:], strict=True):
        by_bucket = q.new_zeros(part.count, rows, embeddings.shape[1])
        by_bucket.scatter_add_(2, buckets.expand(part.count, -1, -1), d_logits)
        d_q.baddbmm_(by_bucket, embeddings[part.items])
        d_embeddings[part.items].baddbmm_(by_bucket.transpose(1, 2), q)
    return d_logits
