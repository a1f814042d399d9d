"""The frame transformer: any order of the voices is a chain rule, and what is hidden is hidden while learning alone."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch

from symbolic_music.models.architectures.frame_transformer import START, FrameTransformer, FrameTransformerConfig

TINY = {"width": 16, "layers": 1, "heads": 2, "hidden": 16, "voice_hidden": 16, "dropout": 0.0}


def frames(batch: int = 2, length: int = 5) -> torch.Tensor:
    return torch.randint(50, 80, (batch, length, 4), generator=torch.Generator().manual_seed(1))


def network(**settings: float) -> FrameTransformer:
    torch.manual_seed(0)
    made = FrameTransformer(FrameTransformerConfig(**{**TINY, **settings})).eval()  # type: ignore[arg-type]
    for parameter in made.parameters():  # some begin at zero, which would hide what they read
        torch.nn.init.normal_(parameter, std=0.3)
    return made


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_a_voice_knows_those_before_it_and_no_others(order: tuple[int, ...]) -> None:
    net, x = network(), frames()
    found = net.frame_logits(x, torch.tensor(order))
    for voice in range(4):
        other = x.clone()
        other[:, 3, voice] += 1
        changed = (net.frame_logits(other, torch.tensor(order)) - found).abs().amax(dim=(0, 3)) > 1e-6
        assert not changed[:3].any()
        assert [v for v in range(4) if changed[3, v]] == sorted(order[order.index(voice) + 1 :])


def test_soprano_to_bass_is_the_order_of_ids() -> None:
    net, x = network(), frames()
    found = net.frame_logits(x)
    assert torch.equal(found, net.frame_logits(x, torch.arange(4)))
    ids = torch.cat([torch.full((2, 1), START), x.flatten(1)], dim=1)
    torch.testing.assert_close(net(ids[:, :-1]), found.flatten(1, 2))


def test_orders_and_forgetting_are_for_training() -> None:
    plain, varied, x = network(), network(orders=0.9, forget=0.5), frames()
    assert torch.equal(plain.frame_logits(x), varied.frame_logits(x))
    plain.train()
    varied.train()
    assert torch.equal(plain.frame_logits(x), plain.frame_logits(x))
    assert not torch.equal(varied.frame_logits(x), varied.frame_logits(x))
