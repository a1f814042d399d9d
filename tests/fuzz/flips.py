"""One bit of a store or of a checkpoint, which is to be found: what is read is what was written."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from tests.fuzz.models import _trained, checkpoint_seeds, store_seeds
from tests.fuzz.target import Files, Target


def one_bit(whole: Callable[[], Sequence[Files]], suffix: str = "") -> Callable[[Files, random.Random], Files]:
    """A `seal` that damages one bit of a file with this suffix, in the place of other damage."""

    def flip(files: Files, rng: random.Random) -> Files:
        files = dict(whole()[0])
        if isinstance(rng, random.Random):  # else the sound files are wanted
            name = rng.choice(sorted(name for name in files if name.endswith(suffix)))
            data = bytearray(files[name])
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            files[name] = bytes(data)
        return files

    return flip


store, checkpoint = cache(store_seeds), cache(checkpoint_seeds)


def read_store(folder: Path) -> None:
    """Read each piece; its notes and what is known of it are those that were prepared."""
    from symbolic_music.corpora.store.store import NoteStore
    from symbolic_music.transforms import transpose
    from tests.fuzz.music import tune

    found = NoteStore(folder / "s")
    for i in range(len(found)):
        piece = found.piece(i)
        wanted = transpose(tune(), int(piece.source[0])).notes
        for column in ("onset", "duration", "pitch", "velocity", "program", "track"):
            assert np.array_equal(found[i].notes[column], wanted[column]), (piece.source, column)
    assert len(found) == 6


def resume(folder: Path) -> None:
    """Put a checkpoint back; its tensors and state are those that were saved."""
    from symbolic_music.training.run.checkpoints import load_checkpoint

    (network, optimizer), (wanted, other) = _trained(), _trained()
    for value in network.parameters():
        value.data.zero_()
    state = load_checkpoint(folder, network, network.state_dict(), optimizer)
    assert state["step"] == 3
    for name, value in wanted.state_dict().items():
        assert bool((network.state_dict()[name] == value).all()), name
    for own, its in zip(network.parameters(), wanted.parameters(), strict=True):
        mine, theirs = optimizer.state[own], other.state[its]
        assert all(bool((mine[key] == theirs[key]).all()) for key in theirs)


TARGETS = (
    Target("one bit of a segment", store, read_store, one_bit(store, ".safetensors")),
    Target("one bit of a store", store, read_store, one_bit(store)),
    Target("one bit of a checkpoint", checkpoint, resume, one_bit(checkpoint)),
)
