"""Likelihood of a split of a note store under a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.corpora.windows.batches import Batch
from symbolic_music.corpora.windows.dataset import Windows
from symbolic_music.corpora.windows.edit_examples import musical_events, rows
from symbolic_music.corpora.windows.packed_chunks import Packed
from symbolic_music.corpora.windows.policies import Chunks, Policy
from symbolic_music.errors import CorpusError, ModelError
from symbolic_music.evaluation.likelihood import Likelihood, likelihoods, nats_of_tokens
from symbolic_music.evaluation.regions import region_likelihood, stretches_of
from symbolic_music.models.model import Model
from symbolic_music.tokenizers.anticipation import vocabulary as v

# Ids of a chunk for models without a window.
_LENGTH = 2048
Progress = Callable[[float], None]


def evaluate(
    model: Model[Any],
    store: NoteStore,
    split: str = "test",
    batch: int = 8,
    progress: Progress | None = None,
    pieces: dict[int, Likelihood] | None = None,
) -> Likelihood:
    """Likelihood of all pieces of a split, without controls.

    The ids of `anticipation` are read in the published chunks of 1,024 (Thickstun et al. 2024, appendix B). Other
    ids are read piece by piece in consecutive chunks of as many as the model sees at once, each on its own: the first
    id of a chunk is given, and not counted. Our event models read each piece from its first event to its last, region
    models in stretches of whole bars that fit their window.

    Args:
        batch: sequences at a time.
        progress: is told the part done.
        pieces: is given the likelihood of each piece by its index; not for the ids of `anticipation`, whose published
            chunks run over the ends of pieces.

    Raises:
        CorpusError: when the store has no such split, or it holds too little to fill a chunk.
        ModelError: when the model does not know an instrument of a piece.
    """
    if split not in store.splits:
        raise CorpusError(f"{store.path} has no split {split!r}; it has {', '.join(store.splits) or 'none'}")
    tell = progress or (lambda part: None)
    was_training = model.network.training
    model.network.eval()
    try:
        read = {"ids": _of_ids, "events": _of_events, "regions": _of_regions}[model.reads]
        return read(model, store, split, batch, tell, {} if pieces is None else pieces)
    finally:
        model.network.train(was_training)


Pieces = dict[int, Likelihood]


def _of_events(
    model: Model[Any], store: NoteStore, split: str, batch: int, tell: Progress, pieces: Pieces
) -> Likelihood:
    known, total = set(model.network.config.instruments), Likelihood()
    indices = store.splits[split]
    for start in range(0, len(indices), batch):
        sequences = []
        for index in indices[start : start + batch].tolist():
            events = musical_events(store.music(index), model.view.quarters_per_minute)
            unknown = sorted(set((events[events[:, 2] != v.REST - v.NOTE, 2] // 128).tolist()) - known)
            if unknown:
                raise ModelError(
                    f"{store.piece(index).source} has instruments {unknown}, which the model does not know"
                )
            sequences.append(rows(events, np.zeros(len(events), bool), opens=not model.view.parts))
        own = indices[start : start + batch].tolist()
        for index, found in zip(own, likelihoods(model.network, sequences, batch), strict=True):
            # Of the music, not of the constant tempo that the model hears.
            pieces[index] = dataclasses.replace(found, seconds=store.piece(index).seconds)
            total += pieces[index]
        tell(min(1.0, (start + batch) / len(indices)))
    return total


@torch.no_grad()
def _of_ids(model: Model[Any], store: NoteStore, split: str, batch: int, tell: Progress, pieces: Pieces) -> Likelihood:
    config = model.network.config
    length = getattr(config, "window", None) or getattr(config, "context", None) or _LENGTH
    anticipated = model.tokenizer.windows == "packed"
    policy: Policy[Any] = Packed(1, context=min(length, 1024)) if anticipated else Chunks(length)
    windows = Windows(store, model.tokenizer, policy, split=split)
    total = Likelihood()
    for done, one in _batches(windows, batch):
        ids, mask = one.ids.to(model.device), one.mask.to(model.device)
        nats, counted = nats_of_tokens(model.network, ids, mask).double(), mask[:, 1:]
        parts = _parts(nats, counted) if anticipated and model.tokenizer.preset == "default" else {}
        total += Likelihood(float(nats.sum()), int(counted.sum()), parts=parts)
        if not anticipated:
            for row, number in enumerate(range(done - len(nats), done)):
                index = windows.piece_of(number)
                pieces[index] = pieces.get(index, Likelihood()) + Likelihood(
                    float(nats[row].sum()), int(counted[row].sum())
                )
        tell(done / len(windows))
    known = [store.piece(int(index)) for index in store.splits[split]]
    for index in pieces:
        about = store.piece(index)
        pieces[index] += Likelihood(notes=about.notes, seconds=about.seconds)
    if not total.tokens:
        raise CorpusError(f"split {split!r} of {store.path} is too short to fill a chunk of {length} ids")
    return total + Likelihood(notes=sum(p.notes for p in known), seconds=sum(p.seconds for p in known))


def _parts(nats: Tensor, counted: Tensor) -> dict[str, tuple[float, int]]:
    """Nats of times, durations, notes and of whole events: after the flag of a chunk they take turns."""
    found = {"event": (float(nats.sum()), int(counted[:, 2::3].sum()))}
    for place, name in enumerate(("time", "duration", "note")):
        found[name] = (float(nats[:, place::3].sum()), int(counted[:, place::3].sum()))
    return found


def _batches(windows: Windows, size: int) -> Iterator[tuple[int, Batch]]:
    """How many windows are read, and the last `size` of them."""
    numbers, done = iter(range(len(windows))), 0
    while chosen := list(islice(numbers, size)):
        done += len(chosen)
        yield done, windows.collate([windows[number] for number in chosen])


def _of_regions(
    model: Model[Any], store: NoteStore, split: str, batch: int, tell: Progress, pieces: Pieces
) -> Likelihood:
    total, indices = Likelihood(), store.splits[split]
    for number, index in enumerate(indices.tolist()):
        score = store.music(index)
        found = region_likelihood(model.network, list(stretches_of(score, model.network.config.window)), batch)
        pieces[index] = dataclasses.replace(found, seconds=score.duration)
        total += pieces[index]
        tell((number + 1) / len(indices))
    return total
