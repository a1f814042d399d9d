"""Long pieces in windows: every frame once, each window begun with the end of the one before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.codec.language_models.conditioning import features_of
from symbolic_music.codec.language_models.overlapping_windows import checked_prompt, in_windows
from symbolic_music.errors import ModelError

NONE = torch.zeros(1, 1, 0, dtype=torch.long)


def piece(frames: int, longest: int, prompt: torch.Tensor) -> tuple[list[int], list[tuple[int, int, list[int]]]]:
    """Codes that are the numbers of their frames, and the windows that were asked for."""
    asked = []

    def write(first: int, count: int, known: torch.Tensor) -> Iterator[torch.Tensor]:
        asked.append((first, count, known[0, 0].tolist()))
        yield from torch.arange(first, first + count)[None, None].split(3, dim=-1)

    blocks = list(in_windows(write, frames, longest, prompt))
    assert all(block.shape[-1] for block in blocks)
    return torch.cat(blocks, dim=-1)[0, 0].tolist(), asked


def test_windows_begin_with_two_fifths_of_the_one_before() -> None:
    found, asked = piece(20, 10, NONE)
    assert found == list(range(20))
    assert asked == [(0, 10, []), (6, 10, [6, 7, 8, 9]), (12, 8, [12, 13, 14, 15])]
    assert piece(10, 10, NONE)[1] == [(0, 10, [])]
    found, asked = piece(20, 10, torch.arange(15)[None, None])
    assert found == list(range(20))
    assert asked == [(11, 9, [11, 12, 13, 14])]


@given(st.integers(1, 60), st.integers(1, 20), st.data())
def test_every_frame_comes_once(frames: int, longest: int, data: st.DataObject) -> None:
    given_frames = data.draw(st.integers(0, frames))
    found, asked = piece(frames, longest, torch.arange(given_frames)[None, None])
    assert found == list(range(frames))
    assert all(count <= longest and known == list(range(first, first + len(known))) for first, count, known in asked)


def test_features_beyond_the_ends_are_zeros() -> None:
    ask = features_of(torch.arange(1.0, 4)[None, :, None])
    assert ask(-2, 2)[0, :, 0].tolist() == [0, 0, 1, 2]
    assert ask(1, 5)[0, :, 0].tolist() == [2, 3, 0, 0]
    assert ask(-3, -1)[0, :, 0].tolist() == [0, 0]
    assert ask(4, 6)[0, :, 0].tolist() == [0, 0]


def test_prompts_that_do_not_fit_are_refused() -> None:
    assert checked_prompt(None, 2, 5, 3, 8, torch.device("cpu")).shape == (2, 3, 0)
    for prompt in (torch.zeros(1, 2, 6), torch.zeros(2, 2, 1), torch.full((1, 2, 1), 8)):
        with pytest.raises(ModelError, match="prompt"):
            checked_prompt(prompt.long(), 1, 5, 2, 8, torch.device("cpu"))


def test_a_prompt_that_is_the_whole_is_all_there_is() -> None:
    def write(first: int, count: int, known: torch.Tensor) -> Iterator[torch.Tensor]:
        raise AssertionError("nothing is left to write")

    prompt = torch.arange(20).reshape(1, 1, 20)
    assert torch.equal(torch.cat(list(in_windows(write, 20, 8, prompt, overlap=0)), dim=-1), prompt)
