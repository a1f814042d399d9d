"""MusicGen's decoder conditioned on a score: transformers' own numbers, guided, in windows, with weights of others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from symbolic_music.codec.language_models.autoregressive_decoding import stream_codes, write_codes
from symbolic_music.codec.language_models.musicgen import MusicgenWriter, MusicgenWriterConfig
from symbolic_music.errors import MissingExtraError, ModelError
from tests.codec.toy_rule import learn

transformers = pytest.importorskip("transformers")

SHAPE: dict[str, Any] = {
    "codebooks": 3, "size": 8, "width": 16, "layers": 2, "heads": 2, "hidden": 32, "frames": 12, "features": 5,
    "dropout": 0.0,
}  # fmt: skip


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Without transformers' reports of what it loads."""
    before = transformers.utils.logging.get_verbosity()
    transformers.utils.logging.set_verbosity_error()
    yield
    transformers.utils.logging.set_verbosity(before)


def model(**settings: Any) -> MusicgenWriter:
    torch.manual_seed(0)
    net = MusicgenWriter(MusicgenWriterConfig(**{**SHAPE, **settings})).eval()
    for name, value in net.named_parameters():
        if value.ndim > 1 and name.startswith("decoder"):
            torch.nn.init.normal_(value, std=0.3)  # or its attention is even, and all that it says nearly the same
    return net


def case(frames: int = 9, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(frames)
    codes = torch.randint(0, 8, (batch, 3, frames), generator=generator)
    return codes, torch.rand(batch, frames, 5, generator=generator)


def test_logits_are_those_of_transformers() -> None:
    net = model()
    codes, features = case()
    layout = net.pattern(9)
    condition, laid = net.conditions(features, layout), layout.build(codes, net.special)
    assert condition.shape == (2, 9, 16)
    ids = torch.cat([torch.full((2, 3, 1), 8), laid[..., :-1]], dim=-1)
    theirs = net.decoder(ids.reshape(6, -1), encoder_hidden_states=condition).logits
    torch.testing.assert_close(net(laid, condition), theirs.view(2, 3, 11, 8))
    # Where transformers delays the codebooks by itself, it gives the decoder the same ids.
    given, mask = net.decoder.build_delay_pattern_mask(torch.full((6, 1), 8), 8, 12)
    delayed = net.decoder.apply_delay_pattern_mask(torch.cat([given, laid.reshape(6, -1)], dim=1), mask)
    assert torch.equal(delayed.view(2, 3, 12)[..., 1:-1], laid[..., :-1])


@pytest.mark.parametrize("pattern", ["delay", "flatten"])
def test_step_by_step_gives_the_same_logits(pattern: str) -> None:
    net = model(pattern=pattern)
    codes, features = case()
    layout = net.pattern(9)
    condition, laid = net.conditions(features, layout), layout.build(codes, net.special)
    whole, cache = net(laid, condition), net.new_cache(2)
    shifted = torch.cat([torch.full_like(laid[..., :1], net.special), laid[..., :-1]], dim=-1)
    for position in range(layout.length):
        logits = net.step(shifted[..., position : position + 1], condition, cache)
        torch.testing.assert_close(logits, whole[:, :, position], atol=1e-5, rtol=1e-5)


def test_no_condition_is_one_that_says_nothing_everywhere() -> None:
    net = model()
    codes, features = case()
    laid = net.pattern(9).build(codes, net.special)
    torch.testing.assert_close(net(laid), net(laid, net.nothing.expand(2, 9, -1)))
    assert not torch.allclose(net(laid), net(laid, net.conditions(features, net.pattern(9))), atol=1e-3)


def test_codes_are_written_by_the_guided_logits() -> None:
    net = model()
    _, features = case(5, 2)
    found = write_codes(net, features, top_k=1, guidance=2.0)
    layout = net.pattern(5)
    condition, laid = net.conditions(features, layout), layout.build(found, net.special)
    guided = net(laid) + 2.0 * (net(laid, condition) - net(laid))
    mask = layout.mask().expand_as(laid)
    assert torch.equal(guided.argmax(-1)[mask], laid[mask])
    assert not torch.equal(write_codes(net, features, seed=1), write_codes(net, features, seed=2))


def test_long_pieces_are_windows_that_go_on_from_one_another() -> None:
    net = model()
    codes, features = case(26)
    found = write_codes(net, features, top_k=1)
    assert found.shape == codes.shape
    first = write_codes(net, features[:, :12], top_k=1)
    assert torch.equal(found[..., :12], first)
    # The second window is frames 8 to 19; its score is that of these frames, its first four codes are written already.
    # The condition of its first frames includes the frames before them.
    second = stream_codes(net, lambda a, b: features[:, a + 8 : b + 8], 12, first[..., 8:], batch=2, top_k=1)
    assert torch.equal(found[..., 8:20], torch.cat(list(second), dim=-1))
    assert torch.equal(write_codes(net, features, codes[..., :20])[..., :20], codes[..., :20])
    with pytest.raises(ModelError, match="12 frames at once"):
        net.loss(codes, features)


def test_it_learns_what_it_is_told() -> None:
    net = MusicgenWriter(MusicgenWriterConfig(**{**SHAPE, "width": 32, "layers": 1, "frames": 8}))
    learnt = learn(net, 32)
    assert learnt.conditioned < 0.5
    assert learnt.lied > 2 * learnt.conditioned


@pytest.mark.parametrize("whole", [True, False])
def test_a_musicgen_that_is_there_already(whole: bool, tmp_path: Path) -> None:
    decoder = transformers.MusicgenDecoderConfig(
        vocab_size=8, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, ffn_dim=32, num_codebooks=3,
        pad_token_id=8, bos_token_id=8, max_position_embeddings=40,
    )  # fmt: skip
    if whole:
        parts = (
            transformers.T5Config(vocab_size=10, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2),
            transformers.EncodecConfig(num_filters=2, hidden_size=4, codebook_size=8, codebook_dim=4),
        )
        config = transformers.MusicgenConfig(
            text_encoder=parts[0].to_dict(), audio_encoder=parts[1].to_dict(), decoder=decoder.to_dict()
        )
        theirs = transformers.MusicgenForConditionalGeneration(config)
    else:
        theirs = transformers.MusicgenForCausalLM(decoder)
    theirs.save_pretrained(tmp_path)
    net = MusicgenWriter.from_pretrained(tmp_path, frames=20, features=5).eval()
    assert (net.config.codebooks, net.config.size, net.longest) == (3, 8, 20)
    ids, hidden = torch.randint(0, 9, (6, 7)), torch.randn(2, 4, 16)
    wanted = (theirs.decoder if whole else theirs).eval()(ids, encoder_hidden_states=hidden).logits
    torch.testing.assert_close(net.logits(ids.view(2, 3, 7), hidden, None), wanted.view(2, 3, 7, 8))
    assert write_codes(net, torch.rand(1, 4, 5)).shape == (1, 3, 4)


def test_other_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot load"):
        MusicgenWriter.from_pretrained(tmp_path / "none")
    transformers.GPT2Config(n_layer=1, n_embd=4, n_head=1).save_pretrained(tmp_path / "gpt2")
    with pytest.raises(ModelError, match="is a gpt2"):
        MusicgenWriter.from_pretrained(tmp_path / "gpt2")
    stereo = transformers.MusicgenDecoderConfig(
        vocab_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, ffn_dim=16, num_codebooks=4,
        audio_channels=2, pad_token_id=8, bos_token_id=8,
    )  # fmt: skip
    transformers.MusicgenForCausalLM(stereo).save_pretrained(tmp_path / "stereo")
    with pytest.raises(ModelError, match="mono"):
        MusicgenWriter.from_pretrained(tmp_path / "stereo")
    with pytest.raises(ModelError, match="sinusoids"):
        MusicgenWriterConfig(width=15, heads=3)


def test_without_transformers_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match="transformers"):
        MusicgenWriter(MusicgenWriterConfig(**SHAPE))
