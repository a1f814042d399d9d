from __future__ import annotations

import pytest
import torch

from symbolic_music.errors import ModelError
from symbolic_music.generation.ragged import RaggedGPT2
from symbolic_music.models.gpt2 import GPT2, GPT2Config

TINY = GPT2Config(vocabulary=50, context=24, width=24, layers=3, heads=2, dropout=0.0, attention_dropout=0.0)


@pytest.fixture(scope="module")
def network() -> GPT2:
    """Random, with attention far from uniform."""
    torch.manual_seed(0)
    network = GPT2(TINY).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return network


def states(network: GPT2, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return network.states(torch.tensor([ids]))[0, -1]


def test_sequences_of_any_lengths_are_read_as_each_by_itself(network: GPT2) -> None:
    reader = RaggedGPT2(network, 3)
    held: list[list[int]] = [[], [], []]
    rounds = [
        {0: [1, 2, 3, 4], 1: [5], 2: [9] * 7},
        {0: [7], 1: [8, 9], 2: [3]},
        {0: [1], 1: [2], 2: [3]},
        {1: [4, 4, 4, 4]},
        {0: [1], 1: [2], 2: [3]},
        {0: [6], 2: [2]},
    ]
    for one in rounds:
        found = reader.read(list(one), list(one.values()))
        for i, (sequence, ids) in enumerate(one.items()):
            held[sequence] += ids
            assert torch.allclose(found[i], states(network, held[sequence]), atol=1e-5)
    assert reader.lengths == [len(one) for one in held]


def test_sequences_side_by_side_of_like_lengths(network: GPT2) -> None:
    """What is mixed together, with a mask where lengths differ and without."""
    for lengths in ((12, 12, 12), (12, 10, 11)):
        reader = RaggedGPT2(network, 3)
        held = [[(7 * s + i) % 50 for i in range(n)] for s, n in enumerate(lengths)]
        reader.read([0, 1, 2], held)
        found = reader.read([0, 1, 2], [[1], [2], [3]])
        for s in range(3):
            assert torch.allclose(found[s], states(network, [*held[s], s + 1]), atol=1e-5)


def test_a_sequence_read_anew_and_one_copied(network: GPT2) -> None:
    reader = RaggedGPT2(network, 3)
    reader.read([0, 1], [[1, 2, 3], [4, 5, 6, 7]])
    reader.restart(0)
    reader.copy(1, [2])
    found = reader.read([0, 1, 2], [[9, 8], [3], [2]])
    for row, ids in zip(found, ([9, 8], [4, 5, 6, 7, 3], [4, 5, 6, 7, 2]), strict=True):
        assert torch.allclose(row, states(network, ids), atol=1e-5)


def test_too_many_ids(network: GPT2) -> None:
    reader = RaggedGPT2(network, 1)
    reader.read([0], [[1] * 24])
    with pytest.raises(ModelError, match="24 positions; 25 ids are too many"):
        reader.read([0], [[1]])
