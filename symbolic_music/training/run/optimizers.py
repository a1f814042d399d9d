"""Optimizers of a run: AdamW, or Muon for matrices with AdamW for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from symbolic_music.training.config import OptimConfig

_MOMENTUM, _MATRIX_DECAY = 0.95, 0.01
# Parts of a name whose matrices are learnt by AdamW: tables, and what stands at the ends of a network.
_NOT_MATRICES = ("head", "pointers", "wave")


def fused(network: nn.Module, precision: str = "32-true") -> dict[str, Any]:
    """The option by which Adam changes all weights in one kernel, where the device has it: a third of the time.

    A scaler of gradients in float16 cannot clip them then.
    """
    return {"fused": next(network.parameters()).device.type in ("cpu", "cuda") and precision != "16-mixed"}


def optimizer_of(network: nn.Module, optim: OptimConfig, precision: str = "32-true") -> torch.optim.Optimizer:
    """The optimizer of what is learnt; each group's `peak` is the learning rate that the schedule scales.

    AdamW (Loshchilov & Hutter 2019), biases and norms do not decay; with `optim.muon` the matrices of blocks are
    learnt by Muon, and nothing else decays.
    """
    learnt = {name: p for name, p in network.named_parameters() if p.requires_grad}
    if optim.muon:
        return MuonWithAdamW(*_by_kind(network, learnt), optim, fused(network, precision))
    return torch.optim.AdamW(
        groups_of(learnt.values(), optim.weight_decay, optim.learning_rate),
        lr=optim.learning_rate,
        betas=optim.betas,
        **fused(network, precision),
    )


def groups_of(learnt: Iterable[nn.Parameter], weight_decay: float, peak: float) -> list[dict[str, Any]]:
    """Groups of an optimizer: matrices and kernels, which decay, and biases and norms, which do not."""
    parameters = list(learnt)
    decayed, others = [p for p in parameters if p.dim() >= 2], [p for p in parameters if p.dim() < 2]
    return [
        {"params": decayed, "weight_decay": weight_decay, "peak": peak},
        {"params": others, "weight_decay": 0.0, "peak": peak},
    ]


def _by_kind(network: nn.Module, learnt: dict[str, nn.Parameter]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Matrices of blocks, and all others."""
    tables = {id(one.weight) for one in network.modules() if isinstance(one, nn.Embedding)}
    matrices = [
        p
        for name, p in learnt.items()
        if p.dim() == 2 and id(p) not in tables and not any(part in name for part in _NOT_MATRICES)
    ]
    chosen = {id(p) for p in matrices}
    return matrices, [p for p in learnt.values() if id(p) not in chosen]


class MuonWithAdamW(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) for some parameters and AdamW for the others, with one state.

    Args:
        matrices, others: parameters.
        optim: rates and betas.
        options: further ones of AdamW.
    """

    def __init__(
        self, matrices: Iterable[Tensor], others: Iterable[Tensor], optim: OptimConfig, options: dict[str, bool]
    ) -> None:
        muon = torch.optim.Muon(
            list(matrices), lr=optim.muon, weight_decay=_MATRIX_DECAY, momentum=_MOMENTUM, adjust_lr_fn="original"
        )
        adamw = torch.optim.AdamW(list(others), lr=optim.learning_rate, betas=optim.betas, weight_decay=0.0, **options)
        self._parts: tuple[torch.optim.Optimizer, ...] = (muon, adamw)
        groups = [
            {**part.param_groups[0], "peak": peak}
            for part, peak in zip(self._parts, (optim.muon, optim.learning_rate), strict=True)
        ]
        super().__init__(groups, {})

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One step of both; `closure` is not used."""
        for part, group in zip(self._parts, self.param_groups, strict=True):
            part.param_groups, part.state = [group], self.state
            part.step()
        return None
