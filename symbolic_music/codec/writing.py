"""Write the codes of a score with a language model: classifier-free guidance, a cache, any length."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

from symbolic_music.codec.language_model import AROUND, CodecLanguageModel
from symbolic_music.codec.patterns import Pattern
from symbolic_music.errors import ModelError, OptionError

# Features of the frames from one to another, (B, n, F); zeros before the first and after the last.
Features = Callable[[int, int], Tensor]
_BLOCK = 128  # frames that are told, and given out, at a time


@torch.no_grad()
def write_codes(
    model: CodecLanguageModel,
    features: Tensor,
    prompt: Tensor | None = None,
    guidance: float = 3.0,
    temperature: float = 1.0,
    top_k: int = 250,
    seed: int = 0,
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

    Raises:
        OptionError: for values out of range.
        ModelError: for features or a prompt of other shapes.
    """
    if features.ndim != 3 or not features.shape[1] or features.shape[2] != model.config.features:
        raise ModelError(f"features are (batch, frames, {model.config.features}), not {tuple(features.shape)}")
    padded = functional.pad(features, (0, 0, AROUND, AROUND))
    blocks = stream_codes(
        model, lambda first, last: padded[:, first + AROUND : last + AROUND], features.shape[1], prompt,
        batch=len(features), guidance=guidance, temperature=temperature, top_k=top_k, seed=seed,
    )  # fmt: skip
    return torch.cat(list(blocks), dim=-1)


@torch.no_grad()
def stream_codes(
    model: CodecLanguageModel,
    features: Features,
    frames: int,
    prompt: Tensor | None = None,
    *,
    batch: int = 1,
    guidance: float = 3.0,
    temperature: float = 1.0,
    top_k: int = 250,
    seed: int = 0,
) -> Iterator[Tensor]:
    """Codes (B, K, n) in blocks of frames, each as soon as it is drawn; together those of `write_codes`.

    Features are asked for as they are needed, so with a pattern whose frames end one after the other pieces of any
    length take the memory of their codes. Arguments and errors as there.
    """
    if guidance < 0 or temperature <= 0 or top_k < 1:
        raise OptionError("guidance is at least 0, the temperature above 0, top-k at least 1")
    c, pattern, device = model.config, model.pattern(frames), model.nothing.device
    given = pattern.build(_given(prompt, batch, frames, c.codebooks, c.size, device), -1)
    both = guidance != 1
    cache = model.new_cache(2 * batch if both else batch)
    generator = torch.Generator().manual_seed(seed)
    mask, told = pattern.mask().to(device), _told(model, features, pattern)
    laid = torch.full_like(given, model.special)
    latest = laid.new_full((batch, c.codebooks, 1), model.special)
    whole = torch.from_numpy(pattern.places.max(axis=0)).cummax(0).values  # when a frame and all before it are written
    out = 0
    for position, now in enumerate(told):
        if both:
            latest, now = latest.repeat(2, 1, 1), torch.cat([now, model.nothing.expand_as(now)])
        logits = model.step(latest, now, cache)
        if both:
            conditioned, free = logits.chunk(2)
            logits = free + guidance * (conditioned - free)
        drawn = _drawn(logits / temperature, top_k, generator)
        known = given[..., position]
        column = torch.where(known >= 0, known, drawn)
        laid[..., position] = torch.where(mask[:, position], column, model.special)
        latest = laid[..., position : position + 1]
        done = int(torch.searchsorted(whole, position, right=True))
        if done >= out + _BLOCK or done == frames:
            yield laid.gather(-1, pattern.index(laid)[..., out:done])
            out = done
            if out == frames:
                return


def _told(model: CodecLanguageModel, features: Features, pattern: Pattern) -> Iterator[Tensor]:
    """What each position is told, (B, 1, width)."""
    start, told = -1, torch.empty(0)
    for frame in pattern.frames_at().tolist():
        if frame // _BLOCK != start:
            start = frame // _BLOCK
            first = start * _BLOCK
            last = min(first + _BLOCK, pattern.frames)
            told = model.tell(features(first - AROUND, last + AROUND).to(model.nothing.device))
        yield told[:, frame - start * _BLOCK :][:, :1]


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
