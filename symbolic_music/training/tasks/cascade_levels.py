"""The objective of a level of a cascade: codes of recordings given those before them and those of the level above."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from typing_extensions import override

from symbolic_music.codec.autoencoder.model import Codec
from symbolic_music.codec.encode_decode import encode_audio
from symbolic_music.codec.jukebox.cascade import Jukebox, stream_cascade
from symbolic_music.codec.jukebox.level import JukeboxLevel, fingerprint, save_level
from symbolic_music.codec.jukebox.prior import JukeboxPrior, JukeboxPriorConfig
from symbolic_music.codec.jukebox.sampling import JukeboxSampling, stream_level
from symbolic_music.codec.registry import load_codec
from symbolic_music.errors import AudioError, FileError, TrainingError
from symbolic_music.evaluation.likelihood import Likelihood
from symbolic_music.models.model import Card
from symbolic_music.synthesis.audio import Audio, read_audio
from symbolic_music.training.config import LevelData, TrainConfig
from symbolic_music.training.run.model_cards import card_of
from symbolic_music.training.task import Batch
from symbolic_music.training.tasks.code_windows import CodeWindowsTask

_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")


@dataclass(frozen=True, eq=False)
class Recording:
    """A sound as codes (T,) of a level and (U,) of the level above, where there is one, and the number of its label."""

    path: Path
    codes: NDArray[np.int32]
    above: NDArray[np.int32] | None
    label: int


class LevelTask(CodeWindowsTask[Recording]):
    """A `Task`; tokens are codes. The name of a folder of recordings is the label of their instrument."""

    def __init__(self, config: TrainConfig, data: LevelData) -> None:
        if config.init is not None or config.lora is not None:
            raise TrainingError("a level of a cascade cannot be initialised from another: leave init and lora out")
        self.config, self.data = config, data
        self.codec = _codec(data.codec)
        self.upper = None if data.above is None else _codec(data.above)
        form, ratio = self.codec.format, 1
        if self.upper is not None:
            above = self.upper.format
            ratio = above.hop // form.hop
            if above.sample_rate != form.sample_rate or ratio * form.hop != above.hop or ratio < 2:
                raise TrainingError(
                    f"the codes of {data.above}, {above.hop:,} samples each, are not above those of {data.codec}, "
                    f"{form.hop:,} samples each: these divide them, at one sample rate"
                )
        self._labels = list(dict.fromkeys(Path(folder).name for folder in data.sounds))
        self.shape = JukeboxPriorConfig(
            size=form.size, frame_rate=form.frame_rate, above=0 if self.upper is None else self.upper.format.size,
            ratio=ratio, instruments=tuple(self._labels), **config.model.settings,
        )  # fmt: skip
        self.around = JukeboxPrior(self.shape).above  # for the codes above that an example needs; it is not trained
        self.frame_rate = form.frame_rate
        self._read(data.sounds, self._recordings, data.held_out, self.shape.window)

    def _recordings(self, folder: Path) -> list[Recording]:
        label = self._labels.index(folder.name)
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
        found = []
        for path in paths:
            try:
                audio = read_audio(path)
                own = _codes(audio, self.codec)
                above = None if self.upper is None else _codes(audio, self.upper)
            except (FileError, AudioError) as error:
                raise TrainingError(f"{path} cannot be used for training: {error}") from None
            if len(own) >= self.shape.window:
                found.append(Recording(path, own, above, label))
        if len(found) < 2:
            raise TrainingError(
                f"{folder} has {len(found)} sound files of {self.shape.window / self.shape.frame_rate:.2f} seconds or "
                "more: at least two are needed"
            )
        return found

    @override
    def build(self) -> JukeboxPrior:
        return JukeboxPrior(self.shape)

    @override
    def frames(self, source: Recording) -> int:
        return len(source.codes)

    @property
    @override
    def validation_examples(self) -> int:
        return self.data.validation_examples

    @override
    def batch(self, drawn: list[tuple[Recording, int]]) -> Batch:
        window = self.shape.window
        codes = np.stack([one.codes[first : first + window] for one, first in drawn])
        tensors = [
            torch.from_numpy(codes.astype(np.int64)), torch.tensor([first for _, first in drawn]),
            torch.tensor([len(one.codes) for one, _ in drawn]), torch.tensor([one.label for one, _ in drawn]),
        ]  # fmt: skip
        if self.around is not None:
            above = []
            for one, first in drawn:
                assert one.above is not None
                whole = torch.from_numpy(one.above.astype(np.int64))[None]
                # A place more than needed, where an example begins with a code above: all are of one length.
                end = first - first % self.shape.ratio + window + self.shape.ratio
                above.append(self.around.around(whole, first, end)[0])
            tensors.append(torch.stack(above))
        return Batch(tuple(tensors), codes.size)

    @override
    def loss(self, network: nn.Module, *tensors: Tensor) -> Tensor:
        return torch.as_tensor(network.loss(*tensors))  # type: ignore[operator]

    def _level(self, network: nn.Module) -> JukeboxLevel:
        assert isinstance(network, JukeboxPrior)
        return JukeboxLevel(self.codec, network, "" if self.upper is None else fingerprint(self.upper))

    @override
    def write(self, network: nn.Module, found: Likelihood, step: int, folder: Path) -> Card:
        level = self._level(network)
        card = card_of(self.config, level, found, step)
        save_level(level, card, folder)
        return card

    @override
    def sample(self, network: nn.Module, step: int, folder: Path) -> None:
        """Sound of the level alone, as step-000500.flac: new, or of the codes above of the first recording held out."""
        was_training, level = network.training, self._level(network.eval())
        held, draw = self.held[0], JukeboxSampling(self.shape.instruments[self.held[0].label], seed=self.config.seed)
        if held.above is None:
            blocks = list(stream_cascade(Jukebox((level,)), self.config.sample_seconds, draw))
            sound = np.concatenate(blocks, axis=1)
        else:
            count = min(len(held.codes), max(1, round(self.config.sample_seconds * self.shape.frame_rate)))
            above = torch.from_numpy(held.above.astype(np.int64))[None].to(level.device)
            none = torch.zeros(1, 0, dtype=torch.long, device=level.device)
            codes = torch.cat(list(stream_level(level.prior, count, above, none, draw)), dim=1)
            sound = level.codec.decode(codes[:, None].to(self.codec.device))[0].cpu().numpy()
        Audio(sound.clip(-1, 1), self.codec.format.sample_rate).write(folder / f"step-{step:06}.flac")
        network.train(was_training)

    @override
    def provenance(self, step: int) -> str:
        return "recordings " + ", ".join(f"{one.path} from code {first}" for one, first in self.drawn(step))


def _codec(name: str) -> Codec:
    codec = load_codec(name, "cpu")
    if not isinstance(codec, Codec) or codec.format.codebooks != 1:
        raise TrainingError(f"{name} is not a codec of ours with one codebook, which a level of a cascade has")
    return codec


def _codes(audio: Audio, codec: Codec) -> NDArray[np.int32]:
    return np.asarray(encode_audio(audio, codec).codes[0].astype(np.int32))
