"""Which events become controls: the published mixture and its distributions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.tokenizers.anticipation.events import (
    choose_controls,
    choose_instruments,
    choose_random,
    choose_spans,
    empty,
)


def events_at(times, instruments=0):
    times = np.asarray(times)
    return np.stack([times, np.full(len(times), 10), 128 * np.broadcast_to(instruments, times.shape)], axis=1).astype(
        np.int32
    )


def slow_spans(times, rng):
    """The published rule, an event at a time: the piece begins where a span ends."""
    chosen, inside, begins, ends = [], True, 0, 0
    for time in times:
        if inside and time >= ends:
            inside, begins = False, time + int(100 * rng.exponential(20))
        if not inside and time >= begins:
            inside, ends = True, time + 500
        chosen.append(inside)
    return chosen


@given(st.lists(st.integers(0, 30_000), max_size=60).map(sorted), st.integers(0, 2**32))
def test_spans_are_the_published_loop(times, seed):
    found = choose_spans(events_at(times), np.random.default_rng(seed))
    assert found.tolist() == slow_spans(times, np.random.default_rng(seed))


def test_spans_last_five_seconds_after_exponential_gaps_of_twenty():
    chosen = choose_spans(events_at(np.arange(5_000_000)), np.random.default_rng(0))
    edges = np.flatnonzero(np.diff(chosen))
    starts, ends = edges[::2] + 1, edges[1::2] + 1
    # Two in one when the gap between is less than a step.
    assert set((ends - starts[: len(ends)]).tolist()) == {500, 1000}
    assert ((ends - starts[: len(ends)]) == 500).mean() > 0.99
    gaps = starts - np.append(0, ends)[: len(starts)]
    assert len(gaps) > 1900
    assert abs(gaps.mean() - 2000) < 4 * 2000 / np.sqrt(len(gaps))
    for steps in (200, 1000, 2000, 5000):  # the distribution function of the exponential
        assert abs((gaps < steps).mean() - (1 - np.exp(-steps / 2000))) < 2 / np.sqrt(len(gaps))


def test_random_events_by_a_rate_drawn_from_a_tenth_to_nine_tenths():
    rng, events = np.random.default_rng(0), events_at(np.arange(4000))
    masks = [choose_random(events, rng) for _ in range(900)]
    rates = np.round(10 * np.array([mask.mean() for mask in masks])).astype(int)
    counts = np.bincount(rates, minlength=10)
    assert counts[0] == 0
    assert len(counts) == 10
    assert ((counts[1:] - 100) ** 2 / 100).sum() < 26  # chi squared with 8 degrees of freedom, p = 0.001
    half = [mask for mask, rate in zip(masks, rates, strict=True) if rate == 5]
    # Events are chosen independently of each other: of two neighbours both in a quarter of the cases.
    both = np.mean([(mask[1:] & mask[:-1]).mean() for mask in half])
    assert abs(both - 0.25) < 0.01


def test_instruments_are_a_strict_subset_of_any_size():
    instruments = np.array([0, 24, 33, 48, 128])
    rng, events = np.random.default_rng(0), events_at(np.arange(50), np.tile(instruments, 10))
    subsets = []
    for _ in range(2000):
        mask = choose_instruments(events, rng).reshape(10, 5)
        assert (mask == mask[0]).all()
        subsets.append(mask[0])
    sizes = np.bincount(np.sum(subsets, axis=1), minlength=6)
    assert sizes[0] == sizes[5] == 0
    assert ((sizes[1:5] - 500) ** 2 / 500).sum() < 16.3  # 3 degrees of freedom, p = 0.001
    # Sizes 1 to 4 alike: each instrument half of the time.
    assert np.abs(np.mean(subsets, axis=0) - 0.5).max() < 4 * 0.5 / np.sqrt(2000)


@pytest.mark.parametrize("k", range(20))
def test_the_kind_of_augmentation_goes_by_k_modulo_ten(k):
    events = events_at(np.arange(0, 40_000, 10), np.arange(4000) % 3)
    found = choose_controls(events, k, np.random.default_rng(k))
    kind = k % 10
    if kind == 0:
        expected = np.zeros(4000, bool)
    elif kind == 1:
        expected = choose_spans(events, np.random.default_rng(k))
    elif kind <= 5:
        expected = choose_random(events, np.random.default_rng(k))
    else:
        expected = choose_instruments(events, np.random.default_rng(k))
    assert np.array_equal(found, expected)
    assert found.any() == (kind != 0)
    assert not found.all()


def test_one_instrument_is_not_split_and_nothing_has_no_controls():
    alone = events_at(np.arange(100))
    assert not any(choose_controls(alone, k, np.random.default_rng(0)).any() for k in range(6, 10))
    assert all(len(choose_controls(empty(), k, np.random.default_rng(0))) == 0 for k in range(10))
