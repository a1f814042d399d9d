"""MIDI-LLM's architecture: a Llama over text and anticipatory ids, of which music alone is predicted here.

The published table has the text's ids first and then 55,030 of music, of which the encoding uses 55,028. The network's
ids are those of the music; a text is given beside them, and stays in view when the window moves on.

Source: Wu et al. 2025; github.com/slSeanWU/MIDI-LLM; Llama 3.2, Grattafiori et al. 2024 (arXiv 2407.21783).
Shapes: B batch, L ids of music, T ids of text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.errors import ModelError
from symbolic_music.models.config_checks import Layers, Share, Size, check_heads, checked
from symbolic_music.models.modules.kv_cache import JumpingCache, WindowIds
from symbolic_music.models.modules.llama_stack import llama_blocks, run_blocks
from symbolic_music.models.modules.long_sequences import states_in_windows, step_in_windows
from symbolic_music.models.modules.rotary import Stretch
from symbolic_music.tokenizers.anticipation import vocabulary as v


@checked
@dataclass(frozen=True)
class MidiLlmConfig:
    """Shape of a `MidiLlm`; the default is the published one, 1.47 billion parameters.

    Args:
        vocabulary: ids of music.
        text: ids of text.
        context: the most ids, of text and music together, that it sees; the published cards say 131,072, and pieces
            have at most 2,046.
        width, layers, heads, key_heads, hidden: of the transformer; several queries share a key.
        base: of the rotary positions.
        stretch, low, high, original: of the rotary positions, see `rotary.Stretch`.
        epsilon: of the norms.
        tied: whether the output matrix is the embedding.
    """

    vocabulary: Size = v.SIZE
    text: Size = 128_256
    context: Size = 4096
    width: Size = 2048
    layers: Layers = 16
    heads: Size = 32
    key_heads: Size = 8
    hidden: Size = 8192
    base: Size = 500_000
    stretch: Size = 32
    low: Size = 1
    high: Size = 4
    original: Size = 8192
    epsilon: Share = 1e-5
    tied: bool = True

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads)
        if self.heads % self.key_heads or self.width // self.heads % 2:
            raise ModelError(f"{self.heads} heads are no multiple of {self.key_heads} of keys, or of an odd width")


PRESETS = {"llama-3.2-1b": MidiLlmConfig()}


class TextCache(JumpingCache):
    """A `JumpingCache` whose first positions are a text's, which stay where the window jumps."""

    def __init__(self, config: MidiLlmConfig, batch: int, text: Tensor, like: Tensor) -> None:
        width = config.width // config.heads
        super().__init__(config.layers, batch, config.key_heads, config.context, width, like)
        self.ids = WindowIds(batch, config.context - text.shape[1], like.device)
        self.text = text.expand(batch, -1)


class MidiLlm(nn.Module):
    """See the module's docstring. `text_ids` gives ids of a text, where a checkpoint was loaded."""

    text_ids: Callable[[str], Sequence[int]] | None = None

    def __init__(self, config: MidiLlmConfig) -> None:
        super().__init__()
        self.config = c = config
        self.text_embedding = nn.Embedding(c.text, c.width)
        self.embedding = nn.Embedding(c.vocabulary, c.width)
        self.blocks = llama_blocks(c.layers, c.width, c.heads, c.key_heads, c.hidden, c.epsilon)
        self.norm = nn.RMSNorm(c.width, c.epsilon)
        self.head = None if c.tied else nn.Linear(c.width, c.vocabulary, bias=False)
        for parameter in self.parameters():
            if parameter.dim() == 2 and not parameter.is_meta:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, ids: Tensor, text: Tensor | None = None) -> Tensor:
        """Logits of the next id of music at each position, (B, L) to (B, L, vocabulary).

        Args:
            ids: of music. More than the context holds are seen in windows that jump by half of it.
            text: (1, T) ids of text before them.
        """
        text = self.checked(text)
        given = text.expand(len(ids), -1)

        def run(piece: Tensor) -> Tensor:
            return self._run(torch.cat([self.text_embedding(given), self.embedding(piece)], dim=1))[:, text.shape[1] :]

        return self.logits(states_in_windows(ids, self.config.context - text.shape[1], run))

    def logits(self, states: Tensor) -> Tensor:
        """(..., width) to (..., vocabulary)."""
        return functional.linear(states, self.embedding.weight) if self.head is None else self.head(states)

    def new_cache(self, batch: int = 1, text: Tensor | None = None) -> TextCache:
        """An empty cache for `step`, after a text (1, T)."""
        cache = TextCache(self.config, batch, self.checked(text), self.embedding.weight)
        self._show_text(cache)
        return cache

    @torch.no_grad()
    def step(self, ids: Tensor, cache: TextCache) -> Tensor:
        """Logits of the id after these: (B, L), L at least 1, appended to the cache, to (B, vocabulary)."""

        def restart() -> None:
            cache.restart()
            self._show_text(cache)

        run = partial(self._music, cache=cache)
        return self.logits(step_in_windows(ids, cache.ids, restart, run))

    def _music(self, ids: Tensor, cache: TextCache) -> Tensor:
        return self._run(self.embedding(ids), cache)

    @torch.no_grad()
    def _show_text(self, cache: TextCache) -> None:
        if cache.text.shape[1]:
            self._run(self.text_embedding(cache.text), cache)

    def _run(self, x: Tensor, cache: TextCache | None = None) -> Tensor:
        c = self.config
        stretch = Stretch(c.stretch, c.low, c.high, c.original)
        return torch.as_tensor(
            self.norm(run_blocks(self.blocks, x, c.heads, c.base, None if cache is None else cache.layers, stretch))
        )

    def checked(self, text: Tensor | None) -> Tensor:
        if text is None:
            return torch.zeros(1, 0, dtype=torch.long, device=self.embedding.weight.device)
        if text.shape[1] > self.config.context // 2:
            raise ModelError(f"a text of {text.shape[1]} ids is too long: at most {self.config.context // 2}")
        return text


class TextConditioned(nn.Module):
    """A `MidiLlm` as a model of music alone, conditioned on a text (1, T)."""

    def __init__(self, network: MidiLlm, text: Tensor) -> None:
        super().__init__()
        self.network, self.config, self.text = network, network.config, text

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the next id at each position: (B, L) to (B, L, vocabulary)."""
        return torch.as_tensor(self.network(ids, self.text))

    def new_cache(self, batch: int = 1) -> TextCache:
        """A cache for `step` that holds the text."""
        return self.network.new_cache(batch, self.text)

    def step(self, ids: Tensor, cache: TextCache) -> Tensor:
        """Logits of the id after these: (B, L), appended to the cache, to (B, vocabulary)."""
        return self.network.step(ids, cache)
