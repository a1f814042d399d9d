"""Write the codes of a score with a language model: classifier-free guidance, a cache, any length."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from symbolic_music.codec.language_model import CodecLanguageModel
from symbolic_music.errors import ModelError, OptionError

Progress = Callable[[float], None]


@torch.no_grad()
def write_codes(
    model: CodecLanguageModel,
    features: Tensor,
    prompt: Tensor | None = None,
    guidance: float = 3.0,
    temperature: float = 1.0,
    top_k: int = 250,
    seed: int = 0,
    progress: Progress | None = None,
) -> Tensor:
    """Codes of frames whose features are given: (B, T, F) to (B, K, T).

    Args:
        model: in evaluation mode.
        features: of `score_frames`.
        prompt: (B, K, t), codes of the first t frames, which are kept.
        guidance: w in u + w (c - u), where c are the logits with the condition and u those without it; 1 for c alone.
        temperature: by which the logits are divided.
        top_k: codes that may be drawn, the likeliest.
        seed: the same seed draws the same codes.
        progress: is told the part done.

    Raises:
        OptionError: for values out of range.
        ModelError: for features or a prompt of other shapes.
    """
    if guidance < 0 or temperature <= 0 or top_k < 1:
        raise OptionError("guidance is at least 0, the temperature above 0, top-k at least 1")
    batch, frames, c = len(features), features.shape[1], model.config
    pattern = model.pattern(frames)
    told = model.conditions(features, pattern)
    given = pattern.build(_given(prompt, batch, frames, c.codebooks, c.size, features.device), -1)
    both = guidance != 1
    told = torch.cat([told, model.nothing.expand_as(told)]) if both else told
    cache = model.new_cache(len(told))
    generator = torch.Generator().manual_seed(seed)
    mask = pattern.mask().to(features.device)
    laid = torch.full_like(given, model.special)
    latest = laid.new_full((batch, c.codebooks, 1), model.special)
    for position in range(pattern.length):
        logits = model.step(latest.repeat(2, 1, 1) if both else latest, told[:, position : position + 1], cache)
        if both:
            conditioned, free = logits.chunk(2)
            logits = free + guidance * (conditioned - free)
        drawn = _drawn(logits / temperature, top_k, generator)
        known = given[..., position]
        column = torch.where(known >= 0, known, drawn)
        laid[..., position] = torch.where(mask[:, position], column, model.special)
        latest = laid[..., position : position + 1]
        if progress:
            progress((position + 1) / pattern.length)
    return pattern.revert(laid)


def _given(prompt: Tensor | None, batch: int, frames: int, codebooks: int, size: int, device: torch.device) -> Tensor:
    """Codes (B, K, T) of the prompt, -1 where none is given."""
    found = torch.full((batch, codebooks, frames), -1, device=device)
    if prompt is not None:
        if prompt.ndim != 3 or prompt.shape[:2] != (batch, codebooks) or prompt.shape[2] > frames:
            raise ModelError(f"a prompt is ({batch}, {codebooks}, at most {frames}), not {tuple(prompt.shape)}")
        if prompt.numel() and not (int(prompt.min()) >= 0 and int(prompt.max()) < size):
            raise ModelError(f"codes of a prompt lie in 0..{size - 1}")
        found[..., : prompt.shape[2]] = prompt
    return found


def _drawn(logits: Tensor, top_k: int, generator: torch.Generator) -> Tensor:
    """A code for each row: (B, K, size) to (B, K)."""
    values, places = logits.topk(min(top_k, logits.shape[-1]), dim=-1)
    shares = values.softmax(-1).flatten(0, 1).cpu()
    chosen = torch.multinomial(shares, 1, generator=generator).view(*logits.shape[:2], 1)
    return places.gather(-1, chosen.to(places.device))[..., 0]
