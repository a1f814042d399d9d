"""The objective of codec language models: codes given the previous ones and the score."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from typing_extensions import override

from symbolic_music.codec.autoencoder.model import Codec
from symbolic_music.codec.base import VectorCodec
from symbolic_music.codec.codes import load_codes
from symbolic_music.codec.encode_decode import check_format
from symbolic_music.codec.language_models.autoregressive import CodecLanguageModel
from symbolic_music.codec.language_models.base import StepModel
from symbolic_music.codec.language_models.depth_decoder import DepthWriter
from symbolic_music.codec.language_models.melody_features import melody_frames
from symbolic_music.codec.language_models.registry import WRITERS, Writer, check_codebooks, load_writer, save_writer
from symbolic_music.codec.language_models.score_features import FEATURES, score_frames
from symbolic_music.codec.language_models.text_features import describe, load_text_encoder, text_columns
from symbolic_music.codec.language_models.tone_features import tone_vectors
from symbolic_music.codec.registry import load_codec
from symbolic_music.codec.rendering import render_file_by_codec
from symbolic_music.errors import FileError, ModelError, TrainingError
from symbolic_music.evaluation.likelihood import Likelihood
from symbolic_music.io import read
from symbolic_music.models.model import Card
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import read_audio
from symbolic_music.training.config import CodesData, TrainConfig
from symbolic_music.training.run.model_cards import card_of
from symbolic_music.training.task import Batch
from symbolic_music.training.tasks.code_windows import CodeWindowsTask

_WORDINGS = 8  # of the words about a score
_MOST = 6e4  # that float16 holds


@dataclass(eq=False)
class Pair:
    """A score and the codes (K, T) of its sound; `tones` are the tones of the whole, computed on first use.

    `melody` is that of the recording, `words` are the vectors of several descriptions of the score.
    """

    path: Path
    score: Score
    codes: NDArray[np.int64]
    tones: NDArray[np.float16] | None = None
    melody: NDArray[np.float32] | None = None
    words: NDArray[np.float32] | None = None

    @property
    def name(self) -> str:
        """Without folder and suffix."""
        return self.path.stem


class CodesTask(CodeWindowsTask[Pair]):
    """A `Task`; tokens are codes."""

    def __init__(self, config: TrainConfig, data: CodesData) -> None:
        if config.init is not None or config.lora is not None:
            raise TrainingError("a codec language model cannot be initialised from another: leave init and lora out")
        self.config, self.data = config, data
        self.codec = load_codec(data.codec, "cpu")
        self.kind = WRITERS[config.model.architecture]
        features: dict[str, Any] = {}
        if data.tones:
            if not isinstance(self.codec, VectorCodec):
                raise TrainingError(f"codec {data.codec} has no vectors of tones: leave data.tones out")
            features = {"features": FEATURES + self.codec.dim}
        if (data.melody or data.text) and not issubclass(self.kind.model, StepModel):
            raise TrainingError(
                f"{config.model.architecture} is conditioned on a score alone: leave melody and text out"
            )
        self.encoder = load_text_encoder(data.text) if data.text else None
        if data.melody:
            features["melody"] = True
        if self.encoder is not None:
            features["text"] = self.encoder.width
        self.shape = self.kind.config(**{**features, **config.model.settings})
        check_codebooks(self.shape, self.codec.format)
        self.frame_rate = self.codec.format.frame_rate
        self._read(data.pairs, self._pairs, data.held_out, data.frames)

    def _pairs(self, folder: Path) -> list[Pair]:
        found = []
        for path in sorted(folder.glob("*.safetensors")):
            codes, score = load_codes(path), read(path.with_suffix(".mid"))
            try:
                check_format(codes.format, self.codec.format)
            except ModelError as error:
                raise TrainingError(f"{path}: {error}") from None
            if len(codes.codes) < self.shape.codebooks:
                raise TrainingError(f"{path} has {len(codes.codes)} codebooks, fewer than {self.shape.codebooks}")
            if codes.codes.shape[1] >= self.data.frames and len(score):
                found.append(self._with_extras(Pair(path, score, codes.codes[: self.shape.codebooks])))
        if len(found) < 2:
            raise TrainingError(
                f"{folder} has {len(found)} pairs of NAME.mid and NAME.safetensors with {self.data.frames} frames "
                "or more; at least two are needed (`symbolic-music encode` makes codes)"
            )
        return found

    def _with_extras(self, pair: Pair) -> Pair:
        """With the melody of the recording beside the codes, and with words about the score, in several wordings."""
        if self.data.melody:
            path = pair.path.with_suffix(".flac")
            try:
                pair.melody = melody_frames(read_audio(path), self.codec.format.frame_rate, pair.codes.shape[1])
            except FileError as error:
                raise TrainingError(f"{path} has no melody to train with: {error}") from None
        if self.encoder is not None:
            rng = np.random.default_rng([self.config.seed, *pair.name.encode()])
            texts = [describe(pair.score), *(describe(pair.score, rng) for _ in range(_WORDINGS - 1))]
            pair.words = self.encoder.embed(texts).numpy()
        return pair

    @override
    def build(self) -> nn.Module:
        """A language model begins with the entries of a codec of ours."""
        network = self.kind.model(self.shape)
        if isinstance(network, CodecLanguageModel | DepthWriter) and isinstance(self.codec, Codec):
            network.know(self.codec.quantiser.codebooks)
        if self.data.begin:
            other = load_writer(self.data.begin, self.data.codec, "cpu").network
            if not isinstance(network, DepthWriter) or not isinstance(other, CodecLanguageModel):
                raise TrainingError("setting data.begin: a codec-depth begins with a codec-lm")
            network.begin_with(other)
        return network

    @override
    def frames(self, source: Pair) -> int:
        return int(source.codes.shape[1])

    @property
    @override
    def validation_examples(self) -> int:
        return self.data.validation_examples

    def _example(self, pair: Pair, first: int) -> tuple[Tensor, Tensor]:
        condition = score_frames(pair.score, self.codec.format.frame_rate, self.data.frames, first)
        if self.data.tones and isinstance(self.codec, VectorCodec):
            if pair.tones is None:
                pair.tones = (
                    tone_vectors(pair.score, self.codec, pair.codes.shape[1]).clip(-_MOST, _MOST).astype(np.float16)
                )
            condition = np.concatenate(
                [condition, pair.tones[first : first + self.data.frames]], axis=1, dtype=np.float32
            )
        if pair.melody is not None:
            condition = np.concatenate([condition, pair.melody[first : first + self.data.frames]], axis=1)
        if pair.words is not None:
            words = text_columns(pair.words[first % len(pair.words)], self.shape.text, self.data.frames)
            condition = np.concatenate([condition, words], axis=1)
        return torch.from_numpy(pair.codes[:, first : first + self.data.frames]), torch.from_numpy(condition)

    @override
    def batch(self, drawn: list[tuple[Pair, int]]) -> Batch:
        codes, features = zip(*(self._example(pair, first) for pair, first in drawn), strict=True)
        return Batch((torch.stack(codes), torch.stack(features)), sum(one.numel() for one in codes))

    @override
    def loss(self, network: nn.Module, *tensors: Tensor) -> Tensor:
        return torch.as_tensor(network.loss(*tensors)[0])  # type: ignore[operator]

    @override
    def write(self, network: nn.Module, found: Likelihood, step: int, folder: Path) -> Card:
        card = card_of(self.config, network, found, step)
        save_writer(network, self.data.codec, self.codec.format, card, folder, self.data.text)
        return card

    @override
    def sample(self, network: nn.Module, step: int, folder: Path) -> None:
        """The beginning of the first score held out, as step-000500.flac."""
        from symbolic_music.transforms import clip

        card = card_of(self.config, network, Likelihood(), step)
        score = clip(self.held[0].score, 0.0, self.config.sample_seconds)
        was_training = network.training
        writer = Writer(network.eval(), self.codec, self.data.codec, card)
        if len(score):
            render_file_by_codec(score, folder / f"step-{step:06}.flac", writer, seed=self.config.seed)
        network.train(was_training)

    @override
    def provenance(self, step: int) -> str:
        return "training pairs " + ", ".join(f"{pair.name} from frame {first}" for pair, first in self.drawn(step))
