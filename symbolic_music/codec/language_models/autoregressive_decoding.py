"""Generate the codes of a score autoregressively: classifier-free guidance, a cache, any length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from symbolic_music.codec.language_models.base import StepModel
from symbolic_music.codec.language_models.conditioning import Features, features_of
from symbolic_music.codec.language_models.overlapping_windows import checked_prompt, in_windows
from symbolic_music.errors import ModelError, OptionError

_BLOCK = 128  # frames that are given out at a time


@torch.no_grad()
def write_codes(
    model: StepModel,
    features: Tensor,
    prompt: Tensor | None = None,
    guidance: float = 4.0,
    temperature: float = 0.8,
    top_k: int = 250,
    seed: int = 0,
    melody_guidance: float = 0.0,
    text_guidance: float = 0.0,
) -> Tensor:
    """Codes of frames whose features are given: (B, T, F) to (B, K, T).

    Args:
        model: in evaluation mode.
        features: of `score_frames`, and what a model is conditioned on besides.
        prompt: (B, K, t), codes of the first t frames, which are kept.
        guidance: w in u + w (c - u), where c are the logits with the condition and u those without it; 1 for c alone.
        temperature: by which the logits are divided.
        top_k: codes that may be drawn, the likeliest.
        seed: the same seed draws the same codes.
        melody_guidance, text_guidance: w in + w (c - c'), where c' are the logits without this condition alone.

    Raises:
        OptionError: for values out of range, or the guidance of a condition that the model does not have.
        ModelError: for features or a prompt of other shapes.

    Examples:
        >>> import torch
        >>> config = sm.codec.CodecLanguageModelConfig(codebooks=4, width=32, layers=2, heads=2, hidden=64)
        >>> network = sm.codec.CodecLanguageModel(config).eval()  # of random weights; `load_writer` gives trained ones
        >>> features = torch.from_numpy(sm.codec.score_frames(melody, frame_rate=75.0, frames=10))[None]
        >>> sm.codec.write_codes(network, features, seed=1).shape
        torch.Size([1, 4, 10])
    """
    check_features(features, model.columns)
    blocks = stream_codes(
        model, features_of(features), features.shape[1], prompt,
        batch=len(features), guidance=guidance, temperature=temperature, top_k=top_k, seed=seed,
        melody_guidance=melody_guidance, text_guidance=text_guidance,
    )  # fmt: skip
    return torch.cat(list(blocks), dim=-1)


@torch.no_grad()
def stream_codes(
    model: StepModel,
    features: Features,
    frames: int,
    prompt: Tensor | None = None,
    *,
    batch: int = 1,
    guidance: float = 4.0,
    temperature: float = 0.8,
    top_k: int = 250,
    seed: int = 0,
    melody_guidance: float = 0.0,
    text_guidance: float = 0.0,
) -> Iterator[Tensor]:
    """Codes (B, K, n) in blocks of frames, each as soon as it is drawn; together those of `write_codes`.

    Features are requested on demand, so with a pattern whose frames end one after the other pieces of any
    length take the memory of their codes. A model that reads only this many frames at once writes in windows, see
    `in_windows`. Arguments and errors are those of `write_codes`.

    Examples:
        >>> import torch
        >>> config = sm.codec.CodecLanguageModelConfig(codebooks=4, width=32, layers=2, heads=2, hidden=64)
        >>> network = sm.codec.CodecLanguageModel(config).eval()  # of random weights; `load_writer` gives trained ones
        >>> def features(first, last):  # of the frames from first to last; outside of the piece they are zeros
        ...     return torch.from_numpy(sm.codec.score_frames(melody, 75.0, last - first, first))[None]
        >>> blocks = sm.codec.stream_codes(network, features, frames=10, seed=1)
        >>> sum(block.shape[2] for block in blocks)
        10
    """
    check_drawing(guidance, temperature, top_k)
    weights = _weights(model, {"melody": melody_guidance, "text": text_guidance})
    c, generator = model.config, torch.Generator().manual_seed(seed)
    given = checked_prompt(prompt, batch, frames, c.codebooks, c.size, model.nothing.device)

    def write(first: int, count: int, known: Tensor) -> Iterator[Tensor]:
        def shifted(start: int, end: int) -> Tensor:
            return features(start + first, end + first)

        return _written(model, shifted, count, known, guidance, weights, temperature, top_k, generator)

    yield from in_windows(write, frames, model.longest or frames, given)


def _written(
    model: StepModel,
    features: Features,
    frames: int,
    prompt: Tensor,
    guidance: float,
    weights: Mapping[str, float],
    temperature: float,
    top_k: int,
    generator: torch.Generator,
) -> Iterator[Tensor]:
    """Codes of one window; the logits of all that guidance compares are computed together."""
    batch, codebooks, device = *prompt.shape[:2], prompt.device
    pattern, both = model.pattern(frames), guidance != 1
    sources = [features, *(_without(model, features, name) for name in weights)]
    given = pattern.build(functional.pad(prompt, (0, frames - prompt.shape[-1]), value=-1), -1)
    cache = model.new_cache((len(sources) + both) * batch)
    mask = pattern.mask().to(device)
    laid = torch.full_like(given, model.special)
    latest = laid.new_full((batch, codebooks, 1), model.special)
    whole = torch.from_numpy(pattern.places.max(axis=0)).cummax(0).values  # when a frame and all before it are written
    out = 0
    for position, found in enumerate(zip(*(model.step_conditions(one, pattern) for one in sources), strict=True)):
        now = [*found, model.nothing.expand_as(found[0])] if both else list(found)
        parts = model.step(latest.repeat(len(now), 1, 1), torch.cat(now), cache).chunk(len(now))
        logits = parts[-1] + guidance * (parts[0] - parts[-1]) if both else parts[0]
        for part, weight in zip(parts[1:], weights.values(), strict=False):
            logits = logits + weight * (parts[0] - part)
        drawn = draw(logits / temperature, top_k, generator)
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


def _without(model: StepModel, features: Features, name: str) -> Features:
    return lambda first, last: model.without(features(first, last), name)


def _weights(model: StepModel, asked: Mapping[str, float]) -> dict[str, float]:
    """Conditions that are guided by themselves. OptionError when the model does not have one."""
    for name, weight in asked.items():
        if not 0 <= weight < 1e6:
            raise OptionError(f"the guidance of a {name} is at least 0, not {weight:g}")
        if weight and name not in model.extras:
            raise OptionError(f"this model is not conditioned on a {name}: it has no guidance for one")
    return {name: weight for name, weight in asked.items() if weight}


def check_features(features: Tensor, count: int) -> None:
    """ModelError when features are not those of at least one frame, (B, T, count)."""
    if features.ndim != 3 or not features.shape[1] or features.shape[2] != count:
        raise ModelError(f"features are (batch, frames, {count}), not {tuple(features.shape)}")


def check_drawing(guidance: float, temperature: float, top_k: int) -> None:
    """OptionError when a setting is out of range."""
    if not 0 <= guidance < 1e6 or not 1e-6 <= temperature < 1e6 or not isinstance(top_k, int) or top_k < 1:
        raise OptionError("guidance is at least 0, the temperature at least 1e-6, top-k a whole number from 1")


def draw(logits: Tensor, top_k: int, generator: torch.Generator) -> Tensor:
    """Sample one of the `top_k` likeliest codes for each row: (..., size) to (...)."""
    values, places = logits.topk(min(top_k, logits.shape[-1]), dim=-1)
    shares = values.softmax(-1).flatten(0, -2).cpu()
    chosen = torch.multinomial(shares, 1, generator=generator).view(*logits.shape[:-1], 1)
    return places.gather(-1, chosen.to(places.device))[..., 0]
