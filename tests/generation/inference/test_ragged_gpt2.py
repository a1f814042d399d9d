from __future__ import annotations

import pytest
import torch

from symbolic_music.errors import ModelError
from symbolic_music.generation.inference.ragged_gpt2 import RaggedGPT2
from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config

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


@pytest.mark.parametrize("ends", [((1,), (2,), (3,)), ((1, 5), (2,), (3, 3, 3))])
def test_what_sequences_begin_with_alike_is_read_once(
    network: GPT2, ends: tuple[tuple[int, ...], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("symbolic_music.generation.inference.ragged_gpt2.LEAST_SHARED", 4)
    reader, read = RaggedGPT2(network, 3), []
    plain = reader._read
    monkeypatch.setattr(reader, "_read", lambda s, ids: read.append(sum(map(len, ids))) or plain(s, ids))
    begun = list(range(10, 20))
    held = [[*begun, *end] for end in ends]
    reader.read([0, 1, 2], held)
    assert sum(read) == 10 + sum(map(len, ends))
    for _ in range(3):
        found = reader.read([0, 1, 2], [[7], [8], [9]])
        for s in range(3):
            held[s].append(7 + s)
            assert torch.allclose(found[s], states(network, held[s]), atol=1e-5)
    # One begins anew: the others go on by themselves; then all begin alike again.
    reader.restart(0)
    held[0] = [1, 2]
    found = reader.read([0, 1, 2], [[1, 2], [8], [9]])
    for s in (1, 2):
        held[s].append(7 + s)
    found = reader.read([0, 1, 2], [[3], [8], [9]])
    for s in range(3):
        held[s].append((3, 8, 9)[s])
        assert torch.allclose(found[s], states(network, held[s]), atol=1e-5)
    for s in range(3):
        reader.restart(s)
        held[s] = [*range(30, 40), s]
    reader.read([0, 1, 2], held)
    found = reader.read([0, 1, 2], [[4]] * 3)
    for s in range(3):
        assert torch.allclose(found[s], states(network, [*held[s], 4]), atol=1e-5)


def test_a_copy_that_goes_on_does_not_change_its_source(network: GPT2, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symbolic_music.generation.inference.ragged_gpt2.LEAST_SHARED", 4)
    reader = RaggedGPT2(network, 4)
    begun = list(range(6))
    reader.read([1], [begun])
    reader.copy(1, [0, 2])
    for ids in ([1, 2, 3], [4, 5, 6]):
        found = reader.read([0, 1, 2], [[i] for i in ids])
    for s in range(3):
        assert torch.allclose(found[s], states(network, [*begun, s + 1, s + 4]), atol=1e-5)
    reader.copy(0, [1])
    found = reader.read([0, 1, 2], [[9]] * 3)
    for s, first in enumerate((1, 1, 3)):
        assert torch.allclose(found[s], states(network, [*begun, first, first + 3, 9]), atol=1e-5)
