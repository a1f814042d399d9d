"""Pairs of a score and its sound, and training examples cut from them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.codec.base import Format
from symbolic_music.codec.encode_decode import fitted
from symbolic_music.codec.flow.decoder import HARMONICS, FlowConfig
from symbolic_music.codec.flow.score_rolls import score_rolls, sustained
from symbolic_music.codec.language_models.tone_features import plain_tones
from symbolic_music.errors import SymbolicMusicError, TrainingError
from symbolic_music.io import read
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import read_audio


class Pair:
    """A score, and its sound and plain tones as int16, which are computed on first use."""

    def __init__(self, path: Path, config: FlowConfig) -> None:
        self.path, self._config = path, config
        self._form = Format(config.sample_rate, 1, 1, 1, config.hop)

    @cached_property
    def score(self) -> Score:
        """With notes as long as pedals hold them."""
        return sustained(read(self.path.with_suffix(".mid")))

    @cached_property
    def sound(self) -> NDArray[np.int16]:
        """Samples (n,) at the decoder's rate."""
        found = fitted(read_audio(self.path), self._form)[0]
        return np.asarray((found.clip(-1, 1) * 32767).astype(np.int16))

    @cached_property
    def tones(self) -> NDArray[np.int16]:
        """The plain tones of the score, as many samples."""
        found = plain_tones(self.score, self._config.sample_rate, len(self.sound), most=HARMONICS)
        return np.asarray((found.clip(-1, 1) * 32767).astype(np.int16))

    @property
    def frames(self) -> int:
        """Whole frames of its sound."""
        return len(self.sound) // self._config.hop

    def example(self, first: int, frames: int) -> tuple[Tensor, Tensor, Tensor]:
        """Rolls (frames, ROLLS), and tones and sound of the windows of these frames, (size + (frames - 1) hop,)."""
        rolls = score_rolls(self.score, self._config.frame_rate, frames, first)
        tones, sound = (self._windows(samples, first, frames) for samples in (self.tones, self.sound))
        return torch.from_numpy(rolls), torch.from_numpy(tones), torch.from_numpy(sound)

    def _windows(self, samples: NDArray[np.int16], first: int, frames: int) -> NDArray[np.float32]:
        begin = first * self._config.hop - self._config.size // 2
        end = begin + self._config.size + (frames - 1) * self._config.hop
        out = np.zeros(end - begin, np.float32)
        inner = samples[max(0, begin) : max(0, end)]
        out[max(0, -begin) : max(0, -begin) + len(inner)] = inner.astype(np.float32) / 32768
        return out


class Pairs:
    """Pairs of some folders.

    Args:
        folders: each with its share of the examples.
        config: of the decoder.
        held_out: one in this many pairs, by name, is in `held`.

    Raises:
        TrainingError: when a folder has fewer than two pairs.
    """

    def __init__(self, folders: Mapping[str, float], config: FlowConfig, held_out: int) -> None:
        self.train: list[list[Pair]] = []
        self.held: list[Pair] = []
        self._shares = np.array(list(folders.values())) / sum(folders.values())
        for folder in folders:
            paths = sorted(path for path in Path(folder).glob("*.flac") if path.with_suffix(".mid").is_file())
            if len(paths) < 2:
                raise TrainingError(
                    f"{folder} has {len(paths)} pairs of NAME.mid and NAME.flac: at least two are needed"
                )
            pairs = [Pair(path, config) for path in paths]
            self.train.append([pair for i, pair in enumerate(pairs) if i % held_out])
            self.held += pairs[::held_out]

    def drawn(self, size: int, frames: int, rng: np.random.Generator) -> list[tuple[Pair, int]]:
        """Pairs for the examples of a step, and the frames that these begin with.

        Raises:
            TrainingError: when a file cannot be read.
        """
        found = []
        for folder in rng.choice(len(self.train), size, p=self._shares):
            pair = self.train[folder][int(rng.integers(len(self.train[folder])))]
            try:
                last = max(0, pair.frames - frames)
            except SymbolicMusicError as error:
                raise TrainingError(f"{pair.path} cannot be used for training: {error}") from None
            found.append((pair, int(rng.integers(last + 1))))
        return found


def batch(drawn: list[tuple[Pair, int]], frames: int) -> tuple[Tensor, ...]:
    """Rolls (B, T, ROLLS), tones and sound (B, size + (T - 1) hop)."""
    columns = zip(*(pair.example(first, frames) for pair, first in drawn), strict=True)
    return tuple(torch.stack(column) for column in columns)
