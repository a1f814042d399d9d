"""GPT-2's architecture over the anticipatory ids, as in the published anticipatory transformers.

Learned positions, layer norm before each half of a block, GELU by its tanh approximation, the output matrix tied to the
embedding (unless the config says otherwise). Names and shapes of the weights are plain `nn.Linear` ones;
`huggingface_gpt2` turns them from and into those of Hugging Face.

Sources: Radford et al. 2019; for shapes and vocabulary Thickstun et al. 2024 (arXiv 2306.08620), appendix C. The
published checkpoints also divide the attention of layer i by i + 1 (their config: `scale_attn_by_inverse_layer_idx`).

Shapes: B batch, L ids, H heads, D head width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.errors import ModelError
from symbolic_music.models.config_checks import Layers, Share, Size, SizeOrZero, check_heads, checked
from symbolic_music.models.modules.decoder_block import CausalAttention, DecoderBlock
from symbolic_music.models.modules.feed_forward import FeedForward
from symbolic_music.models.modules.kv_cache import JumpingCache
from symbolic_music.models.modules.long_sequences import states_in_windows, step_in_windows
from symbolic_music.tokenizers.anticipation import vocabulary as v


@checked
@dataclass(frozen=True)
class GPT2Config:
    """Shape of a `GPT2`; the default is the published small one, 128 M parameters.

    Args:
        vocabulary: number of ids.
        context: positions, the most ids it sees.
        width, layers, heads: of the transformer.
        hidden: inner width of the feed-forward; 0 stands for four times the width.
        dropout: on the embedding and on what each half of a block adds.
        attention_dropout: on attention weights.
        epsilon: of the layer norms.
        scale_by_layer: whether attention logits of layer i (from 0) are divided by i + 1 too.
        tied: whether the output matrix is the embedding; else it is one of its own.

    Examples:
        >>> config = sm.models.GPT2Config(width=32, layers=2, heads=2)
        >>> sm.models.GPT2(config).config.context
        1024
    """

    vocabulary: Size = v.SIZE
    context: Size = 1024
    width: Size = 768
    layers: Layers = 12
    heads: Size = 12
    hidden: SizeOrZero = 0
    dropout: Share = 0.1
    attention_dropout: Share = 0.1
    epsilon: Share = 1e-5
    scale_by_layer: bool = True
    tied: bool = True

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads)

    @property
    def inner(self) -> int:
        """Inner width of the feed-forward."""
        return self.hidden or 4 * self.width


# The three published shapes: 128 M, 360 M and 780 M parameters.
PRESETS = {
    "small": GPT2Config(),
    "medium": GPT2Config(width=1024, layers=24, heads=16),
    "large": GPT2Config(width=1280, layers=36, heads=20),
}


class GPT2(nn.Module):
    """GPT-2 over the anticipatory ids, as in the published anticipatory transformers.

    Examples:
        >>> import torch
        >>> network = sm.models.GPT2(sm.models.GPT2Config(width=32, layers=2, heads=2))
        >>> network(torch.zeros(1, 8, dtype=torch.long)).shape  # logits of the next id
        torch.Size([1, 8, 55028])
    """

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.position = nn.Embedding(config.context, config.width)
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList([_block(config, layer) for layer in range(config.layers)])
        self.norm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.head = None if config.tied else nn.Linear(config.width, config.vocabulary, bias=False)
        if not self.norm.weight.is_meta:
            self._initialise()

    def _initialise(self) -> None:
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                # What is added to the stream is scaled by the number of such additions.
                many = math.sqrt(2 * self.config.layers) if name.endswith("out.weight") else 1.0
                nn.init.normal_(parameter, std=0.02 / many)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the next id at each position, (B, L) to (B, L, vocabulary).

        Positions are absolute: where there are more ids than the context holds, the window jumps by half of it, see
        `windows`. Times are not renumbered; a sampler that needs that starts a new cache with its own ids.
        """
        return functional.linear(*self.before_head(ids))

    def before_head(self, ids: Tensor) -> tuple[Tensor, Tensor, None]:
        """Final states (B, L, width), and the weight of the head, which has no bias."""
        return states_in_windows(ids, self.config.context, self.states), self.output_matrix, None

    def states(self, ids: Tensor, cache: JumpingCache | None = None) -> Tensor:
        """Final states within one window, (B, L) to (B, L, width).

        Args:
            ids: those after the ones whose keys and values the cache holds.
            cache: gets the keys and values of these too.

        Raises:
            ModelError: when there are more ids than positions.
        """
        start = 0 if cache is None else cache.layers[0].length
        end = start + ids.shape[1]
        if end > self.config.context:
            raise ModelError(f"this model has {self.config.context} positions; {end} ids are too many")
        x = self.drop(self.embedding(ids) + self.position(torch.arange(start, end, device=ids.device)))
        for i, block in enumerate(self.blocks):
            x = block(x, None if cache is None else cache.layers[i])
        return torch.as_tensor(self.norm(x))

    def logits(self, states: Tensor, first: int = 0, last: int | None = None) -> Tensor:
        """Logits of the ids first..last - 1 (all by default), (..., width) to (..., last - first)."""
        if self.head is not None and not first and last is None:
            return torch.as_tensor(self.head(states))
        return functional.linear(states, self.output_matrix[first:last])

    @property
    def output_matrix(self) -> Tensor:
        """The output matrix, (vocabulary, width)."""
        return self.embedding.weight if self.head is None else self.head.weight

    def new_cache(self, batch: int = 1) -> JumpingCache:
        """An empty cache for `step`; at the small shape 75 MB a sequence in float32."""
        c = self.config
        return JumpingCache(c.layers, batch, c.heads, c.context, c.width // c.heads, self.embedding.weight)

    @torch.no_grad()
    def step(self, ids: Tensor, cache: JumpingCache) -> Tensor:
        """Logits of the id after these: (B, L), L at least 1, appended to the cache, to (B, vocabulary)."""
        run = partial(self.states, cache=cache)
        return self.logits(step_in_windows(ids, cache.ids, cache.restart, run))


def _block(c: GPT2Config, layer: int) -> DecoderBlock:
    """The block of a layer, counted from 0."""
    scale = (c.width // c.heads) ** -0.5 / (layer + 1 if c.scale_by_layer else 1)
    attention = CausalAttention(c.width, c.heads, c.attention_dropout, bias=True, scale=scale)
    feed_forward = FeedForward(c.width, c.inner, nn.GELU(approximate="tanh"))
    return DecoderBlock(attention, feed_forward, c.width, c.dropout, c.epsilon)
