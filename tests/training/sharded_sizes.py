"""Run by torchrun: elements of the weights that this process has, between steps and in an evaluation, as JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

from symbolic_music.training import load_config
from symbolic_music.training.run.fabric import leave
from symbolic_music.training.trainer import begin


def held(network: Any) -> int:
    """Elements of the parameters in this process."""
    return sum(getattr(p, "to_local", lambda p=p: p)().numel() for p in network.parameters())


def main() -> None:
    """Train a few steps, and look."""
    loop: Any = begin(load_config(sys.argv[1]))
    found = {"whole": sum(p.numel() for p in loop.network.parameters()), "evaluating": 0}
    for module in loop.network.modules():
        module.register_forward_hook(
            lambda *_: (
                found.update(evaluating=max(found["evaluating"], held(loop.network)))
                if not loop.network.training
                else None
            )
        )
    loop.go()
    found["kept"] = held(loop.network)
    sys.stdout.write(json.dumps(found) + "\n")
    leave(loop.fabric)


if __name__ == "__main__":
    main()
