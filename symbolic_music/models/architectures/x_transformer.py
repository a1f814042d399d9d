"""The decoder of x-transformers with our interface: rotary positions and PyTorch's fused attention.

Positions are relative, yet a window is needed where attention is to cost no more at any length; it jumps by half of
itself: see `windows`. Its cache grows by concatenation up to the window, as x-transformers makes it.

Sources: https://github.com/lucidrains/x-transformers; rotary positions, Su et al. 2021 (arXiv 2104.09864).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from symbolic_music.errors import MissingExtraError
from symbolic_music.models.config_checks import Layers, Share, Size, check_heads, checked
from symbolic_music.models.modules.kv_cache import WindowIds
from symbolic_music.models.modules.long_sequences import states_in_windows, step_in_windows


@checked
@dataclass(frozen=True)
class XTransformerConfig:
    """Shape of an `XTransformer`; the default has that of the Music Transformer for piano performances.

    Args:
        vocabulary: number of ids; 388 are those of `performance`.
        width, layers, heads: of the decoder; heads are width // heads wide.
        hidden: the feed-forward's inner width.
        window: the most ids seen at once; at least half as many are.
        dropout: on the input, on attention weights, and inside feed-forwards.
    """

    vocabulary: Size = 388
    width: Size = 512
    layers: Layers = 6
    heads: Size = 8
    hidden: Size = 1024
    window: Size = 2048
    dropout: Share = 0.1

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads)


PRESETS = {"piano": XTransformerConfig()}


class XTransformerCache:
    """The cache of x-transformers for the window so far, and the ids of the window."""

    def __init__(self, batch: int, window: int, device: torch.device) -> None:
        self.ids = WindowIds(batch, window, device)
        self.layers: Any = None  # of type LayerIntermediates once something has been read

    @property
    def length(self) -> int:
        """Ids read so far."""
        return self.ids.length

    def restart(self) -> None:
        """Forget keys and values."""
        self.layers = None


class XTransformer(nn.Module):
    """See the module's docstring. MissingExtraError where x-transformers is not installed."""

    def __init__(self, config: XTransformerConfig) -> None:
        super().__init__()
        wrapper, decoder = _package()
        self.config = c = config
        self.network = wrapper(
            num_tokens=c.vocabulary,
            max_seq_len=c.window,
            emb_dropout=c.dropout,
            attn_layers=decoder(
                dim=c.width,
                depth=c.layers,
                heads=c.heads,
                attn_dim_head=c.width // c.heads,
                ff_mult=(c.hidden + 0.5) / c.width,  # it rounds the product with the width down
                rotary_pos_emb=True,
                attn_flash=True,
                attn_dropout=c.dropout,
                ff_dropout=c.dropout,
            ),
        )

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the next id at each position: (B, L) to (B, L, vocabulary)."""
        return states_in_windows(ids, self.config.window, self.network)

    @torch.no_grad()
    def step(self, ids: Tensor, cache: XTransformerCache) -> Tensor:
        """Logits of the id after these: (B, L), at least one, appended to the cache, to (B, vocabulary)."""

        def run(piece: Tensor) -> Tensor:
            logits, cache.layers = self.network(
                piece,
                cache=cache.layers,
                input_not_include_cache=True,
                cache_age=piece.shape[1],
                return_intermediates=True,
            )
            return torch.as_tensor(logits)

        return step_in_windows(ids, cache.ids, cache.restart, run)

    def new_cache(self, batch: int = 1) -> XTransformerCache:
        """An empty cache for `step`."""
        return XTransformerCache(batch, self.config.window, next(self.parameters()).device)


def _package() -> tuple[Any, Any]:
    """x-transformers' TransformerWrapper and Decoder."""
    try:
        with warnings.catch_warnings():
            # Its import uses a part of torch that torch calls deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            from x_transformers import Decoder, TransformerWrapper
    except ImportError:
        raise MissingExtraError("x-transformers", "x-transformers") from None
    return TransformerWrapper, Decoder
