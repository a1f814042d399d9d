"""Weights, gradients and optimizer sharded among processes (Zhao et al. 2023, FSDP), by torch's `fully_shard`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn


def shard(objective: nn.Module, mesh: Any) -> nn.Module:
    """Divide the blocks of an objective's network one by one, and with the objective what is left.

    Args:
        mesh: of devices; its dimension `data_parallel` is divided over.
    """
    from torch.distributed.fsdp import fully_shard

    over = mesh["data_parallel"]
    for block in cast("Iterable[nn.Module]", getattr(objective.network, "blocks", ())):
        fully_shard(block, mesh=over)
    return cast("nn.Module", fully_shard(objective, mesh=over))


def gathered(tensor: Tensor) -> Tensor:
    """The whole of a tensor that may be divided; then every process must ask for it at the same time."""
    whole = getattr(tensor, "full_tensor", None)
    return tensor if whole is None else cast("Tensor", whole())


def alike(value: Tensor, other: Any) -> Tensor:
    """A whole tensor, divided as another is."""
    if not hasattr(other, "full_tensor"):
        return value
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(value.to(other.device), other.device_mesh, other.placements, src_data_rank=None)


@torch.no_grad()
def fill(target: Tensor, whole: Tensor) -> None:
    """Put a whole tensor into one that may be divided; RuntimeError when its shape is another."""
    if target.shape != whole.shape:
        raise RuntimeError(f"size mismatch: {tuple(whole.shape)}, not {tuple(target.shape)}")
    target.copy_(alike(whole, target))
