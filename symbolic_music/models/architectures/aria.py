"""Aria's architecture: a decoder with rotary positions, gated feed-forwards and layer norms.

Its head gives logits of ids, or embeddings of what was read. Names of the weights are plain; `checkpoints.aria` turns
its authors' into them.

Source: Bradshaw et al. 2025 (arXiv 2506.23869); github.com/EleutherAI/aria.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from symbolic_music.errors import ModelError
from symbolic_music.models.config_checks import Layers, Share, Size, SizeOrZero, check_heads, checked
from symbolic_music.models.modules.few_rows_linear import FewRowsLinear
from symbolic_music.models.modules.kv_cache import JumpingCache
from symbolic_music.models.modules.llama_block import LlamaBlock
from symbolic_music.models.modules.long_sequences import states_in_windows, step_in_windows
from symbolic_music.models.modules.rotary import Stretch, turns


@checked
@dataclass(frozen=True)
class AriaConfig:
    """Shape of an `Aria`; the default is the published medium one, 658 M parameters.

    Args:
        vocabulary: number of ids; the checkpoint of the demonstration has two more.
        context: the most ids it sees.
        width, layers, heads, hidden: of the transformer.
        base: of the rotary positions.
        embedding: numbers of an embedding, where that is what its head gives; 0 for logits of ids.
        epsilon: of the layer norms.
    """

    vocabulary: Size = 17_727
    context: Size = 8192
    width: Size = 1536
    layers: Layers = 16
    heads: Size = 24
    hidden: Size = 6144
    base: Size = 500_000
    embedding: SizeOrZero = 0
    epsilon: Share = 1e-5

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads)


PRESETS = {"medium": AriaConfig(), "embedding": AriaConfig(context=2048, embedding=512)}


class Aria(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: AriaConfig) -> None:
        super().__init__()
        self.config = c = config
        self.embedding = nn.Embedding(c.vocabulary, c.width)
        norm = partial(nn.LayerNorm, c.width, eps=c.epsilon)
        self.blocks = nn.ModuleList(
            [LlamaBlock(c.width, c.heads, c.heads, c.hidden, (norm(), norm())) for _ in range(c.layers)]
        )
        self.norm = norm()
        self.head = FewRowsLinear(c.width, c.embedding or c.vocabulary, bias=False)
        for parameter in self.parameters():
            if parameter.dim() == 2 and not parameter.is_meta:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the next id at each position, (B, L) to (B, L, vocabulary); or embeddings, (B, L, embedding).

        More ids than the context holds are seen in windows that jump by half of it: see `long_sequences`.
        """
        return torch.as_tensor(self.head(states_in_windows(ids, self.config.context, self.states)))

    def states(self, ids: Tensor, cache: JumpingCache | None = None) -> Tensor:
        """Final states within one window, (B, L) to (B, L, width); `cache` gets the keys and values of these too.

        Raises:
            ModelError: when there are more ids than the context holds.
        """
        c, start = self.config, 0 if cache is None else cache.layers[0].length
        end = start + ids.shape[1]
        if end > c.context:
            raise ModelError(f"this model sees {c.context} ids; {end} are too many")
        turn = turns(torch.arange(start, end, device=ids.device), c.width // c.heads, c.base, Stretch())
        x = self.embedding(ids)
        for number, block in enumerate(self.blocks):
            x = block(x, turn, None if cache is None else cache.layers[number])
        return torch.as_tensor(self.norm(x))

    def new_cache(self, batch: int = 1) -> JumpingCache:
        """An empty cache for `step`."""
        c = self.config
        return JumpingCache(c.layers, batch, c.heads, c.context, c.width // c.heads, self.embedding.weight)

    @torch.no_grad()
    def step(self, ids: Tensor, cache: JumpingCache) -> Tensor:
        """Logits of the id after these: (B, L), L at least 1, appended to the cache, to (B, vocabulary)."""
        run = partial(self.states, cache=cache)
        return torch.as_tensor(self.head(step_in_windows(ids, cache.ids, cache.restart, run)))
