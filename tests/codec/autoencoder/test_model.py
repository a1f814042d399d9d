"""The codec: shapes, causality, streaming equal to the whole, gradients, and what it refuses."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music.codec.autoencoder.model import JUKEBOX, Codec, CodecConfig
from symbolic_music.codec.autoencoder.streaming import StreamDecoder, StreamEncoder
from symbolic_music.errors import ModelError

TINY = CodecConfig(8_000, 1, 4, 16, (2, 3, 4), (1, 3), 6, 3, 16)


def codec(config: CodecConfig = TINY) -> Codec:
    torch.manual_seed(0)
    made = Codec(config).eval()
    torch.nn.init.normal_(made.quantiser.codebooks)
    return made


def sound(n: int, channels: int = 1) -> torch.Tensor:
    return torch.randn(1, channels, n, generator=torch.Generator().manual_seed(n)) * 0.3


def test_sizes() -> None:
    form = codec().format
    assert (form.hop, form.frame_rate, form.bits_per_second) == (24, 8_000 / 24, 8_000 / 24 * 12)
    assert (codec(CodecConfig()).format.hop, codec(CodecConfig()).format.bits_per_second) == (320, 6_000)
    assert [one.hop for one in JUKEBOX] == [8, 32, 128]
    codes = codec().encode(sound(100))
    assert codes.shape == (1, 3, 5)
    assert codec().decode(codes).shape == (1, 1, 120)
    assert codec().encode(sound(1)).shape == (1, 3, 1)
    stereo = CodecConfig(8_000, 2, 4, 16, (2, 3, 4), (1,), 6, 2, 16)
    assert codec(stereo).decode(codec(stereo).encode(sound(100, 2))).shape == (1, 2, 120)


@pytest.mark.parametrize("codebooks", [1, 2, 3])
def test_any_number_of_codebooks_codes_and_decodes(codebooks: int) -> None:
    made = codec()
    some, every = made.encode(sound(96), codebooks), made.encode(sound(96))
    assert torch.equal(some, every[:, :codebooks])
    assert made.decode(some).shape == (1, 1, 96)


def test_nothing_is_heard_before_it_comes() -> None:
    made, samples = codec(), sound(240)
    later = samples.clone()
    later[..., 120:] += 1
    a, b = made.vectors(samples), made.vectors(later)
    torch.testing.assert_close(a[:, :5], b[:, :5])
    assert (a[:, 5:] - b[:, 5:]).abs().max() > 1e-3
    vectors = torch.randn(1, 10, 6)
    other = vectors.clone()
    other[:, 5:] += 1
    torch.testing.assert_close(made.sound(vectors)[..., : 5 * 24], made.sound(other)[..., : 5 * 24])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=8), st.integers(0, 2**31))
def test_pieces_give_the_codes_of_the_whole(lengths: list[int], seed: int) -> None:
    made = codec()
    samples = torch.randn(1, 1, sum(lengths), generator=torch.Generator().manual_seed(seed))
    stream = StreamEncoder(made)
    found = [stream.push(piece) for piece in samples.split(lengths, dim=-1)] + [stream.finish()]
    assert torch.equal(torch.cat(found, dim=-1), made.encode(samples))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 7), min_size=1, max_size=8))
def test_pieces_give_the_sound_of_the_whole(lengths: list[int]) -> None:
    made = codec()
    codes = torch.randint(0, 16, (1, 3, sum(lengths) + 1))
    stream = StreamDecoder(made)
    found = [stream.push(piece) for piece in codes.split([*lengths, 1], dim=-1)]
    torch.testing.assert_close(torch.cat(found, dim=-1), made.decode(codes), atol=1e-6, rtol=1e-5)


def test_what_does_not_fit_is_refused() -> None:
    made = codec()
    with pytest.raises(ModelError, match="not finite"):
        made.encode(torch.full((1, 1, 48), float("nan")))
    for wrong in (torch.zeros(1, 2, 48), torch.zeros(48), torch.zeros(1, 1, 0)):
        with pytest.raises(ModelError, match="at least one sample"):
            made.encode(wrong)
    with pytest.raises(ModelError, match="codebooks"):
        made.encode(sound(48), 4)
    with pytest.raises(ModelError, match="ratios"):
        CodecConfig(ratios=())
    for dilations in ((99_999_999,), (1,) * 65):  # which take hours to compute, or to build
        with pytest.raises(ModelError, match="dilations"):
            CodecConfig(dilations=dilations)
    with pytest.raises(ModelError, match="1,048,576 samples"):
        CodecConfig(ratios=(2,) * 21)
    with pytest.raises(ModelError, match="1 or 2 channels"):
        CodecConfig(channels=3)
