"""Likelihood of a split of a note store under a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.corpora.windows.batches import Batch, Collate
from symbolic_music.corpora.windows.dataset import Windows
from symbolic_music.corpora.windows.edit_examples import musical_events, rows
from symbolic_music.corpora.windows.packed_chunks import Packed
from symbolic_music.corpora.windows.policies import Chunks, Source
from symbolic_music.errors import CorpusError, ModelError, OptionError
from symbolic_music.evaluation.likelihood import Likelihood, likelihoods, nats_of_tokens
from symbolic_music.evaluation.region_likelihood import region_likelihood, stretches_of
from symbolic_music.models.model import Model
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.base import Ids

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
    stride: int | None = None,
    most: int | None = None,
) -> Likelihood:
    """Compute the likelihood of the pieces of a split, without controls.

    The ids of `anticipation` are evaluated in the published chunks of 1,024 (Thickstun et al. 2024, appendix B), other
    ids piece by piece in consecutive chunks of the model's window: the first id of a chunk is given, and not counted.
    Our event models evaluate each piece from its first event to its last, region models in ranges of whole bars that
    fit their window.

    Args:
        batch: sequences at a time.
        progress: called with the share that is done.
        pieces: receives the likelihood of each piece by its index; not for the ids of `anticipation`, whose published
            chunks cross the ends of pieces.
        stride: ids (rows of a region model) from one chunk of a piece to the next; shared ids are given and not counted
            again, so that a smaller stride gives more context. None for disjoint chunks.
        most: maximum number of pieces, evenly spaced; None for the whole split.

    Raises:
        OptionError: for a stride below 1 or above the model's window, or for ids of `anticipation` and our event
            models, which have none.
        CorpusError: when the store has no such split, or it holds too little to fill a chunk.
        ModelError: when the model does not have an instrument of a piece.

    Examples:
        >>> store = sm.corpora.NoteStore("my.store")
        >>> found = sm.evaluation.evaluate(sm.load_model("song"), store, "train", most=1)
        >>> found.notes > 0 and found.per_note > 0
        True
    """
    chosen = chosen_pieces(store, split, most)
    report = progress or (lambda part: None)
    was_training = model.network.training
    model.network.eval()
    try:
        found = {} if pieces is None else pieces
        packed = model.tokenizer.windows == "packed"
        if model.reads == "regions":
            return _of_regions(model, store, chosen, batch, report, found, stride)
        if stride is not None and (model.reads == "events" or packed):
            raise OptionError("stride is of ids piece by piece: anticipated events are read whole or in chunks")
        if model.reads == "events":
            return _of_events(model, store, chosen, batch, report, found)
        if packed:
            return _of_published_chunks(model, store, chosen, batch, report)
        return _of_ids(model, store, chosen, batch, report, found, stride)
    finally:
        model.network.train(was_training)


def chosen_pieces(store: NoteStore, split: str, most: int | None = None) -> Indices:
    """Indices of the pieces of a split, of at most this many that are evenly chosen.

    Raises:
        CorpusError: when the store has no such split.
        OptionError: for no piece at all.
    """
    if split not in store.splits:
        raise CorpusError(f"{store.path} has no split {split!r}; it has {', '.join(store.splits) or 'none'}")
    if most is not None and most < 1:
        raise OptionError(f"at least one piece is evaluated, not {most}")
    found = store.splits[split].astype(np.int64)
    return found if most is None or len(found) <= most else found[:: -(-len(found) // most)]


Pieces = dict[int, Likelihood]
Indices = NDArray[np.int64]


def _of_events(
    model: Model[Any], store: NoteStore, indices: Indices, batch: int, report: Progress, pieces: Pieces
) -> Likelihood:
    known, total = set(model.network.config.instruments), Likelihood()
    for start in range(0, len(indices), batch):
        sequences = []
        for index in indices[start : start + batch].tolist():
            events = musical_events(store.music(index), model.view.quarters_per_minute)
            unknown = sorted(set((events[events[:, 2] != v.REST - v.NOTE, 2] // 128).tolist()) - known)
            if unknown:
                raise ModelError(
                    f"{store.piece(index).source} has instruments {unknown}, which the model does not have"
                )
            sequences.append(rows(events, np.zeros(len(events), bool), opens=not model.view.parts))
        own = indices[start : start + batch].tolist()
        for index, found in zip(own, likelihoods(model.network, sequences, batch), strict=True):
            # Of the music, not of the constant tempo of the model's view.
            pieces[index] = dataclasses.replace(found, seconds=store.piece(index).seconds)
            total += pieces[index]
        report(min(1.0, (start + batch) / len(indices)))
    return total


@torch.no_grad()
def _of_published_chunks(
    model: Model[Any], store: NoteStore, indices: Indices, batch: int, report: Progress
) -> Likelihood:
    length = _window(model)
    windows = Windows(store, model.tokenizer, Packed(1, context=min(length, 1024)), pieces=indices)
    total = Likelihood()
    for done, one in _batches(windows, batch):
        ids, mask = one.ids.to(model.device), one.mask.to(model.device)
        nats, counted = nats_of_tokens(model.network, ids, mask).double(), mask[:, 1:]
        parts = _parts(nats, counted) if model.tokenizer.preset == "default" else {}
        total += Likelihood(float(nats.sum()), int(counted.sum()), parts=parts)
        report(done / len(windows))
    return _whole(total, store, indices, length)


@torch.no_grad()
def _of_ids(
    model: Model[Any],
    store: NoteStore,
    indices: Indices,
    batch: int,
    report: Progress,
    pieces: Pieces,
    stride: int | None,
) -> Likelihood:
    length = _window(model)
    if stride is not None and not 1 <= stride <= length:
        raise OptionError(f"stride is 1 to {length:,} ids, of which the model sees {length:,} at once; not {stride:,}")
    collate, total = Collate(model.tokenizer.padding), Likelihood()
    chunks = _strided(model.tokenizer, store, indices, length, stride or length)
    while chosen := list(islice(chunks, batch)):
        one = collate([torch.from_numpy(ids.astype(np.int64)) for _, ids, _ in chosen])
        ids, mask = one.ids.to(model.device), one.mask.to(model.device)
        for row, (_, _, given) in enumerate(chosen):
            mask[row, :given] = False
        nats, counted = nats_of_tokens(model.network, ids, mask).double(), mask[:, 1:]
        for row, (index, _, _) in enumerate(chosen):
            found = Likelihood(float(nats[row].sum()), int(counted[row].sum()))
            pieces[index], total = pieces.get(index, Likelihood()) + found, total + found
        report(len(pieces) / len(indices))
    for index in pieces:
        about = store.piece(index)
        pieces[index] += Likelihood(notes=about.notes, seconds=about.seconds)
    return _whole(total, store, indices, length)


def _window(model: Model[Any]) -> int:
    """Ids that a model sees at once."""
    config = model.network.config
    return getattr(config, "window", None) or getattr(config, "context", None) or _LENGTH


def _whole(total: Likelihood, store: NoteStore, indices: Indices, length: int) -> Likelihood:
    """The likelihood with the notes and seconds of the pieces; CorpusError when nothing was counted."""
    if not total.tokens:
        raise CorpusError(f"the pieces of {store.path} are too short to fill a chunk of {length} ids")
    known = [store.piece(int(index)) for index in indices]
    return total + Likelihood(notes=sum(p.notes for p in known), seconds=sum(p.seconds for p in known))


def _strided(
    tokenizer: Any, store: NoteStore, indices: Indices, length: int, stride: int
) -> Iterator[tuple[int, Ids, int]]:
    """Chunks of all pieces: the piece's index, ids, and how many of these are given; one at least."""
    policy = Chunks(length)
    source, rng = Source(store, tokenizer, indices), np.random.default_rng(0)
    policy.check(source)
    for index in source.pieces.tolist():
        for ids in policy.prepared(source, np.array([index]), rng).sequences:
            yield index, ids[:length], 1
            for start in range(stride, len(ids) - length + stride, stride):
                yield index, ids[start : start + length], max(1, length - stride)


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
    model: Model[Any],
    store: NoteStore,
    indices: Indices,
    batch: int,
    report: Progress,
    pieces: Pieces,
    stride: int | None,
) -> Likelihood:
    window = model.network.config.window
    if stride is not None and not 1 <= stride <= window:
        raise OptionError(f"stride is 1 to {window:,} rows, of which the model sees {window:,} at once; not {stride:,}")
    total = Likelihood()
    for number, index in enumerate(indices.tolist()):
        score = store.music(index)
        stretches = stretches_of(score, window, model.tokenizer.reads_pedal, stride)
        found = region_likelihood(model.network, list(stretches), batch)
        pieces[index] = dataclasses.replace(found, seconds=score.duration)
        total += pieces[index]
        report((number + 1) / len(indices))
    return total
