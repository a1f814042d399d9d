"""What alternatives begin with is read once; what is drawn does not change."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from symbolic_music.generation import Region
from symbolic_music.generation.inference.read_once import ReadOnce
from symbolic_music.generation.left_to_right import token_continuation
from symbolic_music.generation.left_to_right.aria_infill import AriaInfilling
from symbolic_music.generation.regions import spans_of
from symbolic_music.models.architectures.aria import Aria, AriaConfig
from symbolic_music.models.modules.kv_cache import JumpingCache
from tests.corpora.example_stores import piano
from tests.generation.left_to_right.test_row_infill import performances
from tests.models.token_models import lively


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


@pytest.mark.parametrize("verb", ["infill", "continue"])
def test_a_prompt_is_read_once_for_all_alternatives(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    score = piano(1, 120)
    network = lively(Aria(AriaConfig(context=4096, width=32, layers=1, heads=2, hidden=24)), 0.2)
    model = dataclasses.replace(performances(), network=network)

    def notes() -> list[np.ndarray]:
        if verb == "infill":
            spans = spans_of(score, [Region(5, 6, "seconds")])
            found = AriaInfilling(score, spans, None, model, seed=1, count=3).finish()
        else:
            found = token_continuation.TokenWriting(model, score, 1.0, None, 1, 3).finish()
        return [one.notes for one in found]

    from_the_start: list[int] = []
    states = Aria.states

    def counted(self: Aria, ids: Tensor, cache: JumpingCache | None = None) -> Tensor:
        if cache is None or not cache.layers[0].length:
            from_the_start.append(ids.shape[1])
        return states(self, ids, cache)

    with monkeypatch.context() as patch:
        patch.setattr(Aria, "states", counted)
        together = notes()
    assert len(from_the_start) == 1
    with monkeypatch.context() as patch:
        patch.setattr(ReadOnce, "step", lambda self, ids, cache: self.network.step(ids, cache))
        patch.setattr(token_continuation, "reading_once", lambda network: network)
        alone = notes()
    assert all(np.array_equal(one, same) for one, same in zip(together, alone, strict=True))
