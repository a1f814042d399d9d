"""The recurrent baseline: Performance RNN (Simon & Oore 2017), and the baseline of Huang et al. 2018.

An LSTM sees all that came before, through its state; there is no window, and a step costs the same at any length.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from symbolic_music.models.config_checks import Layers, Share, Size, checked


@checked
@dataclass(frozen=True)
class LSTMConfig:
    """Shape of an `LSTM`; the default is Performance RNN's.

    Args:
        vocabulary: number of ids; 388 are those of `performance`.
        embedding: width of the tokens' embeddings. Performance RNN feeds one-hot vectors; an embedding of the cells'
            width says no less.
        width: cells of a layer.
        layers: one above the other.
        dropout: between layers, and before the output.
    """

    vocabulary: Size = 388
    embedding: Size = 512
    width: Size = 512
    layers: Layers = 3
    dropout: Share = 0.0


PRESETS = {
    "performance-rnn": LSTMConfig(),
    # Beside the Music Transformer, on piano performances; the paper gives 3 layers of 1,024.
    "piano": LSTMConfig(embedding=1024, width=1024),
}


class LSTMCache:
    """Hidden state and cells of each layer, both (layers, B, width), after the ids read so far."""

    def __init__(self, config: LSTMConfig, batch: int, like: Tensor) -> None:
        self.hidden = like.new_zeros(config.layers, batch, config.width)
        self.cells = torch.zeros_like(self.hidden)
        self.length = 0


class LSTM(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: LSTMConfig) -> None:
        super().__init__()
        self.config = c = config
        self.input = nn.Embedding(c.vocabulary, c.embedding)
        between = c.dropout if c.layers > 1 else 0.0  # torch warns where there is no between
        self.lstm = nn.LSTM(c.embedding, c.width, c.layers, dropout=between, batch_first=True)
        self.drop = nn.Dropout(c.dropout)
        self.out = nn.Linear(c.width, c.vocabulary)
        # The forget bias is initially 1 (Jozefowicz et al. 2015); the gates' order is input, forget, cell, output.
        for name, parameter in self.lstm.named_parameters():
            if name.startswith("bias_ih"):
                nn.init.ones_(parameter.data[c.width : 2 * c.width])

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the next id at each position: (B, L) to (B, L, vocabulary)."""
        states, _ = self.lstm(self.input(ids))
        return torch.as_tensor(self.out(self.drop(states)))

    @torch.no_grad()
    def step(self, ids: Tensor, cache: LSTMCache) -> Tensor:
        """Logits of the id after these: (B, L), at least one, appended to the cache, to (B, vocabulary)."""
        states, (hidden, cells) = self.lstm(self.input(ids), (cache.hidden, cache.cells))
        cache.hidden.copy_(hidden)
        cache.cells.copy_(cells)
        cache.length += ids.shape[1]
        return torch.as_tensor(self.out(self.drop(states[:, -1])))

    def new_cache(self, batch: int = 1) -> LSTMCache:
        """An empty cache for `step`."""
        return LSTMCache(self.config, batch, self.out.weight)
