"""Sound of any rate, length and number of channels to codes, to files, and back; other codecs behind the same names."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save
from safetensors.torch import load_file, save_file

from symbolic_music.codec import encode_decode as coding
from symbolic_music.codec.autoencoder.model import Codec, CodecConfig
from symbolic_music.codec.autoencoder.streaming import StreamEncoder
from symbolic_music.codec.base import Format
from symbolic_music.codec.codes import Codes, load_codes
from symbolic_music.codec.encode_decode import decode_audio, encode_audio
from symbolic_music.codec.huggingface import DacAdapter, EncodecAdapter, load_adapter
from symbolic_music.errors import AudioError, FileError, ModelError
from symbolic_music.synthesis.audio import Audio

TINY = CodecConfig(8_000, 1, 4, 16, (2, 3, 4), (1, 3), 6, 3, 16)


@pytest.fixture(scope="module")
def codec() -> Codec:
    torch.manual_seed(0)
    made = Codec(TINY).eval()
    torch.nn.init.normal_(made.quantiser.codebooks)
    return made


def tone(seconds: float, rate: int = 8_000, channels: int = 1) -> Audio:
    time = np.arange(round(seconds * rate)) / rate
    return Audio(np.tile(0.5 * np.sin(2 * np.pi * 440 * time), (channels, 1)).astype(np.float32), rate)


def test_pieces_are_the_whole(codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = tone(1.01)
    whole = encode_audio(audio, codec)
    assert whole.codes.shape == (3, -(-8_080 // 24))
    assert whole.duration == pytest.approx(1.01)
    sound = decode_audio(whole, codec)
    assert sound.samples.shape == audio.samples.shape
    monkeypatch.setattr(coding, "PIECE", 0.1)
    assert np.array_equal(encode_audio(audio, codec).codes, whole.codes)
    np.testing.assert_allclose(decode_audio(whole, codec).samples, sound.samples, atol=1e-6)


def test_other_rates_and_channels_are_fitted(codec: Codec) -> None:
    mono = encode_audio(tone(0.5), codec)
    assert np.array_equal(encode_audio(tone(0.5, channels=2), codec).codes, mono.codes)
    other = encode_audio(tone(0.5, rate=44_100), codec)
    assert other.samples == mono.samples
    one = encode_audio(Audio(np.array([[0.5]], np.float32), 44_100), codec)
    assert one.codes.shape == (3, 1)


def test_broken_sound_is_refused(codec: Codec) -> None:
    with pytest.raises(AudioError, match="no samples"):
        encode_audio(Audio(np.zeros((1, 0), np.float32), 8_000), codec)
    with pytest.raises(AudioError, match="not finite"):
        encode_audio(Audio(np.full((1, 9), np.nan, np.float32), 8_000), codec)


def test_codes_are_saved_and_loaded(codec: Codec, tmp_path: Path) -> None:
    codes = encode_audio(tone(0.3), codec)
    again = load_codes(codes.save(tmp_path / "a.safetensors"))
    assert np.array_equal(again.codes, codes.codes)
    assert (again.format, again.samples) == (codes.format, codes.samples)
    assert len({codes.save(tmp_path / "b.safetensors").read_bytes() for _ in range(12)}) == 1
    for name, content in (("empty", b""), ("text", b"hello, codes"), ("zeros", bytes(64))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileError):
            load_codes(tmp_path / name)
    with pytest.raises(FileError, match="cannot read"):
        load_codes(tmp_path / "missing")


@pytest.mark.parametrize("change", [{"codebooks": 4}, {"size": 32}, {"hop": 48}, {"sample_rate": 16_000}])
def test_codes_of_another_codec_are_refused(codec: Codec, change: dict[str, int]) -> None:
    form = Format(**{**codec.format.__dict__, **change})
    with pytest.raises(ModelError, match="another codec"):
        decode_audio(Codes(np.zeros((form.codebooks, 4), np.int64), form, 4 * form.hop), codec)


def test_codes_that_are_none_are_refused(codec: Codec) -> None:
    with pytest.raises(ModelError, match=r"0\.\.15"):
        Codes(np.full((3, 2), 16), codec.format, 48)
    with pytest.raises(ModelError, match="whole numbers"):
        Codes(np.zeros((4, 2), np.int64), codec.format, 48)
    with pytest.raises(ModelError, match="samples"):
        Codes(np.zeros((3, 2), np.int64), codec.format, 49)


def encodec() -> Any:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.EncodecConfig(
        num_filters=4, hidden_size=8, codebook_size=16, codebook_dim=8, upsampling_ratios=[4, 2], num_lstm_layers=1,
        target_bandwidths=[24.0, 48.0], sampling_rate=8_000,
    )  # fmt: skip
    model = transformers.EncodecModel(config).eval()
    for layer in model.quantizer.layers:  # they begin as zeros
        torch.nn.init.normal_(layer.codebook.embed)
    return model


def dac() -> Any:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.DacConfig(
        encoder_hidden_size=4, downsampling_ratios=[2, 4], decoder_hidden_size=32, n_codebooks=3, codebook_size=16,
        codebook_dim=4, sampling_rate=8_000,
    )  # fmt: skip
    return transformers.DacModel(config).eval()


@pytest.mark.parametrize(("make", "adapter"), [(encodec, EncodecAdapter), (dac, DacAdapter)])
def test_other_libraries_codecs_are_saved_loaded_and_used_alike(make: Any, adapter: Any, tmp_path: Path) -> None:
    model = make()
    model.save_pretrained(tmp_path / "model")
    loaded = load_adapter(tmp_path / "model")
    assert isinstance(loaded, adapter)
    direct = adapter(model)
    assert loaded.format == direct.format
    codes = encode_audio(tone(0.2), loaded)
    assert np.array_equal(codes.codes, encode_audio(tone(0.2), direct).codes)
    assert codes.codes.shape == (loaded.format.codebooks, 200)
    sound = decode_audio(codes, loaded)
    assert sound.samples.shape == (1, 1_600)
    np.testing.assert_allclose(sound.samples, decode_audio(codes, direct).samples, atol=1e-5)
    few = encode_audio(tone(0.2), loaded, 1)
    assert np.array_equal(few.codes, codes.codes[:1])
    with pytest.raises(ModelError, match="codebooks"):
        encode_audio(tone(0.2), loaded, 99)


def test_encodec_codes_are_those_of_its_own_encode() -> None:
    model, samples = encodec(), torch.from_numpy(tone(0.1).samples)[None]
    own = model.encode(samples, bandwidth=48.0).audio_codes[0]
    assert torch.equal(EncodecAdapter(model).encode(samples), own)


def test_what_is_no_codec_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot load"):
        load_adapter(tmp_path)
    transformers = pytest.importorskip("transformers")
    transformers.GPT2Config(n_layer=1).save_pretrained(tmp_path / "gpt2")
    with pytest.raises(ModelError, match="gpt2, not"):
        load_adapter(tmp_path / "gpt2")


def test_a_stream_may_wait_and_begin_anew(codec: Codec) -> None:
    sound = torch.from_numpy(tone(0.3).samples)[None]
    stream, found = StreamEncoder(codec), []
    for _ in range(2):
        parts = [stream.push(sound[..., :1000]), stream.push(sound[..., :0]), stream.push(sound[..., 1000:])]
        found.append(torch.cat([*parts, stream.finish()], dim=-1))
    assert torch.equal(found[0], codec.encode(sound))
    assert torch.equal(found[1], found[0])


def test_codes_of_a_file_are_whole_numbers_of_a_format(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    form = {"sample_rate": 8_000, "channels": 1, "codebooks": 1, "size": 4, "hop": 10}
    for codes, about in (
        (np.full((1, 2), 0.7), json.dumps(form)),
        (np.ones((1, 2), bool), json.dumps(form)),
        (np.ones((1, 2), np.int64), json.dumps({**form, "channels": True})),
        (np.ones((1, 2), np.int64), "[" * 100_000),
    ):
        path.write_bytes(save({"codes": codes}, metadata={"codec": about, "samples": "20"}))
        with pytest.raises((FileError, ModelError), match=r"no file of codes|whole numbers"):
            load_codes(path)
    with pytest.raises(ModelError, match="samples"):
        Codes(np.ones((1, 2), np.int64), Format(**form), 2.5)  # type: ignore[arg-type]


def test_sound_without_end_or_rate(codec: Codec) -> None:
    for audio in (Audio(np.zeros((1, 40_000), np.float32), 1), Audio(np.zeros((1, 40), np.float32), math.nan)):  # type: ignore[arg-type]
        with pytest.raises(AudioError, match="6 hours"):
            encode_audio(audio, codec)


def test_a_checkpoint_that_lacks_weights_is_not_made_up(tmp_path: Path) -> None:
    dac().save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    save_file(
        {name: value for name, value in tensors.items() if not name.startswith("encoder.")}, path, {"format": "pt"}
    )
    with pytest.raises(ModelError, match=r"lacks weights: encoder\."):
        load_adapter(tmp_path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ModelError, match="cannot load"):
        load_adapter(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("num_lstm_layers", 10**6, "says num_lstm_layers"),
        ("hidden_size", 10**9, "says hidden_size"),
        ("upsampling_ratios", [2] * 5_000, "a list of 5,000"),
        ("upsampling_ratios", "x", "cannot load a codec"),
        ("target_bandwidths", [1.5, 1e308], "says 1: 1e\\+308, which no codec has"),
        ("target_bandwidths", [1.5, float("nan")], "says 1: nan, which no codec has"),
    ],
)
def test_configs_that_call_for_more_than_a_codec_has(name: str, value: Any, message: str, tmp_path: Path) -> None:
    encodec().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, name: value}))
    with pytest.raises(ModelError, match=message):
        load_adapter(tmp_path)
