"""Tiny runs for the tests of training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CHORDS = [[72, 67, 64, 48], [72, 69, 65, 53], [71, 67, 62, 55], [72, 67, 64, 48]]
FRAMES = {"architecture": "frame-transformer", "width": 16, "layers": 1, "heads": 2, "hidden": 16, "voice_hidden": 16}


def grid_file(folder: Path, pieces: int = 8) -> Path:
    """Chorales of different lengths, as the file of the JSB chorales has them."""
    piece = [chord for chord in CHORDS * 3 for _ in range(4)]
    train = [[[pitch + i % 3 for pitch in step] for step in piece[: 16 + 3 * i]] for i in range(pieces)]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "grid.json"
    path.write_text(json.dumps({"train": train, "valid": [piece, piece[:20]], "test": [piece]}))
    return path


def edits(folder: Path, **optim: Any) -> dict[str, Any]:
    """A run of the anticipatory transformer on edits."""
    return {
        "name": "tiny",
        "out": str(folder / "runs"),
        "evaluate_every": 4,
        "checkpoint_every": 2,
        "model": {"width": 16, "layers": 1, "heads": 2, "hidden": 16, "window": 128},
        "data": {"path": str(grid_file(folder))},
        "optim": {"steps": 4, "batch": 2, "warmup": 1, **optim},
    }


def grid(folder: Path, **optim: Any) -> dict[str, Any]:
    """A run of the frame transformer on the grid."""
    tree = edits(folder, **optim)
    return {**tree, "model": dict(FRAMES), "data": {"kind": "chorale-grid", "path": tree["data"]["path"]}}
