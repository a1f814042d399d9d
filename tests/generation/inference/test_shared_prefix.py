"""What alternatives begin with is read once; what is drawn does not change."""

from __future__ import annotations

import torch
from torch import Tensor

from symbolic_music.generation.inference.shared_prefix import ReadOnce
from tests.generation.left_to_right.test_skytnt_infill import performances


def ids(count: int, seed: int = 0) -> Tensor:
    return torch.randint(3, 90, (1, count), generator=torch.Generator().manual_seed(seed))


def test_another_cache_goes_on_from_what_one_has_read() -> None:
    network = performances().network
    once, own = ReadOnce(network), network.new_cache(1)
    expected = [network.step(ids(60), own), network.step(ids(1, 1), own)]
    for _ in range(2):
        cache = once.new_cache()
        found = [once.step(ids(60), cache), once.step(ids(1, 1), cache)]
        for one, same in zip(expected, found, strict=True):
            assert torch.allclose(one, same, atol=1e-5)
        assert cache.length == 61
    other = torch.cat([ids(40), ids(30, 2)], dim=1)
    cache, same = once.held(other)
    assert same == 40
    states = network.states(other[:, same:], cache)
    assert torch.allclose(states, network.states(other)[:, same:], atol=1e-4)
