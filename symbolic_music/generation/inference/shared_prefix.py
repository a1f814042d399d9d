"""A network that reads what alternatives begin with once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from symbolic_music.models.modules.kv_cache import JumpingCache

# Fewer ids are read again.
_LEAST = 32


class ReadOnce(nn.Module):
    """A token model with a `JumpingCache`, which keeps what it read first into an empty cache, for other caches.

    Args:
        network: that reads; its weights are not copied.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network, self.config = network, network.config
        self._given: Tensor | None = None
        self._held: JumpingCache | None = None
        self._logits: Tensor | None = None

    @override
    def forward(self, ids: Tensor) -> Any:
        """As the network's."""
        return self.network(ids)

    def new_cache(self, batch: int = 1) -> Any:
        """As the network's."""
        return self.network.new_cache(batch)

    @torch.no_grad()
    def step(self, ids: Tensor, cache: Any) -> Any:
        """As the network's."""
        if not isinstance(cache, JumpingCache) or cache.length or ids.shape[1] < _LEAST:
            return self.network.step(ids, cache)
        if self._given is None or self._held is None or self._logits is None or not torch.equal(ids, self._given):
            self._logits = self.network.step(ids, cache)
            self._given, self._held = ids, self.network.new_cache(len(ids))
            self._held.take(cache)
            return self._logits
        cache.take(self._held)
        return self._logits

    def held(self, ids: Tensor) -> tuple[Any, int]:
        """A cache that holds what these ids (1, L) have in common with those it kept, less the last; how many."""
        cache = self.network.new_cache(1)
        if self._given is None or self._held is None or self._held.length > self.config.context:
            return cache, 0
        most = min(ids.shape[1] - 1, self._given.shape[1])
        differs = (ids[0, :most] != self._given[0, :most]).nonzero()
        same = int(differs[0]) if len(differs) else most
        for own, kept in zip(cache.layers, self._held.layers, strict=True):
            own.take(kept, same)
        return cache, same


def reading_once(network: Any) -> Any:
    """The network, so that alternatives share what is given; itself where its caches cannot be copied."""
    return ReadOnce(network) if isinstance(network.new_cache(1), JumpingCache) else network
