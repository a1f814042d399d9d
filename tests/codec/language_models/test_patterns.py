"""Patterns: literal layouts, published lengths, exact inverses, and no look ahead."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.codec.language_models import patterns
from symbolic_music.errors import OptionError, UnknownNameError

NAMES = sorted(patterns.PATTERNS)
CODES = torch.tensor([[11, 12, 13], [21, 22, 23]])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("delay", [[11, 12, 13, 0], [0, 21, 22, 23]]),
        ("parallel", [[11, 12, 13], [21, 22, 23]]),
        ("flatten", [[11, 0, 12, 0, 13, 0], [0, 21, 0, 22, 0, 23]]),
        ("coarse-first", [[11, 12, 13, 0, 0, 0], [0, 0, 0, 21, 22, 23]]),
    ],
)
def test_layouts(name: str, wanted: list[list[int]]) -> None:
    pattern = patterns.get(name, 2, 3)
    assert pattern.build(CODES, 0).tolist() == wanted
    assert pattern.mask().tolist() == (np.array(wanted) > 0).tolist()


@given(st.sampled_from(NAMES), st.integers(1, 9), st.integers(1, 40), st.integers(0, 3))
def test_revert_undoes_build(name: str, codebooks: int, frames: int, batch: int) -> None:
    pattern = patterns.get(name, codebooks, frames)
    codes = torch.randint(0, 5, (batch, codebooks, frames))
    laid = pattern.build(codes, 5)
    assert laid.shape == (batch, codebooks, pattern.length)
    assert torch.equal(pattern.revert(laid), codes)
    assert torch.equal(laid == 5, ~pattern.mask().expand_as(laid))


@given(st.integers(1, 9), st.integers(1, 40))
def test_lengths_are_the_published(codebooks: int, frames: int) -> None:
    found = {name: patterns.get(name, codebooks, frames).length for name in NAMES}
    assert found["delay"] == frames + codebooks - 1
    assert found["parallel"] == frames
    assert found["flatten"] == frames * codebooks
    assert found["coarse-first"] == frames * min(codebooks, 2)


@given(st.sampled_from(NAMES), st.integers(1, 9), st.integers(2, 40))
def test_no_position_comes_before_what_it_builds_on(name: str, codebooks: int, frames: int) -> None:
    places = patterns.get(name, codebooks, frames).places
    # Each code comes after all earlier frames of its own codebook and of coarser ones.
    for k in range(codebooks):
        for coarser in range(k + 1):
            assert (places[k, 1:] > places[coarser, :-1]).all()
        if name != "parallel" and k and not (name == "coarse-first" and k > 1):
            assert (places[k] > places[k - 1]).all()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="delay"):
        patterns.get("spiral", 2, 3)
    with pytest.raises(OptionError, match="at least one"):
        patterns.delay(0, 3)
    with pytest.raises(OptionError, match="ascending"):
        patterns.Pattern(np.array([[0, 0]]))
    with pytest.raises(OptionError, match="not \\(3, 3\\)"):
        patterns.delay(2, 3).build(torch.zeros(3, 3, dtype=torch.long), 0)
    with pytest.raises(OptionError, match="2 x 4"):
        patterns.delay(2, 3).revert(torch.zeros(2, 3, dtype=torch.long))
