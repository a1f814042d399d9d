"""A depth decoder: each code follows the coarser ones of its frame and the frames before, and the score around it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from symbolic_music.codec.language_models.autoregressive import CodecLanguageModel, CodecLanguageModelConfig
from symbolic_music.codec.language_models.conditioning import features_of
from symbolic_music.codec.language_models.depth_decoder import DepthWriter, DepthWriterConfig, stream_by_depth
from symbolic_music.errors import ModelError, OptionError

SHAPE: dict[str, Any] = {
    "codebooks": 3, "size": 8, "width": 32, "layers": 2, "heads": 2, "hidden": 64, "window": 16, "distances": 16,
    "features": 5, "dropout": 0.0,
}  # fmt: skip
OWN: dict[str, Any] = {"blocks": 2, "block_hidden": 32, "depth": 32}


def network(**settings: Any) -> DepthWriter:
    torch.manual_seed(0)
    made = DepthWriter(DepthWriterConfig(**{**SHAPE, **OWN, **settings})).eval()
    for block in made.further:
        torch.nn.init.constant_(block.scale, 0.5)
    return made


def examples(frames: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(8, (2, 3, frames), generator=generator), torch.rand(2, frames, 5, generator=generator)


@torch.no_grad()
def test_a_code_depends_on_earlier_frames_and_coarser_codes_alone() -> None:
    model, (codes, features) = network(), examples(12)
    condition = model.embed_all(features, 12)
    logits = model(codes, condition).unflatten(1, (2, 12))
    for k, frame in ((0, 5), (1, 5), (2, 11)):
        changed = codes.clone()
        changed[:, k, frame] = (changed[:, k, frame] + 1) % 8
        differs = (model(changed, condition).unflatten(1, (2, 12)) - logits).abs().amax((1, 3)) > 1e-6  # (K, T)
        wanted = torch.zeros(3, 12, dtype=torch.bool)
        wanted[k + 1 :, frame] = True
        wanted[:, frame + 1 :] = True
        assert torch.equal(differs, wanted)


@torch.no_grad()
def test_what_is_written_with_a_cache_is_the_likeliest_of_the_whole() -> None:
    model, (_, features) = network(), examples(40)  # more frames than a window
    blocks = list(stream_by_depth(model, features_of(features), 40, batch=2, guidance=1.0, top_k=1))
    codes = torch.cat(blocks, dim=-1)
    logits = model(codes, model.embed_all(features, 40)).unflatten(1, (2, 40))
    assert torch.equal(logits.argmax(-1).movedim(0, 1), codes)


@torch.no_grad()
def test_a_condition_does_not_depend_on_how_it_is_cut() -> None:
    model, (_, features) = network(), examples(30)
    whole = model.embed_all(features, 30)
    parts = [model.embed_range(features_of(features), first, last) for first, last in ((0, 7), (7, 30))]
    assert torch.allclose(torch.cat(parts, dim=1), whole, atol=1e-5)


@torch.no_grad()
def test_a_prompt_is_kept_and_continued() -> None:
    model, (codes, features) = network(), examples(20)
    found = torch.cat(list(stream_by_depth(model, features_of(features), 20, codes[..., :6], batch=2)), dim=-1)
    assert torch.equal(found[..., :6], codes[..., :6])
    assert found.shape == codes.shape


def test_guidance_compares_with_no_condition() -> None:
    model, (_, features) = network(), examples(20)

    def written(**settings: Any) -> Tensor:
        return torch.cat(list(stream_by_depth(model, features_of(features), 20, batch=2, **settings)), dim=-1)

    none = written(guidance=0.0, seed=3)
    other = torch.cat(list(stream_by_depth(model, features_of(1 - features), 20, batch=2, guidance=0.0, seed=3)), -1)
    assert torch.equal(none, other)
    assert not torch.equal(none, written(guidance=3.0, seed=3))
    with pytest.raises(OptionError, match="guidance"):
        written(guidance=-1.0)
    with pytest.raises(OptionError, match="frame"):
        next(stream_by_depth(model, features_of(features), 0, batch=2))


@torch.no_grad()
def test_guidance_need_not_draw_codes_that_are_unlikely_given_the_score() -> None:
    """Far from what it was trained for, guidance lifts codes that are unlikely with and without the condition."""
    model, (_, features) = network(), examples(60)
    model.out.mul_(20)  # sure of what it knows
    settings: dict[str, Any] = {"batch": 2, "guidance": 9.0, "seed": 1, "plausible": 0.1}
    codes = torch.cat(list(stream_by_depth(model, features_of(features), 60, **settings)), dim=-1)
    logits = model(codes, model.embed_all(features, 60))
    drawn = logits.gather(-1, codes.movedim(1, 0).flatten(1)[..., None])[..., 0]
    assert float((drawn - logits.amax(-1)).min()) > np.log(0.1) - 1e-3
    with pytest.raises(OptionError, match="plausible"):
        next(stream_by_depth(model, features_of(features), 60, **settings | {"plausible": 1.5}))


def test_training_leaves_frames_out_and_replaces_codes() -> None:
    model, (codes, _) = network(left_out=0.9, replaced=0.5).train(), examples(400)
    spoilt = model._spoilt(codes)
    left_out = spoilt == model.special
    assert torch.equal(left_out.any(1), left_out.all(1))  # whole frames
    assert 0.05 < float(left_out.float().mean()) < 0.95
    assert 0.3 < float((spoilt != codes)[~left_out].float().mean()) < 0.6
    assert torch.equal(network(left_out=0.0, replaced=0.0)._spoilt(codes), codes)


@torch.no_grad()
def test_it_begins_with_a_model_of_fewer_codebooks() -> None:
    torch.manual_seed(2)
    other = CodecLanguageModel(CodecLanguageModelConfig(**{**SHAPE, "codebooks": 2})).eval()
    model, (codes, features) = network(blocks=0), examples(10)
    model.begin_with(other)
    model.embedding.weight[2 * 9 :] = 0
    model.down.zero_()
    condition = model.embed_all(features, 10)
    assert torch.equal(condition, other.embed_all(features, 10))
    logits = model(codes, condition).unflatten(1, (2, 10))
    # The other's second codebook is a frame late: given the same codes before, both know the same of each frame.
    wanted = other(codes[:, :2], condition)
    assert np.allclose(logits[0], wanted[:, 0], atol=1e-5)


def test_it_does_not_begin_with_a_model_of_another_shape() -> None:
    other = CodecLanguageModel(CodecLanguageModelConfig(**{**SHAPE, "layers": 1, "hidden": 32}))
    with pytest.raises(ModelError, match="cannot begin"):
        network().begin_with(other)


def test_all_candidates_continue_the_one_that_is_chosen() -> None:
    model, (_, features) = network(), examples(24)
    some, seen = features_of(features[:1]), list[Tensor]()

    def choose(candidates: Tensor) -> int:
        seen.append(candidates)
        return (1, 2, 0)[len(seen) - 1]

    blocks = list(stream_by_depth(model, some, 24, batch=3, guidance=2.0, seed=4, choose=choose, stretch=8))
    assert [block.shape for block in blocks] == [(1, 3, 8)] * 3
    assert [block.shape for block in seen] == [(3, 3, 8)] * 3
    for block, candidates, best in zip(blocks, seen, (1, 2, 0), strict=True):
        assert torch.equal(block[0], candidates[best])


def test_what_follows_a_choice_is_what_follows_it_as_a_prompt() -> None:
    """The cache holds the chosen candidate in every row, with and without the condition."""
    model, (_, features) = network(), examples(24)
    some, seen = features_of(features[:1]), list[Tensor]()

    def choose(candidates: Tensor) -> int:
        seen.append(candidates)
        return len(seen) % 3

    blocks = list(stream_by_depth(model, some, 24, batch=3, temperature=3.0, seed=4, choose=choose, stretch=8))
    prompt = torch.cat(blocks[:2], dim=-1)
    torch.manual_seed(0)
    hidden = list[Tensor]()
    handle = model.blocks[-1].register_forward_hook(lambda *call: hidden.append(call[2]))
    list(stream_by_depth(model, some, 17, prompt, temperature=3.0))
    alone = hidden[-1]  # of the seventeenth frame: with the condition, and without
    hidden.clear()
    list(
        stream_by_depth(
            model, some, 24, batch=3, temperature=3.0, seed=4, choose=lambda _: 1 if len(hidden) < 9 else 2, stretch=8
        )
    )
    handle.remove()
    assert torch.allclose(hidden[16].view(2, 3, -1), alone.view(2, 1, -1).expand(-1, 3, -1), atol=1e-5)
