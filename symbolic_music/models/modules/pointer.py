"""Pointer: copy the fields of the next event from an earlier row, found by attention.

Source: Merity et al. 2017, "Pointer Sentinel Mixture Models", with a gate for each field in the place of the sentinel.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.models.attention.causal_blocks import causal_blocks
from symbolic_music.models.modules.rotary_axes import Rotation

_WIDTH = 64
_SCALE = 0.5
_NEVER = -1e4


class Pointer(nn.Module):
    """One head of attention over rows, whose weights are probabilities of copying.

    Args:
        width: of the rows.
        fields: that are copied, each with a gate of its own.
    """

    def __init__(self, width: int, fields: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, _WIDTH, bias=False)
        self.key = nn.Linear(width, _WIDTH, bias=False)
        self.gate = nn.Linear(width, fields)
        self.gain = nn.Parameter(torch.tensor(9.0))
        nn.init.constant_(self.gate.bias, -2.0)

    def keys(self, source: Tensor, rotation: Rotation) -> Tensor:
        """Keys of a source (B, N, width): (B, N, 64)."""
        return rotation(functional.layer_norm(self.key(source), (_WIDTH,))[:, None])[:, 0]

    def _queries(self, x: Tensor, rotation: Rotation) -> Tensor:
        query = functional.layer_norm(self.query(x), (_WIDTH,))[:, None] * self.gain.to(x.dtype)
        return rotation(query)[:, 0]

    def copied(
        self,
        x: Tensor,
        rotation: Rotation,
        keys: Tensor,
        is_note: Tensor,
        fields: Sequence[Tensor],
        targets: Sequence[Tensor],
    ) -> list[Tensor]:
        """Probabilities that copies are the targets.

        Args:
            x: states (B, N, width) from which is predicted.
            rotation: of what is predicted.
            keys: of the same N rows.
            is_note: rows that may be copied, (B, N).
            fields: their values, (B, N) each.
            targets: the values predicted, (B, N) each.
        """
        found: list[list[Tensor]] = [[] for _ in fields]
        start = 0
        for logits in causal_blocks(self._queries(x, rotation), keys, _SCALE):
            end = logits.shape[-1]
            logits = logits + torch.where(is_note[:, None, :end], 0.0, _NEVER).to(logits.dtype)
            weights = logits.softmax(-1)
            for parts, field, target in zip(found, fields, targets, strict=True):
                parts.append((weights * (field[:, None, :end] == target[:, start:end, None])).sum(-1))
            start = end
        return [torch.cat(parts, 1).float() for parts in found]

    def weights(self, x: Tensor, rotation: Rotation, keys: Tensor, is_note: Tensor) -> Tensor:
        """Probabilities of the rows (B, K) for one state a sequence, (B, 1, width)."""
        logits = (self._queries(x, rotation) @ keys.transpose(1, 2) * _SCALE)[:, 0]
        return (logits + torch.where(is_note, 0.0, _NEVER)).softmax(-1)


def mixed(log_p: Tensor, copied: Tensor, gate: Tensor) -> Tensor:
    """Log-probability under a mixture of a head's, and of copying; the gate is a logit."""
    return torch.logaddexp(log_p + functional.logsigmoid(-gate), (copied + 1e-8).log() + functional.logsigmoid(gate))
