"""Codes of one level, drawn in windows that overlap, for pieces of any length.

Source: Dhariwal et al. 2020 (Jukebox, section 4.3, windowed sampling). The chance that decides a code depends on the
seed and its place alone, not on the window in which it is drawn.

Shapes: B batch, T frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.codec.jukebox.prior import JukeboxPrior
from symbolic_music.codec.language_models.overlapping_windows import in_windows
from symbolic_music.errors import OptionError

_BLOCK = 256  # codes that are given out at a time
_DRAWN = 1 << 12  # chances drawn at once


@dataclass(frozen=True)
class JukeboxSampling:
    """How codes are drawn.

    Args:
        instrument: the label; None for none.
        temperature: by which logits are divided.
        overlap: share of a window that the next one begins with.
        seed: the same seed draws the same codes.

    Raises:
        OptionError: for values out of range.

    Examples:
        >>> sm.codec.JukeboxSampling(temperature=0.9).overlap
        0.5
    """

    instrument: str | None = None
    temperature: float = 0.95
    overlap: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1e-3 <= self.temperature <= 100:
            raise OptionError(f"the temperature is 0.001 to 100, not {self.temperature:g}")
        if not 0 <= self.overlap <= 0.95:
            raise OptionError(f"windows overlap by 0 to 0.95 of themselves, not {self.overlap:g}")
        if self.seed < 0:
            raise OptionError(f"a seed is a whole number from 0, not {self.seed}")


@torch.no_grad()
def stream_level(
    prior: JukeboxPrior, frames: int, above: Tensor | None, given: Tensor, draw: JukeboxSampling, stream: int = 0
) -> Iterator[Tensor]:
    """Codes (1, n) of a piece of a given number of frames, in blocks; it holds a window and the codes above in memory.

    Args:
        prior: in evaluation mode.
        frames: of the whole.
        above: codes of the level above, (1, frames / ratio or more), None for the top.
        given: codes (1, t) of the first frames, which are kept.
        draw: how codes are drawn.
        stream: distinguishes the chances of the levels of a cascade.

    Raises:
        ModelError: for an unknown instrument, or without the codes above.
    """
    window = prior.config.window
    number = torch.tensor([prior.label(draw.instrument)], device=given.device)
    total = torch.tensor([frames], device=given.device)

    def write(first: int, count: int, known: Tensor) -> Iterator[Tensor]:
        around = None if above is None or prior.above is None else prior.above.around(above, first, first + count)
        at = torch.tensor([first], device=given.device)
        condition = prior.conditions(at, count, total, number, around)
        chances_here = chances(draw.seed, stream, first, count)
        return _window(prior, condition, known[:, 0], draw.temperature, chances_here)

    overlap = min(window - 1, round(draw.overlap * window))
    for block in in_windows(write, frames, window, given[:, None], overlap):
        yield block[:, 0]


def _window(
    prior: JukeboxPrior, condition: Tensor, known: Tensor, temperature: float, chances: NDArray[np.float64]
) -> Iterator[Tensor]:
    """The codes of a window in blocks (1, 1, n), of which the first are known."""
    count, done = condition.shape[1], known.shape[1]
    held = [known[:, None]] if done else []
    if done < count:
        cache = prior.new_cache()
        before = torch.cat([known.new_full((1, 1), prior.start), known], dim=1)
        logits = prior.logits(before, condition[:, : done + 1], cache)
        drawn: list[int] = []
        for place in range(done, count):
            code = pick(logits[0, -1], temperature, float(chances[place]))
            drawn.append(code)
            if len(drawn) == _BLOCK:
                held.append(known.new_tensor([[drawn]]))
                drawn = []
                yield torch.cat(held, dim=-1)
                held = []
            if place + 1 < count:
                logits = prior.logits(known.new_tensor([[code]]), condition[:, place + 1 : place + 2], cache)
        if drawn:
            held.append(known.new_tensor([[drawn]]))
    if held:
        yield torch.cat(held, dim=-1)


def pick(logits: Tensor, temperature: float, chance: float) -> int:
    """The code at which the distribution of logits (size,) reaches a chance in 0..1."""
    shares = (logits.double() / temperature).softmax(-1).cumsum(-1)
    return min(int(torch.searchsorted(shares, chance * float(shares[-1]))), len(shares) - 1)


def chances(seed: int, stream: int, first: int, count: int) -> NDArray[np.float64]:
    """Numbers in 0..1 from the place `first` on of an endless row, which depends on the seed and the stream."""
    parts = [
        np.random.default_rng([seed, stream, block]).random(_DRAWN)
        for block in range(first // _DRAWN, (first + count - 1) // _DRAWN + 1)
    ]
    return np.concatenate(parts)[first % _DRAWN :][:count]
