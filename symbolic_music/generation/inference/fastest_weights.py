"""Which format of weights is the fastest to sample with on this machine, measured once for a network's own shapes.

With one vector at a time the weights are read, not calculated with: half the bytes may take half the time. Whether they
do depends on the processor's instructions and caches, so that a small network may be fastest in float32.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from symbolic_music.generation.inference.weight_formats import WEIGHTS, Float32, Matrix
from symbolic_music.io.measurement_cache import measured_once

_log = logging.getLogger(__name__)
_ROUNDS = 5
# Weights that are measured at most: more than caches hold.
_MOST = 1 << 26
# Share of the products by which those of a format may differ from float32's.
_APART = 0.02


def fastest_weights(network: nn.Module, cache: Path | None = None) -> str:
    """The format of weights in which a vector is multiplied fastest, from the cache or measured, and logged.

    Args:
        network: whose linear layers are measured, the first 64 million weights of them. On another device than the CPU,
            and in another type than float32, its weights stay as they are.
        cache: a folder; `~/.cache/symbolic-music` when omitted.

    Returns:
        one of `weight_formats.WEIGHTS`.
    """
    matrices = _matrices(network)
    if not matrices or any(one.device.type != "cpu" or one.dtype != torch.float32 for one in matrices):
        return "float32"
    shapes = [list(one.shape) for one in matrices]
    found, source = measured_once("weights.json", cache, shapes, _is_sound, lambda: _measured(matrices))
    fastest = min((name for name in WEIGHTS if found[name][1] <= _APART), key=lambda name: found[name][0])
    speeds = ", ".join(f"{name} {1000 * found[name][0]:.3g} ms ({found[name][1]:.1%} off)" for name in WEIGHTS)
    _log.info("weights in %s; a vector by all of them takes %s of the processor (%s)", fastest, speeds, source)
    return fastest


def _matrices(network: nn.Module) -> list[Tensor]:
    """The weights of its linear layers, as many as are measured."""
    found, count = [], 0
    for module in network.modules():
        if isinstance(module, nn.Linear) and count < _MOST:
            found.append(module.weight.detach())
            count += module.weight.numel()
    return found


def _is_sound(entry: dict[str, Any]) -> bool:
    """Whether each format has two numbers."""
    pairs = [value for value in entry.values() if isinstance(value, list) and len(value) == 2]
    numbers = all(isinstance(number, float) for pair in pairs for number in pair)
    return entry.keys() == WEIGHTS.keys() and len(pairs) == len(entry) and numbers


@torch.inference_mode()
def _measured(matrices: list[Tensor]) -> dict[str, tuple[float, float]]:
    """Of each format, seconds of the processor for a vector by all matrices, and how far it is off float32.

    The least over rounds; time by the clock would be that of other programs too.
    """
    generator = torch.Generator().manual_seed(0)
    vectors = [torch.randn(1, one.shape[1], generator=generator) for one in matrices]
    made: Mapping[str, list[Matrix]] = {name: [make(one, None) for one in matrices] for name, make in WEIGHTS.items()}
    exact = torch.cat([Float32(one)(x) for one, x in zip(matrices, vectors, strict=True)], 1)
    seconds, off = dict.fromkeys(WEIGHTS, float("inf")), dict.fromkeys(WEIGHTS, 0.0)
    for turn in range(_ROUNDS + 1):
        for name, own in made.items():
            begun = time.process_time()
            products = [matrix(x) for matrix, x in zip(own, vectors, strict=True)]
            if turn:
                seconds[name] = min(seconds[name], time.process_time() - begun)
            off[name] = float((torch.cat(products, 1) - exact).norm() / exact.norm())
    return {name: (seconds[name], off[name]) for name in WEIGHTS}
