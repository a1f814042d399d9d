"""The order of windows and batches of them: one order for any workers and ranks, which can be resumed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from symbolic_music import tokenizers
from symbolic_music.corpora.windows.augmentation import preset
from symbolic_music.corpora.windows.batches import Batch, Collate, Shuffled
from symbolic_music.corpora.windows.dataset import Windows
from symbolic_music.corpora.windows.packed_chunks import Packed
from symbolic_music.corpora.windows.policies import Crops
from symbolic_music.errors import OptionError
from tests.corpora.example_stores import mixed_store

pytestmark = [
    # More workers than cores, and a fork after threads were started, are what is tested.
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


class Made:
    """What Shuffled needs to know of a dataset."""

    def __init__(self, windows: list[int]) -> None:
        self.unit_windows = np.array(windows, np.int64)
        self.unit_bytes = 10 * self.unit_windows


units = st.lists(st.integers(1, 5), max_size=8)


@given(units, st.integers(0, 9), st.integers(1, 4), st.one_of(st.none(), st.integers(1, 100)), st.data())
def test_ranks_share_one_order(windows: list[int], epoch: int, world: int, pool: int | None, data: Any) -> None:
    total = sum(windows)
    one = Shuffled(Made(windows), 5, pool=pool)
    one.set_epoch(epoch)
    order = list(one)
    assert sorted(order) == [(epoch, i) for i in range(total)]
    done = data.draw(st.integers(0, total))
    ranks = [Shuffled(Made(windows), 5, rank, world, pool) for rank in range(world)]
    for rank in ranks:
        rank.set_epoch(epoch, done)
    given = [list(rank) for rank in ranks]
    assert [len(own) for own in given] == [len(rank) for rank in ranks] == [(total - done) // world] * world
    united = list(chain(*zip(*given, strict=True)))
    assert united == order[done : done + len(united)]
    assert total - done - len(united) < world


def test_each_epoch_and_seed_has_its_order() -> None:
    made = Made([7, 9, 11])
    orders = set()
    for seed in range(3):
        order = Shuffled(made, seed)
        for epoch in range(3):
            order.set_epoch(epoch)
            orders.add(tuple(number for _, number in order))
    assert len(orders) == 9


def test_windows_are_mixed_within_pools() -> None:
    made = Made([10] * 20)
    order = [number // 10 for _, number in Shuffled(made, pool=400)]
    pools = [order[at : at + 40] for at in range(0, 200, 40)]
    assert all(len(set(pool)) <= 5 for pool in pools)
    assert len({unit for pool in pools for unit in pool}) == 20
    assert order[:40] != sorted(order[:40])
    assert len({number // 10 for _, number in list(Shuffled(made, pool=None))[:40]}) > 10


def test_impossible_orders_are_refused() -> None:
    with pytest.raises(OptionError, match="no rank 2"):
        Shuffled(Made([3]), rank=2, world=2)
    with pytest.raises(OptionError, match="seed"):
        Shuffled(Made([3]), seed=-1)
    with pytest.raises(OptionError, match="has 3 windows"):
        Shuffled(Made([3])).set_epoch(0, 4)
    assert list(Shuffled(Made([]))) == []


# -- batches ----------------------------------------------------------------------------------------------------


def test_a_batch_is_padded_at_the_end() -> None:
    batch = Collate((9,))([torch.tensor([1, 2, 3]), torch.tensor([4])])
    assert batch.ids.tolist() == [[1, 2, 3], [4, 9, 9]]
    assert batch.mask.tolist() == [[True, True, True], [True, False, False]]
    assert batch.ids.dtype == torch.int64
    fixed = Collate((0,), 4)([torch.tensor([1, 2, 3])])
    assert fixed.ids.tolist() == [[1, 2, 3, 0]]
    words = Collate((7, 8))([torch.tensor([[1, 2]]), torch.tensor([[3, 4], [5, 6]])])
    assert words.ids.tolist() == [[[1, 2], [7, 8]], [[3, 4], [5, 6]]]
    assert words.mask.tolist() == [[True, False], [True, True]]
    with pytest.raises(OptionError, match="3 ids"):
        Collate((0,), 2)([torch.tensor([1, 2, 3])])


def test_padding_is_pad_where_there_is_one() -> None:
    assert tokenizers.get("performance").padding == (0,)
    for name, preset_name in (("remi", "default"), ("compound", "miditok"), ("performance", "score2perf")):
        tokenizer = tokenizers.get(name, preset=preset_name)
        names = [tokenizer.vocabulary.name(i, field) for field, i in enumerate(tokenizer.padding)]
        assert set(names) == {"PAD_None"}
    assert tokenizers.get("compound", preset="original").padding == (0,) * 7
    assert tokenizers.get("anticipation").padding == (0,)


# -- loaders ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Windows:
    store = mixed_store(tmp_path_factory.mktemp("mixed"))
    return Windows(store, tokenizers.get("performance"), Crops(64), preset("music-transformer"), seed=1)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Windows:
    store = mixed_store(tmp_path_factory.mktemp("mixed"))
    return Windows(store, tokenizers.get("anticipation"), Packed(10, context=256), seed=1)


def loader(dataset: Windows, order: Shuffled, workers: int, method: str | None = None, **options: Any) -> DataLoader:
    how = {"multiprocessing_context": method} if method else {}
    return DataLoader(
        dataset, 4, sampler=order, num_workers=workers, collate_fn=dataset.collate, drop_last=False, **how, **options
    )


def contents(batches: Iterable[Batch]) -> list[list[int]]:
    """The windows of batches without their padding."""
    return [ids[mask].tolist() for batch in batches for ids, mask in zip(batch.ids, batch.mask, strict=True)]


# A spawned worker takes seconds to start: one is enough.
@pytest.mark.parametrize(
    ("kind", "method", "numbers"), [("crops", "fork", (1, 4)), ("packed", "fork", (1, 4)), ("crops", "spawn", (1,))]
)
def test_workers_change_nothing(
    kind: str, method: str, numbers: tuple[int, ...], request: pytest.FixtureRequest
) -> None:
    if method not in torch.multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {method}")
    dataset = request.getfixturevalue(kind)
    order = Shuffled(dataset, 2, pool=20_000)
    order.set_epoch(3)
    alone = contents(loader(dataset, order, 0))
    assert len(alone) == len(dataset)
    for workers in numbers:
        assert contents(loader(dataset, order, workers, method)) == alone


@pytest.mark.parametrize("kind", ["crops", "packed"])
def test_two_ranks_have_what_one_has(kind: str, request: pytest.FixtureRequest) -> None:
    dataset = request.getfixturevalue(kind)
    alone = contents(loader(dataset, Shuffled(dataset, 2), 0))
    ranks = [contents(loader(dataset, Shuffled(dataset, 2, rank, 2), 0)) for rank in range(2)]
    assert list(chain(*zip(*ranks, strict=True))) == alone[: len(alone) // 2 * 2]


@pytest.mark.parametrize("kind", ["crops", "packed"])
def test_a_resumed_epoch_goes_on_where_it_was(kind: str, request: pytest.FixtureRequest) -> None:
    dataset = request.getfixturevalue(kind)
    order = Shuffled(dataset, 2)
    order.set_epoch(1)
    whole = contents(loader(dataset, order, 0))
    order.set_epoch(1, 12)
    assert contents(loader(dataset, order, 0)) == whole[12:]
    # On two ranks, after one.
    ranks = [Shuffled(dataset, 2, rank, 2) for rank in range(2)]
    for rank in ranks:
        rank.set_epoch(1, 12)
    given = [contents(loader(dataset, rank, 0)) for rank in ranks]
    rest = whole[12:]
    assert list(chain(*zip(*given, strict=True))) == rest[: len(rest) // 2 * 2]


def test_workers_that_live_on_get_the_new_epoch(crops: Windows) -> None:
    if "fork" not in torch.multiprocessing.get_all_start_methods():
        pytest.skip("this system has no fork")
    order = Shuffled(crops, 2)
    lasting = loader(crops, order, 1, "fork", persistent_workers=True)
    for epoch in range(2):
        order.set_epoch(epoch)
        alone = contents(loader(crops, order, 0))
        assert contents(lasting) == alone
