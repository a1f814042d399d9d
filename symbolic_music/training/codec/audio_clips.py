"""Audio files in memory at one rate, and training examples cut from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.codec.base import Format
from symbolic_music.codec.encode_decode import fitted
from symbolic_music.errors import AudioError, FileError, TrainingError
from symbolic_music.synthesis.audio import read_audio

_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")


class Sounds:
    """Files of some folders, kept as int16.

    Args:
        folders: each with its share of the examples; files below them are found.
        form: their rate and channels.
        held_out: one in this many files, by name, is for `held`.

    Raises:
        TrainingError: when a folder has fewer than two files of sound.
        MissingExtraError: without soundfile.
    """

    def __init__(self, folders: Mapping[str, float], form: Format, held_out: int) -> None:
        self.names: list[list[str]] = []
        self.train: list[list[NDArray[np.int16]]] = []
        self.held: list[NDArray[np.int16]] = []
        self._shares = np.array(list(folders.values())) / sum(folders.values())
        for folder in folders:
            files = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in _SUFFIXES)
            if len(files) < 2:
                raise TrainingError(f"{folder} has {len(files)} sound files: at least two are needed")
            sounds = [_read(path, form) for path in files]
            chosen = [i for i in range(len(files)) if i % held_out]
            self.train.append([sounds[i] for i in chosen])
            self.names.append([str(files[i]) for i in chosen])
            self.held += sounds[::held_out]

    def batch(self, size: int, length: int, rng: np.random.Generator) -> tuple[Tensor, list[str]]:
        """Examples (size, C, length) at levels drawn within 12 dB, and the files that they are of."""
        out, names = [], []
        for _ in range(size):
            folder = int(rng.choice(len(self.train), p=self._shares))
            number = int(rng.integers(len(self.train[folder])))
            sound = self.train[folder][number]
            start = int(rng.integers(0, max(1, sound.shape[1] - length + 1)))
            level = np.float32(10 ** (rng.uniform(-12, 0) / 20))
            out.append(level * _filled(sound[:, start : start + length], length))
            names.append(self.names[folder][number])
        return torch.from_numpy(np.stack(out)), names

    def examples(self, size: int, length: int) -> Tensor:
        """The middles of files held out, at most this many, evenly chosen: (n, C, length)."""
        chosen = np.linspace(0, len(self.held) - 1, min(size, len(self.held))).astype(int)
        middles = [max(0, (self.held[i].shape[1] - length) // 2) for i in chosen]
        found = [_filled(self.held[i][:, m : m + length], length) for i, m in zip(chosen, middles, strict=True)]
        return torch.from_numpy(np.stack(found))


def _filled(sound: NDArray[np.int16], length: int) -> NDArray[np.float32]:
    out = np.zeros((len(sound), length), np.float32)
    out[:, : sound.shape[1]] = sound.astype(np.float32) / 32768
    return out


def _read(path: Path, form: Format) -> NDArray[np.int16]:
    try:
        found = fitted(read_audio(path), form)
    except (FileError, AudioError) as error:
        raise TrainingError(f"{path} cannot be used for training: {error}") from None
    return np.asarray((found.clip(-1, 1) * 32767).astype(np.int16))
