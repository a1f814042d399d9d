"""One block of relative attention: its weights, and its contribution to the gradients.

The skew of Huang et al. 2018 costs nothing here. Both products are written to the same memory: that with the
distances through a view whose rows are one element longer than those of the view for the product with the keys,
which starts later. So each row of the former stands one further to the left, under the latter, than the row above
it, and the second product is added where it belongs. The gradient of the logits is written to the second view, and
the gradient of the first product is read through the first.

Shapes: I items (heads of one or more batch elements, side by side), L queries, K keys, D head width, M embeddings;
a block has `rows` queries and `columns` keys.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from symbolic_music.models.attention.block_masks import Block

# Columns beyond the keys, always masked. Rows whose length is a power of two would share lines of the cache.
PAD = 16
# Dropped with probability n / LEVELS: four decisions come from each random number of 64 bits.
LEVELS = 1 << 16


@dataclass
class Arguments:
    """The arguments of some items, or their gradients.

    Args:
        q: (I, L, D), divided by sqrt(D).
        k, v: (I, K, D).
        distances: (I, M, D), the nearest last; farther keys share the first.
        relations: (I, M', D) each, of what is looked up in the part's `index`.
    """

    q: Tensor
    k: Tensor
    v: Tensor
    distances: Tensor
    relations: list[Tensor]

    def zeros(self) -> Arguments:
        """For gradients, in float32 or more; that of q is written, not added to."""
        wide = torch.promote_types(self.q.dtype, torch.float32)
        k, v, distances, *relations = (
            torch.zeros_like(t, dtype=wide) for t in (self.k, self.v, self.distances, *self.relations)
        )
        return Arguments(torch.empty_like(self.q), k, v, distances, relations)


def add_product(total: Tensor, a: Tensor, b: Tensor) -> None:
    """total += a b, where total may be of a wider type."""
    if total.dtype == a.dtype:
        total.baddbmm_(a, b)
    else:
        total.add_(torch.bmm(a, b))


def logits_of(block: Block) -> int:
    """Elements of a buffer that an item takes."""
    return block.rows * (block.columns + PAD + 1)


class Part:
    """A block of some items.

    Args:
        block: its queries and keys.
        arguments: of the items.
        index: for each relation, (I, rows, columns) of whole numbers below M'.
        extra: None, or (I, rows, columns) to add to the logits.
        future: (rows or more, as many and PAD more), true above the diagonal.
        buffers: two of `logits_of(block)` x I elements.
    """

    def __init__(
        self, block: Block, arguments: Arguments, index: list[Tensor], extra: Tensor | None, future: Tensor,
        buffers: tuple[Tensor, Tensor],
    ) -> None:  # fmt: skip
        self.block, self.arguments, self.index, self.extra, self.future = block, arguments, index, extra, future
        self.q, self.k, self.v = self.queries(arguments.q), self.keys(arguments.k), self.keys(arguments.v)
        reach = arguments.distances.shape[1]
        self.occurring = slice(max(0, reach - block.columns), reach)
        self.distances = arguments.distances[:, self.occurring]
        # Keys farther away than any embedding.
        self.far = max(0, block.columns - reach)
        items, rows, width = len(self.q), block.rows, block.columns + PAD
        self._memory = buffers[0][: items * logits_of(block)].view(items, -1)
        # Row i, column c of the product is row i, column c - (rows - 1 - i) of the logits.
        self._product = self._memory.view(items, rows, width + 1)[..., : block.columns]
        self._logits = self._memory[:, rows - 1 : rows - 1 + rows * width].view(items, rows, width)
        self._plain = buffers[1]

    def queries(self, x: Tensor) -> Tensor:
        """The block's part of (I, L, ...)."""
        return x[:, self.block.start : self.block.stop]

    def keys(self, x: Tensor) -> Tensor:
        """The block's part of (I, K, ...)."""
        return x[:, self.block.first : self.block.end]

    def _matrix(self, columns: int) -> Tensor:
        """The other buffer, as (I, rows, columns)."""
        items, rows = len(self.q), self.block.rows
        return self._plain[: items * rows * columns].view(items, rows, columns)

    def weights(self) -> Tensor:
        """Attention weights (I, rows, columns + PAD), in a buffer; 0 in the last PAD columns."""
        q, block, logits = self.q, self.block, self._logits
        torch.bmm(q, self.distances.transpose(1, 2), out=self._product[..., self.far :])
        if self.far:
            self._product[..., : self.far] = (q * self.distances[:, :1]).sum(-1, keepdim=True)
        inside = logits[..., : block.columns]
        inside.baddbmm_(q, self.k.transpose(1, 2))
        for index, embeddings in zip(self.index, self.arguments.relations, strict=True):
            by_bucket = torch.bmm(q, embeddings.transpose(1, 2))
            inside.add_(torch.gather(by_bucket, 2, index, out=self._matrix(block.columns)))
        if self.extra is not None:
            inside.add_(self.extra)
        own = block.columns - block.rows  # the first query's
        logits[..., own:].masked_fill_(self.future[: block.rows, : block.rows + PAD], float("-inf"))
        if block.window is not None and block.columns > block.window:
            size = (block.rows, block.columns - block.window)
            lost = torch.ones(size, dtype=torch.bool, device=q.device).tril(own - block.window)
            logits[..., : size[1]].masked_fill_(lost, float("-inf"))
        return torch.softmax(logits, -1, out=logits)

    def kept(self, dropped: int, seed: int) -> Tensor:
        """Which of the weights dropout keeps: bool as `weights`, each false with probability dropped / LEVELS."""
        size = self._logits.numel()
        random = torch.Generator(self.q.device).manual_seed(seed)
        bits = torch.empty(-(-size // 4), dtype=torch.int64, device=self.q.device)
        bits.random_(-(1 << 63), None, generator=random)
        return (bits.view(torch.int16)[:size] >= dropped - LEVELS // 2).view(self._logits.shape)

    def add_gradients(self, total: Arguments, weights: Tensor, d_mixed: Tensor, center: Tensor, kept: Tensor | None
                      ) -> Tensor:  # fmt: skip
        """Gradients of sum(d_mixed x (kept x weights) v), added to the items' own.

        Args:
            total: gradients of the items.
            weights: see `weights`; overwritten.
            d_mixed: (I, rows, D).
            center: (I, rows, 1), sum_j w_ij dw_ij over the keys, which softmax' gradient takes off each row.
            kept: see `kept`.

        Returns:
            The gradient of the logits, (I, rows, columns), in a buffer.
        """
        columns, rows = self.block.columns, self.block.rows
        d_weights = self._matrix(columns + PAD)
        used = weights if kept is None else torch.mul(weights, kept, out=d_weights)
        add_product(self.keys(total.v), used[..., :columns].transpose(1, 2), d_mixed)
        torch.bmm(d_mixed, self.v.transpose(1, 2), out=d_weights[..., :columns])
        d_weights[..., columns:] = 0  # held other values
        if kept is not None:
            d_weights.mul_(kept)
        weights.mul_(d_weights.sub_(center))

        d_logits, d_product = self._logits[..., :columns], self._product[..., self.far :]
        # Where the first view starts before the second; all else in it is a logit or a masked one, which is 0.
        self._memory[:, : rows - 1] = 0
        d_q, d_distances = self.queries(total.q), total.distances[:, self.occurring]
        torch.bmm(d_logits, self.k, out=d_q)
        add_product(self.keys(total.k), d_logits.transpose(1, 2), self.q)
        d_q.baddbmm_(d_product, self.distances)
        add_product(d_distances, d_product.transpose(1, 2), self.q)
        if self.far:
            d_far = self._product[..., : self.far].sum(-1, keepdim=True)
            d_q.addcmul_(d_far, self.distances[:, :1])
            d_distances[:, 0] += (d_far * self.q).sum(1)
        related = zip(self.index, self.arguments.relations, total.relations, strict=True)
        for index, embeddings, d_embeddings in related:
            d_by_bucket = self.q.new_zeros(len(self.q), rows, embeddings.shape[1])
            d_by_bucket.scatter_add_(2, index, d_logits)
            d_q.baddbmm_(d_by_bucket, embeddings)
            add_product(d_embeddings, d_by_bucket.transpose(1, 2), self.q)
        return d_logits
