"""The spectral distance between two signals."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from symbolic_music.errors import MissingExtraError

SIZES = (2048, 1024, 512, 256, 128, 64)


@cache
def _stft_losses() -> Any:
    try:
        freq = import_module("auraloss.freq")
    except ImportError:
        raise MissingExtraError("auraloss", "voices") from None
    return freq.MultiResolutionSTFTLoss(
        fft_sizes=list(SIZES),
        hop_sizes=[size // 4 for size in SIZES],
        win_lengths=list(SIZES),
        w_sc=0.0,
        w_log_mag=1.0,
        w_lin_mag=1.0,
    )


def spectral_loss(heard: Tensor, wanted: Tensor) -> Tensor:
    """Multi-scale spectral loss (DDSP, section 4.2.1), by auraloss: a scalar, the mean over the six scales.

    FFT sizes 2,048 to 64 with 75 % overlap; mean absolute difference of the magnitudes plus that of their natural
    logarithms.

    Args:
        heard: (B, n), the gradient reaches it.
        wanted: (B, n).

    Raises:
        MissingExtraError: without auraloss.
    """
    found: Tensor = _stft_losses()(heard[:, None], wanted[:, None])
    return found if isinstance(found, Tensor) else torch.as_tensor(found)
