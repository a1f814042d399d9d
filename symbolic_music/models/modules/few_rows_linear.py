"""A linear layer for a few vectors at a time, as networks that write id by id have them.

On a CPU, oneDNN's product of plain float32 weights reads them twice as fast as torch's own `linear` does for a few
vectors: `benchmarks/sampling.py kernels`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# From this many vectors on arithmetic takes longer than reading the weights, and products of large matrices are best.
MANY = 24


def few_rows_product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor | None:
    """W x + b for rows x (N, in), by oneDNN; None where that is no faster, cannot be, or a gradient is needed."""
    if (
        len(x) >= MANY
        or torch.is_grad_enabled()
        or not (x.dtype == weight.dtype == torch.float32)
        or not (x.device.type == weight.device.type == "cpu")
        or not HAS_ONEDNN
        or torch.is_autocast_enabled("cpu")
    ):
        return None
    return torch.as_tensor(torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], ""))


class FewRowsLinear(nn.Linear):
    """`nn.Linear`, faster on a CPU for a few vectors when no gradient is needed; see the module's docstring."""

    def forward(self, input: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        rows = input.flatten(0, -2)
        found = few_rows_product(rows, self.weight, self.bias) if rows.numel() else None
        return super().forward(input) if found is None else found.view(*input.shape[:-1], -1)


HAS_ONEDNN = bool(torch._C._has_mkldnn) and hasattr(torch.ops.mkldnn, "_linear_pointwise")
