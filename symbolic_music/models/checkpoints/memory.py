"""Check the available memory before a network is loaded."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from symbolic_music.errors import ModelError

_MEMINFO = Path("/proc/meminfo")


def check_memory(network: nn.Module, where: Path) -> None:
    """ModelError when the weights of a network, as float32, take more memory than is free."""
    need, free = 4 * sum(parameter.numel() for parameter in network.parameters()), free_memory()
    if free is not None and need > free:
        raise ModelError(
            f"{where} needs {need / 1e9:.1f} GB of memory for its weights; {free / 1e9:.1f} GB are free: "
            "close other programs, or take a smaller model"
        )


def free_memory() -> int | None:
    """Bytes that may be taken without swapping, as Linux estimates them; None where it does not say."""
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")]
    return found[0] if found else None
