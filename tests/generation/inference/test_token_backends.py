"""Several pieces of ids read at the same time, against each network alone; tiny and random."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from symbolic_music.generation.inference import token_backends
from symbolic_music.generation.inference.quantised_models import lighten
from symbolic_music.generation.inference.weight_formats import packed_where_possible
from symbolic_music.models.architectures.midi_llm import MidiLlm, TextConditioned
from symbolic_music.models.architectures.skytnt import SkyTnt
from tests.generation.inference.test_quantised_models import networks

NETWORKS = [one for one in networks() if not isinstance(one, SkyTnt)]
NETWORKS += [TextConditioned(one, torch.arange(1, 8)[None]) for one in NETWORKS if isinstance(one, MidiLlm)]


def some_ids(count: int, seed: int) -> list[int]:
    return torch.randint(3, 90, (count,), generator=torch.Generator().manual_seed(seed)).tolist()


def logits_of(network: Any, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return torch.as_tensor(network(torch.tensor([ids]))[0])


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("alike", [0, 12, 60])
def test_each_piece_is_read_as_alone(network: nn.Module, alike: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the window of 32 ids too, and in pieces of any lengths; what all begin with is shared or not."""
    monkeypatch.setattr("symbolic_music.generation.inference.ragged_families.LEAST_SHARED", 8)
    whole = [some_ids(alike, 0) + some_ids(70, seed) for seed in (1, 2, 3)]
    expected = [logits_of(network, own) for own in whole]
    reader = token_backends.id_reader(network, 3)
    begin = alike + 1
    cuts = [(begin, begin, begin), (begin, begin + 1, begin + 5), (begin + 1, begin + 2, begin + 6)]
    cuts += [(begin + 30, begin + 40, begin + 6), (begin + 31, begin + 41, begin + 7), (alike + 70,) * 3]
    before = (0, 0, 0)
    for cut in cuts:
        turn = [n for n in range(3) if cut[n] > before[n]]
        found = torch.stack(reader.read(turn, [whole[n][before[n] : cut[n]] for n in turn]))
        assert torch.allclose(
            reader.logits(found, 0, 90), torch.stack([expected[n][cut[n] - 1] for n in turn]), atol=1e-3
        )
        part = reader.logits(found, 20, 31)
        assert torch.allclose(part, reader.logits(found, 0, 90)[:, 20:31], atol=1e-4)
        before = cut


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: type(one).__name__)
def test_a_piece_is_read_again_from_where_it_differs(network: nn.Module) -> None:
    reader = token_backends.id_reader(network, 2)
    first, second = some_ids(10, 1), some_ids(10, 1)[:6] + some_ids(8, 2)
    reader.read([0, 1], [first, first])
    states = reader.reread(1, second, 5)
    assert torch.allclose(reader.logits(states, 0, 90), logits_of(network, second)[-5:], atol=1e-3)
    reader.restart([0])
    (state,) = reader.read([0], [second])
    assert torch.allclose(reader.logits(state[None], 0, 90), logits_of(network, second)[-1:], atol=1e-3)


def test_memory_that_was_never_written_is_not_read() -> None:
    network = NETWORKS[0]
    reader = token_backends.id_reader(network, 2)
    assert isinstance(reader, token_backends.StackReader)
    for buffer in (*reader.windows._keys, *reader.windows._values):
        buffer.fill_(float("nan"))
    reader.read([0, 1], [some_ids(10, 1), some_ids(12, 2)])
    for state in reader.read([0, 1], [[5], [6]]):
        assert torch.isfinite(state).all()


def test_packed_weights_in_place_give_the_same_logits() -> None:
    for network in [*networks()]:
        ids = torch.randint(3, 90, (1, 9, 8) if isinstance(network, SkyTnt) else (1, 9))
        cache = network.new_cache(1)
        expected = network.step(ids, cache)
        lighten(network, packed_where_possible)
        found = network.step(ids, network.new_cache(1))
        if isinstance(network, SkyTnt):
            expected, found = expected[0], found[0]
        assert torch.allclose(expected, found, atol=1e-4)
        assert {name for name, m in network.named_modules() if isinstance(m, nn.Linear)} <= {"head"}


def test_as_many_are_written_at_once_as_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    network = NETWORKS[0]  # 2 layers of keys and values of 32 positions and 32 numbers: 16 kB
    for free, expected in ((1 << 30, 5), (5 * 32 * 1024, 5), (3 * 32 * 1024, 3), (1, 1)):
        monkeypatch.setattr(token_backends, "free_memory", lambda free=free: free)
        assert token_backends.at_once(network, 5) == expected
    monkeypatch.setattr(token_backends, "free_memory", lambda: None)
    assert token_backends.at_once(network) == 8
