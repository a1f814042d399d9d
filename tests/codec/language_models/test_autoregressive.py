"""The language model of codes: causal, the same numbers step by step, guided, and it learns its condition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from symbolic_music.codec.language_models.autoregressive import CodecLanguageModel, CodecLanguageModelConfig
from symbolic_music.codec.language_models.autoregressive_decoding import write_codes
from symbolic_music.codec.language_models.patterns import PATTERNS
from symbolic_music.codec.language_models.score_features import DRUMS, FAMILIES, FEATURES, ONSETS, score_frames
from symbolic_music.errors import EmptyScoreError, ModelError, OptionError
from symbolic_music.score import NOTE, Score, Track
from tests.codec.toy_rule import learn

SHAPE: dict[str, Any] = {
    "codebooks": 3, "size": 8, "width": 16, "layers": 2, "heads": 2, "hidden": 32, "window": 6, "distances": 6,
    "features": 5, "dropout": 0.0,
}  # fmt: skip


def model(**settings: Any) -> CodecLanguageModel:
    torch.manual_seed(0)
    return CodecLanguageModel(CodecLanguageModelConfig(**{**SHAPE, **settings})).eval()


def case(frames: int = 9, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(frames)
    codes = torch.randint(0, 8, (batch, 3, frames), generator=generator)
    return codes, torch.rand(batch, frames, 5, generator=generator)


def test_a_score_s_frames() -> None:
    notes = np.zeros(3, NOTE)
    notes["onset"], notes["duration"] = [0, 480, 960], [480, 960, 10]
    notes["pitch"], notes["velocity"], notes["track"] = [60, 64, 38], [127, 64, 100], [0, 0, 1]
    notes["channel"] = [0, 0, 9]
    notes["program"] = [40, 40, 0]
    score = Score(480, notes, tracks=(Track("Violin", 40), Track("Drums", 0, True)))
    found = score_frames(score, 4.0)  # half a second a quarter: two frames
    assert found.shape == (6, FEATURES)
    assert found[:, 60].tolist() == [1, 1, 0, 0, 0, 0]
    assert np.flatnonzero(found[:, 64]).tolist() == [2, 3, 4, 5]
    assert np.flatnonzero(found[:, ONSETS + 64]).tolist() == [2]
    assert found[2, 64] == pytest.approx(64 / 127)
    assert np.flatnonzero(found[:, FAMILIES + 5]).tolist() == [0, 1, 2, 3, 4, 5]
    assert np.flatnonzero(found[:, DRUMS + 38 - 27]).tolist() == [4]
    assert score_frames(score, 4.0, 2).shape == (2, FEATURES)
    with pytest.raises(EmptyScoreError):
        score_frames(Score(480, notes[:0]), 4.0)


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_no_position_sees_itself_or_what_follows(pattern: str) -> None:
    net = model(pattern=pattern)
    codes, features = case()
    layout = net.pattern(9)
    condition, laid = net.conditions(features, layout), layout.build(codes, net.special)
    found, at = net(laid, condition), layout.length // 2
    other = laid.clone()
    other[..., at:] = torch.where(laid[..., at:] == net.special, net.special, (laid[..., at:] + 1) % 8)
    assert torch.equal(found[:, :, : at + 1], net(other, condition)[:, :, : at + 1])
    assert not torch.allclose(found[:, :, at + 1 :], net(other, condition)[:, :, at + 1 :])


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_step_by_step_gives_the_same_logits_past_the_window(pattern: str) -> None:
    net = model(pattern=pattern)
    codes, features = case(14)
    layout = net.pattern(14)
    condition, laid = net.conditions(features, layout), layout.build(codes, net.special)
    whole, cache = net(laid, condition), net.new_cache(2)
    shifted = torch.cat([torch.full_like(laid[..., :1], net.special), laid[..., :-1]], dim=-1)
    for position in range(layout.length):
        part = slice(position, position + 1)
        logits = net.step(shifted[..., part], condition[:, part], cache)
        torch.testing.assert_close(logits, whole[:, :, position], atol=1e-5, rtol=1e-5)
    again = net.step(shifted, condition, net.new_cache(2))
    torch.testing.assert_close(again, whole[:, :, -1], atol=1e-5, rtol=1e-5)


def test_codes_are_written_by_the_guided_logits() -> None:
    net = model()
    _, features = case(5, 1)
    found = write_codes(net, features, top_k=1, guidance=2.0)
    layout = net.pattern(5)
    condition, laid = net.conditions(features, layout), layout.build(found, net.special)
    guided = net(laid) + 2.0 * (net(laid, condition) - net(laid))
    mask = layout.mask()
    assert torch.equal(guided.argmax(-1)[0][mask], laid[0][mask])
    assert torch.equal(found, write_codes(net, features, top_k=1, guidance=2.0, seed=5))
    assert not torch.equal(write_codes(net, features, seed=1), write_codes(net, features, seed=2))


def test_a_prompt_is_kept_and_gone_on_from() -> None:
    net = model()
    codes, features = case(12)
    found = write_codes(net, features, codes[..., :4])
    assert found.shape == codes.shape
    assert torch.equal(found[..., :4], codes[..., :4])
    assert int(found.max()) < 8


def test_what_does_not_fit_is_refused() -> None:
    net = model()
    codes, features = case()
    with pytest.raises(ModelError, match="features are"):
        write_codes(net, features[..., :3])
    with pytest.raises(ModelError, match="prompt"):
        write_codes(net, features, codes[:1])
    with pytest.raises(ModelError, match=r"0\.\.7"):
        write_codes(net, features, codes + 8)
    with pytest.raises(OptionError, match="top-k"):
        write_codes(net, features, top_k=0)


def test_it_learns_what_it_is_told() -> None:
    net = model(unconditioned=0.2)
    learnt = learn(net, 16)
    assert learnt.conditioned < 0.3
    assert learnt.lied > 3 * learnt.conditioned
    assert (write_codes(net, learnt.features, top_k=1, guidance=1.0) == learnt.codes).float().mean() > 0.95


def test_it_begins_with_what_the_codec_s_entries_mean() -> None:
    net = model()
    codebooks = torch.randn(4, 8, 5, generator=torch.Generator().manual_seed(1))
    codebooks[:, 3] = codebooks[:, 6]
    net.know(codebooks)
    codes, features = case()
    pattern = net.pattern(9)
    laid, condition = pattern.build(codes, net.special), net.conditions(features, pattern)
    logits = net(laid, condition)
    torch.testing.assert_close(logits[..., 3], logits[..., 6])
    swapped = torch.where(laid == 3, 6, laid)
    assert (swapped != laid).any()
    torch.testing.assert_close(net(swapped, condition), logits)
    assert not torch.allclose(net(torch.where(laid == 3, 5, laid), condition), logits)
    read = net.embedding(torch.arange(3)[:, None] * 9 + torch.arange(8)).sum(0)
    assert read.std().item() == pytest.approx(1, rel=0.3)  # codes are as loud as what blocks add to them


def test_a_stretch_tells_of_drums_what_the_whole_does() -> None:
    notes = np.zeros(3, NOTE)
    notes["onset"], notes["duration"], notes["velocity"], notes["pitch"] = [0, 100, 480], 2000, 100, [36, 38, 42]
    notes["channel"] = 9
    drums = Score(480, notes, tracks=(Track("Drums", 0, True),))
    whole = score_frames(drums, 75.0, 120)
    assert (whole[:, DRUMS:] > 0).sum() == 3
    for first in range(100):
        np.testing.assert_array_equal(score_frames(drums, 75.0, 20, first), whole[first : first + 20])
