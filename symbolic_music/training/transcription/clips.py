"""Clips of rendered music with their notes, made once and kept in the folder of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.errors import SymbolicMusicError, TrainingError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.io.atomic import write_bytes
from symbolic_music.score import Score
from symbolic_music.synthesis.rendering import render
from symbolic_music.synthesis.sampled.sampler import Sampler
from symbolic_music.training.transcription.arranging import passage, scattered
from symbolic_music.training.transcription.config import ClipData
from symbolic_music.transcription.input_audio import LEVEL, level_of

RECORDINGS = "recordings"
SYNTHS = ("ddsp", "midi-ddsp", "soundfont", RECORDINGS)
_SPARE = tuple(program for program in range(24, 80) if program not in range(47, 48))


@dataclass(frozen=True, eq=False)
class Clip:
    """Sound (n,) as int16 at its level, and its notes (k, 4): onset and offset in seconds, pitch, velocity."""

    samples: NDArray[np.int16]
    notes: NDArray[np.float32]
    synth: str

    @property
    def sound(self) -> NDArray[np.float32]:
        """The samples as float32."""
        return np.asarray(self.samples.astype(np.float32) / 32768, np.float32)


class Clips:
    """The clips of a split; those that are missing are rendered.

    Args:
        data: what is rendered.
        folder: where clips are kept.
        split: of the stores.
        count: how many.
        sample_rate: Hz.
        seed: of all that is drawn; clip i depends on it and on i alone.
        progress: called with what is done.

    Raises:
        TrainingError: for an unknown synthesizer, or a store without this split.
    """

    def __init__(
        self, data: ClipData, folder: Path, split: str, count: int, sample_rate: int, seed: int,
        progress: Callable[[str], None] = lambda what: None,
    ) -> None:  # fmt: skip
        unknown = set(data.synths) - set(SYNTHS)
        if unknown or (RECORDINGS in data.synths and not data.recordings):
            wrong = f"no synthesizer {min(unknown)!r}" if unknown else "recordings need folders"
            raise TrainingError(f"data.synths: {wrong}; there are {', '.join(SYNTHS)}")
        self._data, self._rate, self._split, self._seed = data, sample_rate, split, seed
        self._stores: dict[str, tuple[NoteStore, NDArray[np.int64]]] = {}
        self._sampler: Sampler | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.clips = []
        for number in range(count):
            path = folder / f"{number:05}.npz"
            if not path.is_file():
                progress(f"rendering {split} {number + 1:,} of {count:,}")
                write_bytes(path, _packed(self._made(number)))
            self.clips.append(_read(path))

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.clips)

    def _made(self, number: int) -> Clip:
        rng = np.random.default_rng([self._seed, number, len(self._split)])
        synth = _drawn(self._data.synths, rng)
        programs = tuple(self._data.recordings) if synth == RECORDINGS else ()
        while True:
            score = self._music(rng, programs)
            if np.count_nonzero(score.instruments != DRUM_INSTRUMENT) >= 4:
                break
        if synth == "soundfont" and self._data.unheard:
            score = _without(score, self._data.unheard, rng)
        samples = self._sound(score, synth, rng)[: round((self._data.seconds + 0.5) * self._rate)]
        samples = samples * np.float32(LEVEL / level_of(samples, self._rate))
        samples = samples * np.float32(min(1.0, 0.99 / max(1e-9, float(np.abs(samples).max()))))
        pitched = score.instruments != DRUM_INSTRUMENT
        columns = (score.onset_seconds, score.offset_seconds, score.notes["pitch"], score.notes["velocity"])
        notes = np.stack([column[pitched] for column in columns], axis=1).astype(np.float32)
        return Clip((samples * 32767).astype(np.int16), notes, synth)

    def _music(self, rng: np.random.Generator, programs: tuple[int, ...]) -> Score:
        if rng.random() < self._data.scattered:
            return scattered(self._data, rng, programs)
        if not self._stores:
            self._stores = {path: _opened(path, self._split) for path in self._data.stores}
        store, pieces = self._stores[_drawn(self._data.stores, rng)]
        score = store.music(int(rng.choice(pieces)))
        return passage(score, self._data, rng, programs) if len(score) else score

    def _sound(self, score: Score, synth: str, rng: np.random.Generator) -> NDArray[np.float32]:
        if synth == RECORDINGS:
            if self._sampler is None:
                folders = {program: Path(folder) for program, folder in self._data.recordings.items()}
                self._sampler = Sampler(folders, self._rate)
            return np.asarray(self._sampler.play(score).samples[0], np.float32)
        reverb = float(rng.choice((0.0, 0.35, 0.7)))
        sound = render(score, synth, self._rate, reverb=reverb, seed=int(rng.integers(2**31)))
        return np.asarray(sound.samples.mean(axis=0), np.float32)


def _drawn(shares: dict[str, float], rng: np.random.Generator) -> str:
    weights = np.array(list(shares.values()))
    return list(shares)[int(rng.choice(len(weights), p=weights / weights.sum()))]


def _opened(path: str, split: str) -> tuple[NoteStore, NDArray[np.int64]]:
    try:
        store = NoteStore(path)
        pieces = store.splits.get(split, np.zeros(0, np.int64))
    except SymbolicMusicError as error:
        raise TrainingError(f"{path} cannot be used for training: {error}") from None
    if not len(pieces):
        raise TrainingError(f"{path} has no pieces in its split {split!r}")
    return store, pieces


def _without(score: Score, programs: tuple[int, ...], rng: np.random.Generator) -> Score:
    """Other instruments in place of these, drums excepted."""
    notes, tracks = score.notes.copy(), list(score.tracks)
    for number, track in enumerate(tracks):
        if track.program in programs and not track.is_drum:
            other = int(rng.choice([p for p in _SPARE if p not in programs]))
            notes["program"][notes["track"] == number] = other
            tracks[number] = type(track)(track.name, other)
    return score.replace(notes=notes, tracks=tuple(tracks))


def _packed(clip: Clip) -> bytes:
    buffer = BytesIO()
    np.savez(buffer, samples=clip.samples, notes=clip.notes, synth=np.array(clip.synth))
    return buffer.getvalue()


def _read(path: Path) -> Clip:
    try:
        with np.load(path, allow_pickle=False) as file:
            return Clip(file["samples"].astype(np.int16), file["notes"].astype(np.float32), str(file["synth"]))
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"{path} is no clip ({error}): remove it, and it is rendered again") from None
