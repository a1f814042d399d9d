"""Fine-tuning by low-rank updates of the weights (LoRA, Hu et al. 2021, arXiv 2106.09685, section 4.1)."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from symbolic_music.errors import TrainingError


class _LowRank(nn.Module):
    """weight + scale x up @ down; up begins at zero, so that nothing is changed at first."""

    def __init__(self, weight: Tensor, rank: int, scale: float) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.down = nn.Parameter(torch.randn(rank, columns, device=weight.device) / math.sqrt(columns))
        self.up = nn.Parameter(torch.zeros(rows, rank, device=weight.device))
        self.scale = scale

    def forward(self, weight: Tensor) -> Tensor:
        """The changed weight."""
        return weight + self.scale * (self.up @ self.down)


def adapt(network: nn.Module, rank: int, scale: float) -> None:
    """Freeze a network, and let the matrices of its `blocks` be changed by products of this rank.

    TrainingError when it has no blocks with matrices, or the rank is not below theirs.
    """
    blocks = getattr(network, "blocks", None)
    matrices = [m for m in blocks.modules() if isinstance(m, nn.Linear)] if isinstance(blocks, nn.Module) else []
    if not matrices:
        raise TrainingError(f"{type(network).__name__} has no blocks for lora to change; leave lora out")
    smallest = min(min(matrix.weight.shape) for matrix in matrices)
    if rank >= smallest:
        raise TrainingError(f"lora.rank is below {smallest}, the model's smallest matrix, not {rank}")
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    for matrix in matrices:
        parametrize.register_parametrization(matrix, "weight", _LowRank(matrix.weight, rank, scale))


def merged(network: nn.Module) -> nn.Module:
    """The network itself, or, where it is adapted, a copy with the changes in its weights."""
    if not any(parametrize.is_parametrized(module) for module in network.modules()):
        return network
    plain = copy.deepcopy(network)
    for name, module in list(plain.named_modules()):
        if isinstance(module, nn.Linear) and parametrize.is_parametrized(module):
            # torch removes a parametrization from the class, which the network shares with its copy.
            whole = nn.Linear(module.in_features, module.out_features, module.bias is not None, module.weight.device)
            with torch.no_grad():
                whole.weight.copy_(module.weight)
            if module.bias is not None:
                whole.bias = module.bias
            plain.set_submodule(name, whole.train(module.training))
    return plain
