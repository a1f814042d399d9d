"""Relative logits of a model on real input: its learnt relative attention."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from symbolic_music.errors import ModelError
from symbolic_music.models.modules import anticipatory_block as layers
from symbolic_music.models.modules import decoder_block as decoder


@dataclass(frozen=True)
class RelativeLogits:
    """Relative logits of one layer: the mean over queries of q . e / sqrt(D), in nats before the softmax.

    Args:
        distance: (heads, distances), column d for the key d positions back.
        related: of each further relation, (heads, buckets).
    """

    distance: Tensor
    related: tuple[Tensor, ...]


@torch.no_grad()
def relative_logits(network: nn.Module, run: Callable[[], object]) -> list[RelativeLogits]:
    """The relative logits of every attention layer, in the order in which the network calls them.

    A constant in all columns changes nothing that attention does, so each row's mean is taken out.

    Args:
        network: a model with relative attention.
        run: calls the network once, on the input to average over.

    Raises:
        ModelError: when nothing in the network that runs attends by relative positions.
    """
    found: list[RelativeLogits] = []

    def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, decoder.RelativeAttention | layers.RelativeAttention)
        q = module.queries(inputs[0])
        query = q.mean(dim=(0, 2)) * q.shape[-1] ** -0.5
        rows = [torch.einsum("hd,hmd->hm", query, table) for table in module.tables()]
        rows = [row - row.mean(dim=1, keepdim=True) for row in rows]
        found.append(RelativeLogits(rows[0], tuple(rows[1:])))

    kinds = (decoder.RelativeAttention, layers.RelativeAttention)
    handles = [part.register_forward_pre_hook(hook) for part in network.modules() if isinstance(part, kinds)]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    if not found:
        raise ModelError(f"{type(network).__name__} has no relative attention")
    return found
