"""Packed chunks: those of `anticipation.chunks.packed`, chunk by chunk."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symbolic_music import tokenizers
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.corpora.windows.augmentation import Augmentation
from symbolic_music.corpora.windows.dataset import Windows
from symbolic_music.corpora.windows.packed_chunks import Packed
from symbolic_music.score import Score, Track, note_table
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.chunks import augmentations, packed
from symbolic_music.tokenizers.anticipation.events import events_of
from symbolic_music.tokenizers.anticipation.expressive import expressive_events
from tests.corpora.example_stores import mixed_store, piano, store_of

EVENTS: dict[str, Any] = {"default": events_of, "expressive": expressive_events}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> NoteStore:
    return mixed_store(tmp_path_factory.mktemp("mixed"))


def published(store: NoteStore, preset: str, factor: int, context: int, rng: np.random.Generator) -> list[list[int]]:
    """The chunks of all pieces laid end to end."""
    scores = [store.music(i) for i in range(len(store)) if len(store.music(i))]
    pieces = (piece for score in scores for piece in augmentations(EVENTS[preset](score), factor, rng))
    return [chunk.tolist() for chunk in packed(pieces, context)]


@pytest.mark.parametrize("preset", ["default", "expressive"])
def test_without_augmentation_all_chunks_are_given_in_order(mixed: NoteStore, preset: str) -> None:
    tokenizer = tokenizers.get("anticipation", preset=preset)
    cut = Windows(mixed, tokenizer, Packed(1, group=len(mixed), context=128))
    expected = published(mixed, preset, 1, 128, np.random.default_rng(0))
    assert len(expected) > 5
    assert [cut[i].tolist() for i in range(len(cut))] == expected


@pytest.mark.parametrize("preset", ["default", "expressive"])
def test_a_group_is_packed_as_published(mixed: NoteStore, preset: str) -> None:
    policy = Packed(10, context=128)
    cut = Windows(mixed, tokenizers.get("anticipation", preset=preset), policy)
    chunks = policy.prepared(cut.source, np.arange(len(mixed)), np.random.default_rng(5)).ids
    assert chunks.tolist() == published(mixed, preset, 10, 128, np.random.default_rng(5))


def test_no_chunk_is_given_twice_in_an_epoch(mixed: NoteStore) -> None:
    cut = Windows(mixed, tokenizers.get("anticipation"), Packed(20, context=256), pieces=[0, 2])
    for epoch in range(2):
        given = Counter(tuple(cut[epoch, i].tolist()) for i in range(len(cut)))
        # Chunks of two variations may be equal.
        groups = [cut._cache.get((epoch, unit)).ids.tolist() for unit in range(2)]
        assert not given - Counter(tuple(chunk) for group in groups for chunk in group)
        assert len(given) > 20
        assert {chunk[0] for chunk in given} == {v.AUTOREGRESS, v.ANTICIPATE}


def test_each_chunk_is_whole_and_its_times_are_relative(mixed: NoteStore) -> None:
    for preset, width in (("default", 3), ("expressive", 4)):
        tokenizer = tokenizers.get("anticipation", preset=preset)
        cut = Windows(mixed, tokenizer, Packed(10, context=100), Augmentation((-3, 3), (0.9, 1.1)))
        for number in range(0, len(cut), 7):
            ids = cut[number].numpy()
            assert tokenizer.grammar.violation(ids) is None
            rows = ids[1:].reshape(-1, width)
            before = rows[: int(np.argmax(np.append(rows[:, 0] == v.SEPARATOR, True)))]
            if len(before):
                assert (before[:, 0] % v.CONTROL).min() == 0


def test_interarrival_is_cut_from_one_sequence(mixed: NoteStore) -> None:
    tokenizer = tokenizers.get("anticipation", preset="interarrival")
    cut = Windows(mixed, tokenizer, Packed(1, group=len(mixed), context=100))
    ids: list[int] = []
    for i in range(len(mixed)):
        if len(mixed.music(i)):
            ids += [34_024, *tokenizer.encode(mixed.music(i)).tolist()]
    assert [cut[i].tolist() for i in range(len(cut))] == [ids[a : a + 100] for a in range(0, len(ids) - 99, 100)]


def test_a_group_without_chunks_is_passed_over(tmp_path: Path) -> None:
    # All of the first piece's chunks span 100 s.
    slow = Score(notes=note_table([(i * 20_000, 10, 60) for i in range(300)]), tracks=(Track(),))
    store = store_of(tmp_path, [slow, piano(1, 400)])
    cut = Windows(store, tokenizers.get("anticipation"), Packed(10))
    assert len(cut) > 10
    assert all(len(cut[i]) == 1024 for i in range(0, len(cut), 3))
