"""Whole chorales for an `EditsTask`: the training data of the bundled chorale model."""

from __future__ import annotations

import numpy as np

from symbolic_music.corpora import read_chorales
from symbolic_music.corpora.datasets.chorale_grid import QUARTERS_PER_MINUTE, VOICE_PROGRAMS, VOICES, check_trainable
from symbolic_music.corpora.windows.edit_examples import Augmentation, rows, sample
from symbolic_music.models.model import View
from symbolic_music.tokenizers.anticipation.events import events_of
from symbolic_music.training.config import EditsData
from symbolic_music.training.data.base import Rows


class ChoraleEdits:
    """An `EditSource`."""

    instruments = VOICE_PROGRAMS

    def __init__(self, data: EditsData) -> None:
        self.path, self.augmentation = data.path, Augmentation(data.transpose, data.edits, data.crops)
        scores = read_chorales(data.path)
        check_trainable(scores, data.path)
        splits = {name: [events_of(score) for score in own] for name, own in scores.items()}
        self.pieces = splits["train"]
        self.validation = [rows(e, np.zeros(len(e), bool)) for e in splits["valid"]]

    def training(self, size: int, rng: np.random.Generator) -> list[Rows]:
        """A batch."""
        chosen = rng.integers(0, len(self.pieces), size)
        return [sample(self.pieces[i], self.augmentation, rng) for i in chosen]

    def view(self) -> View:
        """The model's clock, its four voices and their mean pitches."""
        notes = np.concatenate(self.pieces)[:, 2]
        means = [(notes % 128)[notes // 128 == part] for part in VOICE_PROGRAMS]
        centres = tuple(round(float(own.mean()), 2) if len(own) else 60.0 for own in means)
        return View(float(QUARTERS_PER_MINUTE), VOICE_PROGRAMS, VOICES, centres)

    def provenance(self, size: int, rng: np.random.Generator) -> str:
        """The pieces of the batch of this generator."""
        return f"training pieces {', '.join(map(str, rng.integers(0, len(self.pieces), size)))} of {self.path}"
