"""EnCodec and DAC of `transformers` with our codec interface: from a local folder, or by their id on the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from symbolic_music.codec.base import Format, check_samples
from symbolic_music.errors import MissingExtraError, ModelError, SymbolicMusicError
from symbolic_music.models.checkpoints.memory import check_memory

# Types of models, as their config.json has them.
KINDS = ("encodec", "dac")
# No codec's config says more.
_MOST_NUMBER, _MOST_LAYERS, _MOST_VALUES = 1 << 20, 64, 1_000


class EncodecAdapter:
    """transformers' EncodecModel (Défossez et al. 2022) as an `AudioCodec`.

    Args:
        model: one without chunks and without normalisation, as the 24 kHz model is.

    Raises:
        ModelError: for another one.
    """

    def __init__(self, model: Any) -> None:
        c = model.config
        if c.normalize or c.chunk_length_s is not None:
            raise ModelError("EnCodec with normalisation or chunks has more than codes; use the 24 kHz model")
        self.model = model.eval()
        quantisers = int(model.quantizer.num_quantizers)
        self.format = Format(c.sampling_rate, c.audio_channels, quantisers, c.codebook_size, int(c.hop_length))

    @torch.no_grad()
    def encode(self, samples: Tensor, codebooks: int | None = None) -> Tensor:
        """Codes (B, K, n) of samples (B, channels, N)."""
        check_samples(samples, self.format.channels)
        count = _count(codebooks, self.format)
        filled = torch.nn.functional.pad(samples, (0, -samples.shape[-1] % self.format.hop))
        codes = self.model.quantizer.encode(self.model.encoder(filled), max(self.model.config.target_bandwidths))
        return torch.as_tensor(codes).transpose(0, 1)[:, :count]

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Samples (B, channels, N) of codes (B, K, n)."""
        _check_codes(codes, self.format)
        sound = torch.as_tensor(self.model.decoder(self.model.quantizer.decode(codes.transpose(0, 1))))
        return sound[..., : codes.shape[-1] * self.format.hop]


class DacAdapter:
    """transformers' DacModel (Kumar et al. 2023) as an `AudioCodec`."""

    def __init__(self, model: Any) -> None:
        c = model.config
        self.model = model.eval()
        self.format = Format(c.sampling_rate, 1, c.n_codebooks, c.codebook_size, int(c.hop_length))

    @torch.no_grad()
    def encode(self, samples: Tensor, codebooks: int | None = None) -> Tensor:
        """Codes (B, K, n) of samples (B, channels, N)."""
        check_samples(samples, self.format.channels)
        count = _count(codebooks, self.format)
        filled = torch.nn.functional.pad(samples, (0, -samples.shape[-1] % self.format.hop))
        return torch.as_tensor(self.model.encode(filled, n_quantizers=count).audio_codes)

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Samples of codes. DAC's convolutions may leave a few samples fewer: silence fills them."""
        _check_codes(codes, self.format)
        vectors = self.model.quantizer.from_codes(codes)[0]
        sound = torch.as_tensor(self.model.decoder(vectors))
        wanted = codes.shape[-1] * self.format.hop
        return torch.nn.functional.pad(sound, (0, max(0, wanted - sound.shape[-1])))[..., :wanted]


def load_adapter(source: str | Path) -> EncodecAdapter | DacAdapter:
    """An EnCodec or DAC checkpoint in transformers' layout: a folder, or an id of the hub.

    Raises:
        ModelError: when it cannot be loaded, or is another model.
        MissingExtraError: without transformers.

    Examples:
        >>> from transformers import EncodecConfig, EncodecModel
        >>> EncodecModel(EncodecConfig(num_filters=4, hidden_size=8, codebook_dim=8)).save_pretrained("encodec")
        >>> sm.codec.load_adapter("encodec").format.sample_rate
        24000
    """
    try:
        from transformers import AutoConfig, DacModel, EncodecModel
    except ImportError:
        raise MissingExtraError("transformers", "transformers") from None
    try:
        config = AutoConfig.from_pretrained(str(source))
        kind = config.model_type
        if kind in KINDS:
            _check_numbers(config.to_dict(), source)
            model = EncodecModel if kind == "encodec" else DacModel
            with torch.device("meta"):
                check_memory(model(config), Path(source))
            found = complete(model, source)
            return EncodecAdapter(found) if kind == "encodec" else DacAdapter(found)
    except SymbolicMusicError:
        raise
    except Exception as error:  # of what a damaged folder makes transformers raise there is no list
        raise ModelError(f"cannot load a codec from {source}: {' '.join(str(error).split())[:200]}") from None
    raise ModelError(f"{source} is a {kind}, not an EnCodec or DAC")


def _check_numbers(values: Any, source: str | Path) -> None:
    """ModelError for a config that calls for more than a codec has, before anything is built from it."""
    if isinstance(values, dict | list | tuple):
        if len(values) > _MOST_VALUES:
            raise ModelError(f"{source}/config.json has a list of {len(values):,} values, which no codec has")
        for name, value in values.items() if isinstance(values, dict) else enumerate(values):
            most = _MOST_LAYERS if "layers" in str(name) else _MOST_NUMBER
            if isinstance(value, (int, float)) and not abs(value) <= most:
                raise ModelError(f"{source}/config.json says {name}: {value:.3g}, which no codec has")
            _check_numbers(value, source)


def complete(kind: Any, source: str | Path) -> Any:
    """A model of transformers from a folder or the hub. ModelError when weights are missing: they would be random."""
    model, found = kind.from_pretrained(str(source), use_safetensors=True, output_loading_info=True)
    if found["missing_keys"]:
        raise ModelError(f"{source} lacks weights: {', '.join(sorted(found['missing_keys'])[:3])} ...")
    return model


def _count(codebooks: int | None, form: Format) -> int:
    count = form.codebooks if codebooks is None else codebooks
    if not 1 <= count <= form.codebooks:
        raise ModelError(f"this codec has 1 to {form.codebooks} codebooks, not {count}")
    return count


def _check_codes(codes: Tensor, form: Format) -> None:
    if codes.ndim != 3 or not 1 <= codes.shape[1] <= form.codebooks:
        raise ModelError(f"codes are (batch, 1 to {form.codebooks} codebooks, frames), not {tuple(codes.shape)}")
    if codes.numel() and not (int(codes.min()) >= 0 and int(codes.max()) < form.size):
        raise ModelError(f"codes lie in 0..{form.size - 1}, not {int(codes.min())}..{int(codes.max())}")
