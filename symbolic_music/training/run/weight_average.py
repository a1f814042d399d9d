"""The moving average of weights that is evaluated and kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """Averaged weights of a network, by their names in its state."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.tensors = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def follow(self, decay: float) -> None:
        """Move the average towards the network's weights, of which 1 - decay are taken; one call for all tensors."""
        own, average = self._pairs()
        torch._foreach_lerp_(average, own, 1 - decay)

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """For a while the network has the averaged weights, and the average holds the network's."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for own, average in zip(*self._pairs(), strict=True):
            kept = own.clone()
            own.copy_(average)
            average.copy_(kept)

    def _pairs(self) -> tuple[list[Tensor], list[Tensor]]:
        """Weights, and their averages; of tensors that are divided among processes, this one's parts."""
        state = self.network.state_dict()
        known = [name for name, value in state.items() if value.is_floating_point()]
        return [_own(state[name]) for name in known], [_own(self.tensors[name]) for name in known]


def _own(tensor: Tensor) -> Tensor:
    local = getattr(tensor, "to_local", None)
    return tensor if local is None else torch.as_tensor(local())
