"""Velocities of a part from its dynamics and hairpins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DEFAULT = 80
# What a hairpin without a mark at its end comes to.
_STEP = 16


def loudness(
    marks: Sequence[tuple[int, int]], hairpins: Sequence[tuple[int, int]], at: NDArray[np.int64], near: int
) -> NDArray[np.float64]:
    """Velocity at these ticks, not rounded, shape as `at`.

    Args:
        marks: (tick, velocity) in order, holding until the next; negative ones are of that tick only.
        hairpins: (tick, +1 louder, -1 softer, 0 end), in order. One that ends within `near` ticks of a mark reaches
            that mark, any other a step further than it began.
        near: ticks.
    """
    lasting = [(tick, value) for tick, value in marks if value > 0]
    sudden = {tick: -value for tick, value in marks if value < 0}
    # Corners of a curve that is linear between them; at one tick the last counts.
    corners: list[tuple[int, float]] = [(-1, float(DEFAULT))]
    level = float(DEFAULT)
    pending: list[tuple[int, int, int]] = []  # begin, end, direction
    begun: tuple[int, int] | None = None
    for tick, rising in hairpins:
        if begun is not None:
            pending.append((begun[0], tick, begun[1]))
        begun = (tick, rising) if rising else None
    position = 0
    for begin, end, rising in pending:
        while position < len(lasting) and lasting[position][0] <= begin:
            level = float(lasting[position][1])
            corners += [(lasting[position][0] - 1, corners[-1][1]), (lasting[position][0], level)]
            position += 1
        if end <= begin:
            continue
        tick, mark = lasting[position] if position < len(lasting) else (end + near + 1, 0)
        target = float(mark) if tick <= end + near else None
        stop = min(tick, end)
        if target is None or (target - level) * rising < 0:
            target = min(127, max(1, level + rising * _STEP))
        corners += [(begin, level), (stop, float(target))]
        level = float(target)
    for tick, value in lasting[position:]:
        corners += [(tick - 1, corners[-1][1]), (tick, float(value))]
    ticks = np.array([tick for tick, _ in corners], np.float64)
    ticks = np.maximum.accumulate(ticks)
    values = np.interp(at, ticks, np.array([value for _, value in corners]))
    # interp takes the first of equal ticks where it should take the last.
    last = np.searchsorted(ticks, at, side="right") - 1
    exact = (last >= 0) & (ticks[np.maximum(last, 0)] == at)
    values = np.where(exact, np.array([value for _, value in corners])[np.maximum(last, 0)], values)
    if sudden:
        values = np.array([sudden.get(int(t), v) for t, v in zip(at.tolist(), values.tolist(), strict=True)])
    return np.asarray(values, np.float64)
