"""Continue a piece with a token model."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from typing_extensions import override

from symbolic_music.errors import OptionError
from symbolic_music.generation.decoding.compound_sampler import draw_words, of_each_field, unended
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.inference.token_backends import at_once
from symbolic_music.generation.left_to_right.batched_ids import IdLines
from symbolic_music.generation.left_to_right.batching import HandedOut
from symbolic_music.generation.near_copies import flagged
from symbolic_music.generation.results import EditSession, Written, WrittenNote
from symbolic_music.models import Model
from symbolic_music.score import Array, Score, Track
from symbolic_music.tokenizers.base import Ids, Tokenizer

# Ids between two looks at how long the music is.
_STRIDE = 32
_MOST_IDS_A_SECOND = 1000


_MOST_WORDS_A_SECOND = 250


class TokenWriting(EditSession):
    """A piece and some seconds more, or a new one, several times; see `continuation.continuing`.

    With a prompt its notes stay as they are; new ones go to its tracks of their program, or to new tracks.

    Raises:
        OptionError: when the tokenizer writes each track apart; for fields that its ids have not.
    """

    def __init__(
        self,
        model: Model[Any],
        prompt: Score | None,
        seconds: float,
        sampling: Sampling | Mapping[str, Sampling] | None,
        seed: int,
        count: int,
    ) -> None:
        if count < 1:
            raise OptionError(f"at least one alternative is needed, not {count}")
        self._model, self._prompt, self._seconds, self._sampling = model, prompt, seconds, sampling
        self._seed, self._count = seed, count
        self._in_words = len(model.tokenizer.vocabulary.sizes) > 1
        self._check_sampling()
        self._given: Ids | None = None
        self._before = 0.0
        if prompt is not None:
            self._given = self._encoded(prompt)
        self._ids: list[list[Any]] = []
        self._log_probabilities: list[float] = []
        self._whole: list[bool] = []
        self._part = 0.0
        self._most_at_once: int | None = None
        # Of the alternatives that are written together.
        self._together: HandedOut[tuple[Any, float]] | None = None

    def _check_sampling(self) -> None:
        """OptionError for fields that the ids have not."""
        if self._in_words:
            of_each_field(self._model.tokenizer.vocabulary, self._sampling)
        elif isinstance(self._sampling, Mapping):
            raise OptionError(f"model {self._model.card.name!r} draws ids of one field, all alike")

    def _encoded(self, prompt: Score) -> Ids | None:
        """The ids that are gone on from."""
        tokenizer: Tokenizer = self._model.tokenizer
        if not len(prompt):
            return None
        encoded = tokenizer.encode(prompt)
        if isinstance(encoded, list):
            raise OptionError(
                f"{tokenizer.name} ({tokenizer.preset}) writes each track apart; it cannot continue a piece"
            )
        self._before = tokenizer.decode(encoded).duration
        if self._in_words:
            return unended(encoded, tokenizer.vocabulary)
        ends = len(encoded) > 0 and tokenizer.vocabulary.name(int(encoded[-1])) == "End_None"
        return encoded[: len(encoded) - ends]

    @override
    @property
    def done(self) -> float:
        return (sum(self._whole) + min(self._part, 1.0)) / self._count

    @override
    def stream(self) -> Iterator[WrittenNote]:
        """Each alternative has a seed of its own, from the first one's on."""
        was_training = self._model.network.training
        most = self._seconds * (_MOST_WORDS_A_SECOND if self._in_words else _MOST_IDS_A_SECOND)
        for number in range(self._count):
            ids: list[Any] = [] if self._given is None else self._given.tolist()
            begun, given = len(ids), 0
            self._ids.append(ids)
            self._log_probabilities.append(0.0)
            self._whole.append(False)
            for token, log_probability in self._drawn(number):
                ids.append(token)
                self._log_probabilities[-1] += log_probability
                if (len(ids) - begun) % _STRIDE == 0:
                    score, notes, self._part = self._so_far(ids)
                    # The newest notes may still grow.
                    yield from _streamed(number, score, notes[given:-_STRIDE])
                    given = max(given, len(notes) - _STRIDE)
                    if self._part >= 1 or len(ids) - begun >= most:
                        break
            self._whole[-1], self._part = True, 0.0
            self._model.network.train(was_training)
            score, notes, _ = self._so_far(ids)
            yield from _streamed(number, score, notes[given:])

    @override
    def results(self) -> list[Written]:
        found = []
        for number, ids in enumerate(self._ids):
            score, notes, _ = self._so_far(ids)
            likelihood = self._log_probabilities[number] / len(notes) if len(notes) else float("nan")
            found.append(Written(score, notes, number, likelihood, self._whole[number]))
        return flagged(found)

    def _drawn(self, number: int) -> Iterator[tuple[Any, float]]:
        """Ids or words of an alternative, and the log-probability of each."""
        if self._in_words:
            fields = of_each_field(self._model.tokenizer.vocabulary, self._sampling)
            return draw_words(self._model, fields, self._generator(number), self._given)
        return self._drawn_together(number)

    def _drawn_together(self, number: int) -> Iterator[tuple[Any, float]]:
        """As `_drawn`, of an alternative along with those after it."""
        self._model.network.eval()
        most = self._at_once()
        place = number % most
        if place == 0 or self._together is None:
            last = min(number + most, self._count)
            self._together = self._begin([self._generator(one) for one in range(number, last)])
        return self._together.of(place)

    def _generator(self, number: int) -> torch.Generator:
        return torch.Generator().manual_seed((self._seed + number) % (1 << 64))

    def _at_once(self) -> int:
        """How many alternatives are written together."""
        if self._most_at_once is None:
            self._most_at_once = at_once(self._model.network, self._count)
        return self._most_at_once

    def _begin(self, generators: Sequence[torch.Generator]) -> HandedOut[tuple[Any, float]]:
        """Alternatives that are written together, each with a generator."""
        sampling = self._sampling if isinstance(self._sampling, Sampling) else Sampling()
        return self._ids_of(self._model, sampling, generators)

    def _ids_of(
        self,
        model: Model[Any],
        sampling: Sampling,
        generators: Sequence[torch.Generator],
        permitted: Array | None = None,
    ) -> HandedOut[tuple[Any, float]]:
        """Ids of a model after the given ones; the first id of all is no choice of the model."""
        lines = IdLines(model, sampling, generators)
        begun = self._given is not None and len(self._given) > 0
        firsts = {} if begun else {number: (line.begin(), 0.0) for number, line in enumerate(lines.lines)}
        if self._given is not None:
            for line in lines.lines:
                line.feed(self._given.tolist())

        def draw(pieces: Sequence[int]) -> dict[int, tuple[Any, float]]:
            if firsts:
                found = dict(firsts)
                firsts.clear()
                return found
            masks = {piece: lines.lines[piece].allowed(permitted) for piece in pieces}
            drawn = lines.draw({piece: mask for piece, mask in masks.items() if mask.any()})
            for piece, one in drawn.items():
                lines.lines[piece].feed([one.token])
            return {piece: (one.token, one.log_probability) for piece, one in drawn.items()}

        return HandedOut(len(generators), draw)

    def _so_far(self, ids: Sequence[Any]) -> tuple[Score, Array, float]:
        """The piece, the notes written in it, in order, and the part of the time that they take."""
        written = self._model.tokenizer.decode(np.array(ids, np.int32))
        part = (written.duration - self._before) / self._seconds
        if self._prompt is None:
            score = written.clip(0.0, self._seconds)
            return score, score.notes, part
        score = _joined(self._prompt, written, self._before, self._before + self._seconds)
        return score, score.notes[len(self._prompt) :], part


def _streamed(number: int, score: Score, notes: Array) -> Iterator[WrittenNote]:
    for row in notes:
        start, end = score.seconds([int(row["onset"]), int(row["onset"]) + int(row["duration"])]).tolist()
        yield WrittenNote(number, int(row["track"]), start, end - start, int(row["pitch"]), int(row["velocity"]))


def _joined(prompt: Score, written: Score, start: float, end: float) -> Score:
    """The prompt, and after it what was written from one second to another."""
    tracks, place = list(prompt.tracks), {}
    for index, track in enumerate(written.tracks):
        same = [i for i, own in enumerate(tracks) if (own.program, own.is_drum) == (track.program, track.is_drum)]
        place[index] = same[0] if same else len(tracks)
        if not same:
            tracks.append(Track(track.name, track.program, track.is_drum))
    onset = written.seconds(written.notes["onset"])
    inside = (onset >= start - 1e-6) & (onset < end)
    notes, later = written.notes[inside], prompt.duration - start
    ends = np.minimum(end, written.seconds(notes["onset"].astype(np.int64) + notes["duration"]))
    notes["onset"] = np.rint(prompt.ticks(onset[inside] + later))
    notes["duration"] = np.maximum(1, np.rint(prompt.ticks(ends + later)) - notes["onset"])
    notes["track"] = [place[int(track)] for track in notes["track"]]
    return dataclasses.replace(prompt, notes=np.concatenate([prompt.notes, notes]), tracks=tuple(tracks))
