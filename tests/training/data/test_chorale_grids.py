"""What the grid task makes of chorales."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from symbolic_music.training.config import GridData, parse_config
from symbolic_music.training.data.chorale_grids import GridSource
from symbolic_music.training.task import Share
from tests.training.tiny_runs import grid

STEPS = 70  # of each piece: a crop may begin at its first, second or third bar


def bars_dropped(folder: Path, crops: float) -> np.ndarray:
    """Of forty batches of two, pieces whose pitches say which piece and bar they are of."""
    pieces = [[[40 + piece, 50, 60, 70 + step // 16] for step in range(STEPS)] for piece in range(4)]
    path = folder / "bars.json"
    path.write_text(json.dumps({"train": pieces, "valid": pieces[:1], "test": pieces[:1]}))
    tree = grid(folder)
    tree["data"] |= {"path": str(path), "crops": crops, "transpose": [0, 0]}
    config = parse_config(tree)
    assert isinstance(config.data, GridData)
    batches = GridSource(config, config.data).training(0, Share())
    found = []
    for batch in (part for _ in range(40) for part in next(batches)):
        for ids, mask in zip(batch.ids, batch.mask, strict=True):
            steps = ids[mask][1:].view(-1, 4)
            bars = steps[:, 3] - 70
            assert len(steps) == STEPS - 16 * bars[0]
            assert bars.tolist() == [step // 16 for step in range(16 * int(bars[0]), STEPS)]
            found.append(int(bars[0]))
    return np.array(found)


@pytest.mark.parametrize("crops", [0.0, 0.6, 1.0])
def test_crops_begin_at_a_bar_of_the_first_half(tmp_path: Path, crops: float) -> None:
    dropped = bars_dropped(tmp_path, crops)
    for bars in range(3):
        expected = crops / 3 + (1 - crops) * (bars == 0)
        assert np.mean(dropped == bars) == pytest.approx(expected, abs=0.15)
    assert dropped.max() <= 2
