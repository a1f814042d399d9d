"""Generate the codes of a score by masked refinement: many frames at once, the least certain ones again.

Source: Ziv et al. 2024 (MAGNeT, arXiv 2401.04577): spans, their cosine schedule, guidance that weakens. That spans do
not overlap, that one is as certain as its likeliest code, and how the temperature falls, is of the authors' code.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from symbolic_music.codec.language_models.autoregressive_decoding import check_drawing, draw
from symbolic_music.codec.language_models.conditioning import Features
from symbolic_music.codec.language_models.masked import MaskedWriter
from symbolic_music.codec.language_models.overlapping_windows import checked_prompt, in_windows
from symbolic_music.errors import OptionError

_COLDEST = 0.01  # temperature of the last iteration


class Iteration(NamedTuple):
    """One iteration for a codebook: the share of spans that it writes, and its settings."""

    share: float
    guidance: float
    temperature: float


def schedule(steps: int, guidance: float, temperature: float) -> list[Iteration]:
    """The iterations of a codebook.

    The share falls from 1 to 0 as a quarter of a cosine does, guidance with it from its value to 1, and the temperature
    in a line to (nearly) 0.
    """
    found = []
    for step in range(steps):
        share = math.cos(math.pi / 2 * step / max(1, steps - 1))
        cooled = max(_COLDEST, temperature * (steps - 1 - step) / steps)
        found.append(Iteration(share, share * guidance + (1 - share), cooled))
    return found


@torch.no_grad()
def stream_refined(
    model: MaskedWriter,
    features: Features,
    frames: int,
    prompt: Tensor | None = None,
    *,
    batch: int = 1,
    guidance: float = 3.0,
    temperature: float = 1.0,
    top_k: int = 250,
    steps: Sequence[int] = (16, 1),
    seed: int = 0,
) -> Iterator[Tensor]:
    """Codes (B, K, n), a window of the model's at a time; longer pieces in windows, see `in_windows`.

    Args:
        model: in evaluation mode.
        features: of the score, requested on demand.
        prompt: (B, K, t), codes of the first t frames, which are kept.
        guidance: w in u + w (c - u) at the first iteration of each codebook, where c are the logits with the condition
            and u those without it; it falls to 1. The paper's 10 is for texts: a score says much more, and with 10
            finer codebooks, which hardly need guidance, go too far.
        temperature: by which the logits are divided at first; the paper's is 3.
        top_k: codes that may be drawn, the likeliest.
        steps: iterations of each codebook; its last number is also that of all further ones. These are those of Borsos
            et al. 2023 (SoundStorm, arXiv 2305.09636), one of likeliest codes for each finer codebook; MAGNeT's, (20,
            10), take four times as long with eight codebooks.
        seed: the same seed draws the same codes.

    Raises:
        OptionError: for values out of range.
        ModelError: for a prompt of another shape.
    """
    check_drawing(guidance, temperature, top_k)
    if not steps or min(steps) < 1:
        raise OptionError(f"each codebook takes at least one step, not {tuple(steps)}")
    c, generator = model.config, torch.Generator().manual_seed(seed)
    given = checked_prompt(prompt, batch, frames, c.codebooks, c.size, model.nothing.device)

    def write(first: int, count: int, known: Tensor) -> Iterator[Tensor]:
        codes = functional.pad(known, (0, count - known.shape[-1]), value=model.special)
        if count > known.shape[-1]:
            condition = model.embed_range(features, first, first + count)
            for k in range(c.codebooks):
                plan = schedule(steps[min(k, len(steps) - 1)], guidance, temperature)
                _refine(model, codes, condition, k, known.shape[-1], plan, top_k, generator)
        yield codes

    yield from in_windows(write, frames, c.frames, given)


def _refine(
    model: MaskedWriter,
    codes: Tensor,
    condition: Tensor,
    codebook: int,
    start: int,
    plan: list[Iteration],
    top_k: int,
    generator: torch.Generator,
) -> None:
    """Write a codebook of (B, K, T) codes from frame `start` on, in place."""
    span, now = model.config.span, codes[:, codebook, start:]
    batch, length = now.shape
    count = math.ceil(length / span)
    spans = torch.ones(batch, count, dtype=torch.bool, device=codes.device)
    certainty = torch.zeros(batch, count, device=codes.device)
    for share, guidance, temperature in plan:
        # Of the spans that the last iteration wrote; fewer each time, so what is left alone stays.
        least = certainty.topk(max(1, int(share * count)), largest=False).indices
        spans = torch.zeros_like(spans).scatter(1, least, True)
        masked = spans.repeat_interleave(span, dim=1)[:, :length]
        now[masked] = model.special
        logits = _guided(model, codes, condition, codebook, guidance)[:, start:] / temperature
        drawn = draw(logits, top_k, generator)
        chance = logits.softmax(-1).gather(-1, drawn[..., None])[..., 0]
        now[masked] = drawn[masked]
        chances = functional.pad(chance, (0, count * span - length)).view(batch, count, span)
        certainty = chances.amax(-1).masked_fill(~spans, math.inf)


def _guided(model: MaskedWriter, codes: Tensor, condition: Tensor, codebook: int, guidance: float) -> Tensor:
    """Logits (B, T, size) of a codebook, with classifier-free guidance."""
    which = torch.full((len(codes),), codebook, device=codes.device)
    if math.isclose(guidance, 1):
        return torch.as_tensor(model(codes, which, condition))
    both = torch.cat([condition, model.nothing.expand_as(condition)])
    conditioned, free = model(codes.repeat(2, 1, 1), which.repeat(2), both).chunk(2)
    return torch.as_tensor(free + guidance * (conditioned - free))
