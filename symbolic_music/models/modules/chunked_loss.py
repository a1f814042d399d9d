"""Cross-entropy of a large vocabulary whose logits are never held all at once.

At 55,028 ids a batch of 8 windows of 1,024 has 1.8 GB of logits, and as much again of their gradient. Here some rows of
them are made, used and overwritten. Their gradient needs nothing from above but a factor, so it is computed at once,
in the same pass; nothing is computed twice. Wijmans et al. 2024 (Cut Your Losses) and Hsu et al. 2024 (Liger Kernel)
do the same on GPUs.

Shapes: N positions, W width of the states, V ids.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

# Logits that are held at a time, at most: 128 MB in float32.
LOGITS = 1 << 25
IGNORED = -100  # in the place of an id that is not predicted


def total_nats(states: Tensor, weight: Tensor, bias: Tensor | None, wanted: Tensor) -> Tensor:
    """The sum of -log softmax(states weight^T + bias)[wanted]; can be differentiated once.

    Args:
        states: (N, W).
        weight: (V, W).
        bias: (V,).
        wanted: (N,) ids, or IGNORED.

    Returns:
        A scalar in float32.
    """
    if len(states) * len(weight) <= LOGITS:
        logits = functional.linear(states, weight, bias).float()
        return functional.cross_entropy(logits, wanted, reduction="sum", ignore_index=IGNORED)
    return torch.as_tensor(_TotalNats.apply(states, weight, bias, wanted))  # type: ignore[no-untyped-call]


def each_nats(states: Tensor, weight: Tensor, bias: Tensor | None, wanted: Tensor) -> Tensor:
    """-log softmax(states weight^T + bias)[wanted] of each position, (N,); arguments as in `total_nats`.

    Memory is bounded where no gradient is asked for.
    """
    found = [
        functional.cross_entropy(
            functional.linear(some, weight, bias).float(), ids, reduction="none", ignore_index=IGNORED
        )
        for some, ids in zip(torch.split(states, _rows(weight)), torch.split(wanted, _rows(weight)), strict=True)
    ]
    return torch.cat(found)


def _rows(weight: Tensor) -> int:
    return max(1, LOGITS // len(weight))


class _TotalNats(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor | None, wanted: Tensor) -> Tensor:
        is_learnt = any(ctx.needs_input_grad[:3])
        kind = states.device.type
        half = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.promote_types(
            states.dtype, weight.dtype)  # fmt: skip
        states_half, weight_half = states.to(half), weight.to(half)
        total = states.new_zeros((), dtype=torch.float32)
        d_states = torch.empty_like(states) if is_learnt else None
        d_weight = torch.zeros_like(weight, dtype=torch.float32) if is_learnt else None
        d_bias = torch.zeros_like(bias, dtype=torch.float32) if is_learnt and bias is not None else None
        rows = _rows(weight)
        for first in range(0, len(states), rows):
            own, ids = states_half[first : first + rows], wanted[first : first + rows]
            kept, ids = (ids != IGNORED)[:, None], ids.clamp(min=0)[:, None]
            logits = functional.linear(own, weight_half, None if bias is None else bias.to(half)).float()
            whole = torch.logsumexp(logits, -1, keepdim=True)
            total += ((whole - logits.gather(1, ids)) * kept).sum()
            if d_states is None or d_weight is None:
                continue
            d_logits = logits.sub_(whole).exp_()
            d_logits.scatter_add_(1, ids, -torch.ones_like(whole)).mul_(kept)
            if d_bias is not None:
                d_bias += d_logits.sum(0)
            d_half = d_logits.to(half)
            d_states[first : first + rows] = d_half @ weight_half
            if half == torch.float32:
                d_weight.addmm_(d_half.T, own)
            else:
                d_weight += d_half.T @ own
        ctx.save_for_backward(d_states, d_weight, d_bias)
        ctx.types = weight.dtype, None if bias is None else bias.dtype
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        d_states, d_weight, d_bias = ctx.saved_tensors
        weight_type, bias_type = ctx.types
        return (
            d_states * grad.to(d_states.dtype),
            (d_weight * grad).to(weight_type),
            None if d_bias is None else (d_bias * grad).to(bias_type),
            None,
        )
