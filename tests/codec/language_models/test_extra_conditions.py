"""Melody and text: what they say, that models learn them, that each can be left out and guided by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music.codec.autoencoder.checkpoint import save_codec
from symbolic_music.codec.language_models.autoregressive import CodecLanguageModel, CodecLanguageModelConfig
from symbolic_music.codec.language_models.autoregressive_decoding import write_codes
from symbolic_music.codec.language_models.base import StepModel
from symbolic_music.codec.language_models.melody_features import MELODY, melody_frames
from symbolic_music.codec.language_models.musicgen import MusicgenWriter, MusicgenWriterConfig
from symbolic_music.codec.language_models.registry import load_writer, save_writer
from symbolic_music.codec.language_models.text_features import describe, load_text_encoder
from symbolic_music.codec.rendering import score_to_codes
from symbolic_music.errors import EmptyScoreError, ModelError, OptionError
from symbolic_music.score import KEY, METER, NOTE, TEMPO, Score, Track, note_table
from symbolic_music.synthesis.audio import Audio
from tests.codec.language_models.test_registry import CARD, codec, score
from tests.codec.tiny_t5 import tiny_t5

RATE = 8_000
SHAPE: dict[str, Any] = {"codebooks": 3, "size": 8, "width": 16, "layers": 1, "heads": 2, "hidden": 32, "features": 5,
                         "dropout": 0.0, "melody": True, "text": 4}  # fmt: skip


def tones(*pitches: int, seconds: float = 1.0) -> Audio:
    time = np.arange(round(seconds * RATE)) / RATE
    parts = [0.3 * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time) for pitch in pitches]
    return Audio(np.concatenate(parts)[None].astype(np.float32), RATE)


def models() -> list[StepModel]:
    torch.manual_seed(0)
    return [
        CodecLanguageModel(CodecLanguageModelConfig(**SHAPE, window=40, distances=16)).eval(),
        MusicgenWriter(MusicgenWriterConfig(**SHAPE, frames=40)).eval(),
    ]


def conditions(frames: int = 9, batch: int = 2) -> torch.Tensor:
    """Of a score (5 columns), a melody (13) and a text (5)."""
    generator = torch.Generator().manual_seed(frames)
    found = torch.rand(batch, frames, 5 + MELODY + 5, generator=generator)
    found[..., [5 + MELODY - 1, -1]] = 1
    return found


def test_a_melody_is_the_loudest_class_of_each_frame() -> None:
    found = melody_frames(tones(60, 64, 69), 20.0, 70)
    assert found.shape == (70, MELODY)
    assert [int(found[frame, :12].argmax()) for frame in (10, 30, 50)] == [0, 4, 9]
    assert (found[:60, :12].sum(axis=1) == 1).all()
    assert found[:, 12].tolist() == [1] * 60 + [0] * 10
    loud, soft = tones(60, seconds=2).samples, tones(67, seconds=2).samples
    assert melody_frames(Audio(loud + 0.2 * soft, RATE), 20.0, 40)[20].argmax() == 0
    silent = melody_frames(Audio(np.zeros((1, RATE), np.float32), RATE), 20.0, 20)
    assert not silent[:, :12].any()
    assert silent[:, 12].all()


@settings(max_examples=20, deadline=None)
@given(st.integers(-5, 45), st.integers(1, 30))
def test_a_stretch_has_the_melody_of_the_whole(first: int, count: int) -> None:
    audio = tones(60, 62)
    whole = np.pad(melody_frames(audio, 20.0, 80), ((5, 0), (0, 0)))
    np.testing.assert_array_equal(melody_frames(audio, 20.0, count, first), whole[first + 5 : first + 5 + count])


def test_a_score_is_described() -> None:
    notes = np.zeros(9, NOTE)
    notes["onset"], notes["duration"] = np.arange(9) * 480, 480
    notes["pitch"], notes["velocity"] = [57, 60, 64, 57, 59, 60, 64, 57, 36], 80
    notes["program"], notes["track"], notes["channel"] = (
        [40] * 6 + [42] * 2 + [0],
        [0] * 6 + [1] * 2 + [2],
        [0] * 8 + [9],
    )
    piece = Score(
        480, notes, tracks=(Track("", 40), Track("", 42), Track("", 0, True)),
        tempos=np.array([(0, 600_000)], TEMPO), meters=np.array([(0, 3, 4)], METER), keys=np.zeros(0, KEY),
    )  # fmt: skip
    assert describe(piece) == "violin, cello, drums; 100 quarter notes a minute; 3/4; A minor; sparse"
    fast = Score(480, note_table([(30 * i, 30, 60) for i in range(200)]))
    assert describe(fast).endswith("dense")
    facts = describe(piece).split("; ")
    seen = [describe(piece, np.random.default_rng(seed)).split("; ") for seed in range(40)]
    assert all(set(one) <= set(facts) and one for one in seen)
    assert {fact for one in seen for fact in one} == set(facts)
    assert len({tuple(one) for one in seen}) > 20
    with pytest.raises(EmptyScoreError):
        describe(Score(480, notes[:0]))


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("name", ["melody", "text"])
def test_a_condition_that_is_left_out_changes_nothing(number: int, name: str) -> None:
    net = models()[number]
    told = conditions()
    other, place = told.clone(), net.places[name]
    other[..., place.start : place.stop - 1] = 0.5
    pattern = net.pattern(9)
    assert not torch.equal(net.conditions(told, pattern), net.conditions(other, pattern))
    left_out = [net.conditions(net.without(one, name), pattern) for one in (told, other)]
    assert torch.equal(*left_out)
    assert not torch.equal(left_out[0], net.conditions(told, pattern))
    first = net.without(told, name, torch.tensor([True, False]))
    assert torch.equal(first[1], told[1])
    assert torch.equal(first[0], net.without(told, name)[0])


@pytest.mark.parametrize("number", [0, 1])
def test_each_condition_is_guided_by_itself(number: int) -> None:
    net = models()[number]
    with torch.no_grad():
        for name, weights in net.named_parameters():
            if name.startswith("extras."):
                weights.mul_(8)
    told, layout = conditions(6, 1), net.pattern(6)
    plain = write_codes(net, told, top_k=1, guidance=2.0)
    assert torch.equal(plain, write_codes(net, told, top_k=1, guidance=2.0, melody_guidance=0.0))
    found = write_codes(net, told, top_k=1, guidance=2.0, melody_guidance=1.5, text_guidance=3.0)
    laid, mask = layout.build(found, net.special), layout.mask()

    def logits(features: torch.Tensor | None) -> torch.Tensor:
        if features is None:  # as writing has it: the null condition of every position
            return net(laid, net.nothing.expand_as(net.conditions(told, layout)))
        return net(laid, net.conditions(features, layout))

    with torch.no_grad():
        whole, free = logits(told), logits(None)
        wanted = free + 2.0 * (whole - free)
        wanted = wanted + 1.5 * (whole - logits(net.without(told, "melody")))
        wanted = wanted + 3.0 * (whole - logits(net.without(told, "text")))
    assert torch.equal(wanted.argmax(-1)[0][mask], laid[0][mask])


def test_codes_that_follow_from_melody_and_text_are_learnt() -> None:
    torch.manual_seed(0)
    net = CodecLanguageModel(
        CodecLanguageModelConfig(**{**SHAPE, "unconditioned": 0.1}, window=16, distances=8)
    ).train()
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)

    def batch(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = torch.Generator().manual_seed(seed)
        tune, word = torch.randint(0, 4, (16, 8), generator=rng), torch.randint(0, 2, (16,), generator=rng)
        told = torch.zeros(16, 8, 5 + MELODY + 5)
        told[..., 5 : 5 + 12] = torch.nn.functional.one_hot(tune, 12)
        told[..., 5 + MELODY] = word[:, None]
        told[..., [5 + MELODY - 1, -1]] = 1
        codes = torch.stack([tune, (tune + 1) % 8, (tune + 4 * word[:, None]) % 8], dim=1)
        return codes, told

    for step in range(300):
        nats, count = net.loss(*batch(step))
        optimizer.zero_grad()
        (nats / count).backward()
        optimizer.step()
    net.eval()
    codes, told = batch(1_000)
    with torch.no_grad():
        right = float(net.loss(codes, told)[0])
        assert right / codes.numel() < 0.2
        for place in net.places.values():
            lied = told.clone()
            lied[..., place] = told.roll(1, 0)[..., place]
            assert float(net.loss(codes, lied)[0]) > 3 * right


def test_all_codebooks_are_written_by_the_delay_pattern() -> None:
    torch.manual_seed(0)
    config = CodecLanguageModelConfig(8, 16, 16, 1, 2, 32, 40, 16, "delay", features=5, melody=True, text=4)
    net = CodecLanguageModel(config).eval()
    assert net.pattern(10).places.tolist() == [[k + t for t in range(10)] for k in range(8)]
    found = write_codes(net, conditions(10, 1), melody_guidance=1.0, seed=3)
    assert found.shape == (1, 8, 10)


@pytest.fixture(scope="module")
def t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_t5(tmp_path_factory.mktemp("t5"))


def test_words_become_vectors(t5: Path, tmp_path: Path) -> None:
    encoder = load_text_encoder(t5)
    assert encoder.width == 4
    both = encoder.embed(["piano", "slow violin ; piano"])
    assert both.shape == (2, 4)
    torch.testing.assert_close(both[:1], encoder.embed(["piano"]))  # what fills a shorter text is not looked at
    assert not torch.allclose(both[0], both[1])
    for text in ("", "  ", "a" * 3_000):
        with pytest.raises(OptionError, match="characters"):
            encoder.embed([text])
    with pytest.raises(ModelError, match="cannot load a T5"):
        load_text_encoder(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match="is a bert, not a T5"):
        load_text_encoder(tmp_path)


def test_a_score_is_written_with_a_melody_and_words(t5: Path, tmp_path: Path) -> None:
    save_codec(codec(), CARD, tmp_path / "codec")
    torch.manual_seed(2)
    shape = CodecLanguageModelConfig(2, 16, 16, 1, 2, 32, 50, 50, melody=True, text=4)
    network = CodecLanguageModel(shape).eval()
    with torch.no_grad():
        for name, weights in network.named_parameters():
            if name.startswith(("extras.", "out.")):
                weights.mul_(20)
    folder = save_writer(network, str(tmp_path / "codec"), codec().format, CARD, tmp_path / "lm", str(t5))
    writer = load_writer(folder, device="cpu")
    assert writer.text_encoder == str(t5)
    tune = tones(60, 64, seconds=2)

    def written(**told: Any) -> list[int]:
        return score_to_codes(score(), writer, seed=1, **told).codes.flatten().tolist()

    found = [written(), written(melody=tune), written(text="piano slow"), written(melody=tune, text="piano slow")]
    assert len({tuple(one) for one in found}) == 4
    assert written(melody=tune, melody_guidance=2.0) != found[1]
    plain = CodecLanguageModel(CodecLanguageModelConfig(2, 16, 16, 1, 2, 32, 50, 50)).eval()
    folder = save_writer(plain, str(tmp_path / "codec"), codec().format, CARD, tmp_path / "plain")
    alone = load_writer(folder, device="cpu")
    with pytest.raises(ModelError, match="is not conditioned on a melody"):
        alone.codes(score(), melody=tune)
    with pytest.raises(ModelError, match="is not conditioned on a text"):
        alone.codes(score(), text="piano")
    with pytest.raises(OptionError, match="not conditioned on a text"):
        list(alone.codes(score(), text_guidance=1.0))
    with pytest.raises(OptionError, match="at least 0"):
        list(writer.codes(score(), melody_guidance=-1.0))
