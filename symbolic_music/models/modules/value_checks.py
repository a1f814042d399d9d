"""When the values of tensors may be checked."""

from __future__ import annotations

import torch
from torch import Tensor


def may_check(tensor: Tensor) -> bool:
    """Whether values may be read for a check.

    Not in a training step on an accelerator, which would have to wait for all that it is computing, and not in a
    compiled graph, which would end there.
    """
    if torch.compiler.is_compiling():
        return False
    return tensor.device.type == "cpu" or not torch.is_grad_enabled()
