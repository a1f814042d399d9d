"""Masked refinement: masks and schedules as published, all codes written, prompts kept, and it learns a score."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.codec.language_models.conditioning import features_of
from symbolic_music.codec.language_models.masked import MaskedWriter, MaskedWriterConfig, span_count, span_mask
from symbolic_music.codec.language_models.masked_decoding import schedule, stream_refined
from symbolic_music.errors import ModelError, OptionError
from tests.codec.toy_rule import learn

SHAPE: dict[str, Any] = {
    "codebooks": 3, "size": 8, "width": 16, "layers": 2, "heads": 2, "hidden": 32, "frames": 12, "features": 5,
    "dropout": 0.0,
}  # fmt: skip


def model(**settings: Any) -> MaskedWriter:
    torch.manual_seed(0)
    return MaskedWriter(MaskedWriterConfig(**{**SHAPE, **settings})).eval()


def case(frames: int = 9, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(frames)
    codes = torch.randint(0, 8, (batch, 3, frames), generator=generator)
    return codes, torch.rand(batch, frames, 5, generator=generator)


def write(net: MaskedWriter, features: torch.Tensor, prompt: torch.Tensor | None = None, **settings: Any) -> Any:
    blocks = stream_refined(net, features_of(features), features.shape[1], prompt, batch=len(features), **settings)
    return torch.cat(list(blocks), dim=-1)


@given(st.integers(4, 60), st.integers(1, 3), st.floats(0.01, 0.99))
def test_so_many_spans_mask_that_share(frames: int, span: int, share: float) -> None:
    def masked(count: int) -> float:  # appendix C
        return 1 - math.comb(frames - span, count) / math.comb(frames, count)

    count = span_count(share, frames, span)
    assert masked(count) >= share - 1e-9
    assert count == 1 or masked(count - 1) < share + 1e-9


def test_masks_are_spans_at_the_rate_that_is_asked_for() -> None:
    generator = torch.Generator().manual_seed(0)
    mask = span_mask(torch.full((400,), 0.5), 90, 3, generator)
    assert float(mask.float().mean()) == pytest.approx(0.5, abs=0.02)
    rows = ["".join(str(int(x)) for x in row[:-2]) for row in mask.tolist()]
    assert min(len(run) for row in rows for run in row.strip("1").split("0") if run) == 3
    assert span_mask(torch.zeros(1), 90, 3, generator).sum() <= 3
    assert span_mask(torch.ones(1), 90, 3, generator)[0, 2:].all()


def test_the_schedule_of_a_codebook() -> None:
    plan = schedule(3, 10.0, 3.0)
    assert [one.share for one in plan] == pytest.approx([1, math.cos(math.pi / 4), 0])
    assert [one.guidance for one in plan] == pytest.approx([10, 1 + 9 * math.cos(math.pi / 4), 1])
    assert [one.temperature for one in plan] == pytest.approx([2, 1, 0.01])
    assert [one.share for one in schedule(1, 1.0, 1.0)] == [1]


def test_logits_know_both_sides_and_no_finer_codebook_is_shown_in_training() -> None:
    net, seen = model(), []
    codes, features = case()
    condition = net.embed_all(features, 9)
    changed = codes.clone()
    changed[:, 0, 7] = (codes[:, 0, 7] + 1) % 8
    which = torch.zeros(2, dtype=torch.long)
    assert not torch.allclose(net(codes, which, condition)[:, 0], net(changed, which, condition)[:, 0])
    net.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[:2]))
    loss, count = net.loss(codes, features)
    assert count == codes.numel()
    assert torch.equal(loss, net.loss(codes, features)[0])  # masked alike again
    shown, codebook = seen[0]
    for one, original, own in zip(shown, codes, codebook.tolist(), strict=True):
        assert (one[own + 1 :] == net.special).all()
        assert torch.equal(one[:own], original[:own])
        assert (one[own] == net.special).any()
    net.train()
    assert len({float(net.loss(codes, features)[0].detach()) for _ in range(5)}) > 1


@given(st.integers(1, 40), st.integers(1, 3), st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_all_is_written_and_prompts_are_kept(frames: int, batch: int, steps: list[int], data: st.DataObject) -> None:
    net = model(layers=1)
    codes, features = case(frames, batch)
    known = data.draw(st.integers(0, frames))
    found = write(net, features, codes[..., :known], steps=steps)
    assert found.shape == codes.shape
    assert int(found.max()) < 8
    assert torch.equal(found[..., :known], codes[..., :known])


def test_equal_seeds_write_equal_codes() -> None:
    net = model()
    _, features = case(30)
    assert torch.equal(write(net, features, seed=3), write(net, features, seed=3))
    assert not torch.equal(write(net, features, seed=3), write(net, features, seed=4))


def test_the_most_certain_spans_stay() -> None:
    net, seen = model(span=1), []
    _, features = case(12, 1)
    net.register_forward_hook(lambda _, arguments, logits: seen.append((arguments[0].clone(), logits)))
    write(net, features, guidance=1.0, steps=[2], top_k=1)
    (before, logits), (between, _) = seen[:2]
    assert (before == net.special).all()
    chance = (logits[0] / 1.5).softmax(-1).amax(-1)
    left = between[0, 0] == net.special  # one in two steps: the cosine ends at none
    assert int(left.sum()) == 1
    assert int(left.nonzero()) == int(chance.argmin())
    assert torch.equal(between[0, 0][~left], logits[0].argmax(-1)[~left])


def test_guidance() -> None:
    net = model()
    _, features = case(3, 1)
    condition, blank = net.embed_all(features, 3), torch.full((1, 3, 3), net.special)
    which = torch.zeros(1, dtype=torch.long)
    free = net(blank, which)
    wanted = (free + 4.0 * (net(blank, which, condition) - free)).argmax(-1)
    assert torch.equal(write(net, features, guidance=4.0, top_k=1, steps=[1])[:, 0], wanted)


def test_what_does_not_fit_is_refused() -> None:
    net = model()
    codes, features = case(13)
    with pytest.raises(ModelError, match="12 frames at once, not 13"):
        net.loss(codes, features)
    with pytest.raises(ModelError, match="conditions are"):
        net.loss(codes, features[..., :2])
    with pytest.raises(ModelError, match="prompt"):
        write(net, features, codes[:1])
    with pytest.raises(OptionError, match="at least one step"):
        write(net, features, steps=[3, 0])
    with pytest.raises(OptionError, match="top-k"):
        write(net, features, top_k=0)
    with pytest.raises(ModelError, match="odd"):
        MaskedWriterConfig(width=15, heads=3)


def test_it_learns_what_it_is_told() -> None:
    net = model(width=32, layers=1, frames=8)
    learnt = learn(net, 32)
    assert learnt.conditioned < 0.3
    assert learnt.lied > 3 * learnt.conditioned
    found = write(net, learnt.features, steps=[4, 2])
    assert (found == learnt.codes).float().mean() > 0.95
