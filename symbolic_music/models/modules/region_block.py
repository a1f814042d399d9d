"""The decoder block of the region transformer: attention with rotary positions on several axes, and a feed-forward."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.models.attention.causal_blocks import attention_to_shared, blockwise_attention
from symbolic_music.models.modules.rotary_axes import Rotation


class RegionAttention(nn.Module):
    """Causal attention of rows to a source of as many rows, with normalised queries and keys.

    Args:
        width: of the rows.
        heads: of width / heads each.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.kv = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gain = nn.Parameter(torch.full((heads, 1, 1), 4.0))

    def keys_values(self, source: Tensor, rotation: Rotation) -> tuple[Tensor, Tensor]:
        """Keys and values of a source (B, N, width), each (B, H, N, D)."""
        batch, count, _ = source.shape
        key, value = self.kv(source).view(batch, count, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        return rotation(functional.layer_norm(key, (key.shape[-1],))), value

    def forward(
        self, x: Tensor, rotation: Rotation, key: Tensor, value: Tensor, hidden: Tensor | None = None, shared: int = 0
    ) -> Tensor:
        """Rows (B, N, width) to N keys, causally; or to K keys but those that are hidden (B, K), N = 1.

        The first `shared` keys and values are the same in the whole batch.
        """
        batch, count, width = x.shape
        query = self.query(x).view(batch, count, self.heads, -1).transpose(1, 2)
        query = rotation(functional.layer_norm(query, (query.shape[-1],)) * self.gain.to(query.dtype))
        if count == 1 and shared and batch > 1:
            found = attention_to_shared(query, key, value, shared)
        elif count == 1:
            mask = None if hidden is None else ~hidden[:, None, None]
            found = functional.scaled_dot_product_attention(query, key, value, mask)
        else:
            found = blockwise_attention(*(one.flatten(0, 1) for one in (query, key, value)))
            found = found.view(batch, self.heads, count, -1)
        return torch.as_tensor(self.out(found.transpose(1, 2).reshape(batch, count, width)))


class RegionBlock(nn.Module):
    """Attention and a feed-forward network of squared rectifiers (So et al. 2021), each on a normalised input."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention = RegionAttention(width, heads)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)
        self.norms = nn.ModuleList([nn.LayerNorm(width, bias=False) for _ in range(2)])

    def normed(self, x: Tensor) -> Tensor:
        """The normalised rows, the input of the attention."""
        return torch.as_tensor(self.norms[0](x))

    def forward(
        self, x: Tensor, rotation: Rotation, key: Tensor, value: Tensor, hidden: Tensor | None = None, shared: int = 0
    ) -> Tensor:
        """Rows (B, N, width), with keys and values of the source, as the attention takes them."""
        x = x + self.attention(self.normed(x), rotation, key, value, hidden, shared)
        inner = functional.relu(self.up(self.norms[1](x)))
        return torch.as_tensor(x + self.down(inner * inner))
