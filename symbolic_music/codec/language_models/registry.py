"""Codec language models: their kinds and folders, and generation of codes and audio from a score.

Nothing is unpickled.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from symbolic_music.codec.agreement import STRETCH, NoteAgreement
from symbolic_music.codec.base import AudioCodec, Format
from symbolic_music.codec.encode_decode import check_format
from symbolic_music.codec.language_models.autoregressive import CodecLanguageModel, CodecLanguageModelConfig
from symbolic_music.codec.language_models.autoregressive_decoding import stream_codes
from symbolic_music.codec.language_models.depth_decoder import DepthWriter, DepthWriterConfig, stream_by_depth
from symbolic_music.codec.language_models.masked import MaskedWriter, MaskedWriterConfig
from symbolic_music.codec.language_models.masked_decoding import stream_refined
from symbolic_music.codec.language_models.melody_features import MELODY, melody_frames
from symbolic_music.codec.language_models.musicgen import MusicgenWriter, MusicgenWriterConfig
from symbolic_music.codec.language_models.score_features import frame_count
from symbolic_music.codec.language_models.text_features import TextEncoder, load_text_encoder, text_columns
from symbolic_music.codec.language_models.tone_features import check_features, condition_frames
from symbolic_music.codec.registry import load_codec
from symbolic_music.errors import EmptyScoreError, ModelError, OptionError
from symbolic_music.models.checkpoints.config_and_weights import read_config
from symbolic_music.models.checkpoints.network_folder import found_folder, restored, save_network
from symbolic_music.models.loading import resolve_device
from symbolic_music.models.model import Card
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio
from symbolic_music.synthesis.settings import check_length

_RING = 1.0  # seconds after the last note
_MOST_CANDIDATES = 64


@dataclass(frozen=True)
class Kind:
    """A class of writers, its config's, and what writes with it: called as `stream_codes` is."""

    model: type[nn.Module]
    config: type[Any]
    stream: Callable[..., Iterator[Tensor]]


WRITERS = {
    "codec-lm": Kind(CodecLanguageModel, CodecLanguageModelConfig, stream_codes),
    "codec-musicgen": Kind(MusicgenWriter, MusicgenWriterConfig, stream_codes),
    "codec-depth": Kind(DepthWriter, DepthWriterConfig, stream_by_depth),
    "codec-masked": Kind(MaskedWriter, MaskedWriterConfig, stream_refined),
}


@dataclass(frozen=True)
class Writer:
    """A model of codes, its card, and the codec that its codes are of.

    Args:
        network: of `WRITERS`, in evaluation mode.
        codec: whose first codebooks it writes.
        codec_name: by which that is loaded.
        card: what it is.
        text_encoder: name or folder of the T5 whose vectors of words it is conditioned on; empty without.

    Raises:
        ModelError: when the network does not write codes of that codec.

    Examples:
        >>> writer = sm.codec.load_writer("codec-depth")
        >>> writer.network.config.codebooks
        8
    """

    network: Any
    codec: AudioCodec
    codec_name: str
    card: Card
    text_encoder: str = ""

    def __post_init__(self) -> None:
        check_codebooks(self.network.config, self.codec.format)
        check_features(self.network.config.features, self.codec)

    def codes(
        self,
        score: Score,
        seed: int = 0,
        melody: Audio | None = None,
        text: str | None = None,
        candidates: int = 1,
        **settings: Any,
    ) -> Iterator[Tensor]:
        """Codes (1, K, n) of a score in blocks of frames, to a second after its last note.

        Args:
            melody: a recording whose tune it is conditioned on besides.
            text: words that it is conditioned on besides, such as `describe` makes.
            candidates: of each stretch of 0.9 seconds, of which the one is kept whose transcription agrees best with
                the score; for a `DepthWriter`.
            settings: guidance, temperature, top_k, melody_guidance and text_guidance of `stream_codes`, plausible of
                `stream_by_depth`, and steps of `stream_refined`.

        Raises:
            EmptyScoreError: when there is no note.
            OptionError: for settings out of range.
            ModelError: for a melody or a text where the model is conditioned on none, or several candidates of a model
                of another kind.
        """
        frames, network = self.frames(score), self.network
        for name, given in (("melody", melody), ("text", text)):
            if given is not None and name not in network.extras:
                raise ModelError(f"{self.card.name} is not conditioned on a {name}")
        words = None if text is None else self._encoder.embed([text])[0].numpy()
        rate, width = self.codec.format.frame_rate, network.config.features

        def features(first: int, last: int) -> Tensor:
            parts = [condition_frames(score, self.codec, width, last - first, first)]
            if "melody" in network.extras:
                none = np.zeros((last - first, MELODY), np.float32)
                parts.append(none if melody is None else melody_frames(melody, rate, last - first, first))
            if "text" in network.extras:
                parts.append(text_columns(words, network.config.text, last - first))
            return torch.from_numpy(np.concatenate(parts, axis=1))[None]

        if candidates != 1:
            settings |= self._choosing(score, candidates)
        kind = WRITERS[_architecture(network)]
        return kind.stream(network, features, frames, seed=seed, **settings)

    def _choosing(self, score: Score, candidates: int) -> dict[str, Any]:
        """Settings of `stream_by_depth` by which it draws several candidates."""
        if not isinstance(self.network, DepthWriter):
            raise ModelError(f"{self.card.name} draws one candidate: several are drawn by a codec-depth")
        if not 1 <= candidates <= _MOST_CANDIDATES:
            raise OptionError(f"candidates are 1 to {_MOST_CANDIDATES}, not {candidates}")
        return {"batch": candidates, "choose": NoteAgreement(score, self.codec), "stretch": STRETCH}

    @cached_property
    def _encoder(self) -> TextEncoder:
        encoder = load_text_encoder(self.text_encoder)
        wanted = self.network.config.text
        if encoder.width != wanted:
            raise ModelError(f"{self.text_encoder} gives {encoder.width} numbers of a text; this model takes {wanted}")
        return encoder

    def frames(self, score: Score) -> int:
        """How many frames `codes` writes of a score.

        Raises:
            EmptyScoreError: when there is no note.
            AudioError: when it lasts more than 6 hours.
        """
        if not len(score):
            raise EmptyScoreError("this score has no notes to write sound of")
        check_length(score)
        rate = self.codec.format.frame_rate
        return frame_count(score, rate) + round(_RING * rate)


def check_codebooks(config: Any, form: Format) -> None:
    """ModelError when a writer's codes are not of the first codebooks of a format."""
    if config.size != form.size or config.codebooks > form.codebooks:
        raise ModelError(
            f"this model writes {config.codebooks} codebooks of {config.size:,} entries; "
            f"the codec has {form.codebooks} of {form.size:,}"
        )


def _architecture(network: nn.Module) -> str:
    return next(name for name, kind in WRITERS.items() if type(network) is kind.model)


def save_writer(
    network: nn.Module, codec: str, form: Format, card: Card, folder: str | Path, text_encoder: str = ""
) -> Path:
    """Write a model of codes as float16, whole or not at all.

    Args:
        network: of `WRITERS`.
        codec: name or folder of the codec; form is its format.
        text_encoder: name or folder of the T5 whose vectors of words it is conditioned on.

    Raises:
        ModelError: when weights are not finite.
        FileError: when it cannot be written.

    Examples:
        >>> writer = sm.codec.load_writer("codec-depth")
        >>> folder = sm.codec.save_writer(writer.network, "codec", writer.codec.format, writer.card, "copy")
        >>> sm.codec.load_writer(folder).card.name
        'codec-depth'
    """
    settings: Any = network.config
    tables = {"codec": {"name": codec, "format": dataclasses.asdict(form)}, "network": dataclasses.asdict(settings)}
    if text_encoder:
        tables["text"] = {"name": text_encoder}
    return save_network(network, _architecture(network), tables, card, folder)


def load_writer(name_or_path: str | Path, codec: str | Path | None = None, device: str = "auto") -> Writer:
    """A bundled model of codes by name, or a folder of one by path, with its codec.

    Args:
        codec: where its codec is now; the name that was saved when omitted.

    Raises:
        UnknownNameError: when the model or its codec is neither bundled nor a folder.
        ModelError: when the folder is of another model, or broken, or the codec of another format than it was trained
            for.

    Examples:
        >>> writer = sm.codec.load_writer("codec-depth")
        >>> writer.card.name, writer.codec_name
        ('codec-depth', 'codec')
    """
    folder = found_folder(name_or_path, "model of codes")
    config = read_config(folder)
    kind = WRITERS.get(str(config.get("architecture")))
    if kind is None:
        raise ModelError(f"{folder} has no codec language model; kinds: {', '.join(WRITERS)}")
    try:
        shape, form = kind.config(**config["network"]), Format(**config["codec"]["format"])
        card, saved = Card.of_record(config["card"]), str(config["codec"]["name"])
        words = str(config.get("text", {"name": ""})["name"])
    except (KeyError, TypeError, ValueError, ModelError) as error:
        raise ModelError(f"{folder}/config.json does not fit this version ({error})") from None
    network = restored(lambda: kind.model(shape), folder)
    own = load_codec(codec or saved, device)
    check_format(form, own.format)
    return Writer(network.eval().to(resolve_device(device)), own, saved, card, words)
