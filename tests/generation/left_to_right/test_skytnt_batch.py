"""Several pieces of rows at the same time, against one at a time; tiny random networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from symbolic_music.generation import Region, edit
from symbolic_music.generation.continuation import continuation
from symbolic_music.generation.decoding.skytnt_sampler import PUBLISHED_ROW_SAMPLING, Permitted, RowSampler
from symbolic_music.generation.inference.ragged_families import RaggedWindows
from symbolic_music.generation.inference.ragged_layers import RowStack
from symbolic_music.generation.left_to_right import skytnt_continuation, skytnt_infill
from symbolic_music.generation.left_to_right.skytnt_batch import RowLines
from tests.corpora.example_stores import band
from tests.generation.left_to_right.test_skytnt_infill import rows

FREE = Permitted(frozenset({"note", "patch_change", "control_change"}))


def generators(count: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in range(count)]


def some_rows(count: int, seed: int = 0) -> list[list[int]]:
    return rows().tokenizer.encode(band(seed, 200))[:count].tolist()


@pytest.mark.parametrize("context", [256, 64])
@pytest.mark.parametrize("given", [0, 40, 150])
def test_each_piece_is_what_it_would_be_alone(context: int, given: int) -> None:
    """Also past the window, and where pieces stop while others go on."""
    model, ends = rows(context=context), [60, 20, 90]
    alone = []
    for generator, end in zip(generators(3), ends, strict=True):
        sampler = RowSampler(model, PUBLISHED_ROW_SAMPLING, generator)
        for row in some_rows(given):
            sampler.feed(row)
        alone.append([])
        for _ in range(end):
            drawn = sampler.draw(FREE)
            sampler.feed(drawn[0])
            alone[-1].append(drawn)
    lines = RowLines(model, PUBLISHED_ROW_SAMPLING, generators(3))
    for line in lines.lines:
        for row in some_rows(given):
            line.feed(row)
    together: list[list[Any]] = [[], [], []]
    for turn in range(max(ends)):
        for number, drawn in lines.draw({n: FREE for n, end in enumerate(ends) if turn < end}).items():
            lines.lines[number].feed(drawn.row)
            together[number].append(drawn)
    for one, same in zip(alone, together, strict=True):
        assert [row for row, *_ in one] == [drawn.row for drawn in same]
        assert [step for _, step, _ in one] == [drawn.step for drawn in same]
        assert [total for *_, total in one] == pytest.approx([drawn.log_probability for drawn in same], abs=1e-3)


@pytest.mark.parametrize("context", [48, 256])
def test_states_are_those_of_the_network_alone(context: int) -> None:
    """Of rows given in pieces of any lengths; what is alike at the start is read once."""
    network = rows(context=context).network
    whole = [some_rows(40) + some_rows(60, seed)[40:] for seed in (1, 2)]
    reader = RaggedWindows(RowStack(network), 2)
    found = [reader.read([0, 1], [own[:42] for own in whole])]
    found += [reader.read([1], [whole[1][42:43]]), reader.read([0, 1], [whole[0][42:60], whole[1][43:]])]
    pieces = [torch.cat([found[0][0], found[2][0]]), torch.cat([found[0][1], found[1][0], found[2][1]])]
    with torch.no_grad():
        for own, states in zip(whole, pieces, strict=True):
            expected = network.states(torch.tensor([own]))[0]
            assert (states - expected).abs().max() < 1e-4


def test_memory_that_was_never_written_is_not_read() -> None:
    network, whole = rows().network, [some_rows(45), some_rows(50, 1)]
    reader = RaggedWindows(RowStack(network), 2)
    for buffer in (*reader._keys, *reader._values):
        buffer.fill_(float("nan"))
    reader.read([0, 1], [own[:-1] for own in whole])
    with torch.no_grad():
        for own, states in zip(whole, reader.read([0, 1], [own[-1:] for own in whole]), strict=True):
            assert (states - network.states(torch.tensor([own]))[0, -1:]).abs().max() < 1e-4


@pytest.mark.parametrize("verb", ["infill", "continue"])
def test_alternatives_are_the_same_however_many_are_written_together(
    verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = band(1, 100)

    def written() -> list[Any]:
        if verb == "infill":
            return edit(score, [Region(8, 12, "beats")], [1], rows(), seed=3, count=3).finish()
        return continuation(score, 2.0, rows(), seed=3, count=3).finish()

    together = written()
    for module in (skytnt_infill, skytnt_continuation):
        monkeypatch.setattr(module, "AT_ONCE", 2)
    for one, same in zip(together, written(), strict=True):
        assert np.array_equal(one.notes, same.notes)
        assert one.log_likelihood == pytest.approx(same.log_likelihood, abs=1e-3)
