"""The loss of a large vocabulary in chunks is that of all logits, and needs a bounded part of their memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from symbolic_music.evaluation.likelihood import nats_of_tokens, token_nats
from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config
from symbolic_music.models.modules import chunked_loss
from symbolic_music.models.modules.chunked_loss import IGNORED, each_nats, total_nats


class Largest(TorchDispatchMode):
    """The most elements that a tensor has had."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        if isinstance(found, Tensor):
            self.elements = max(self.elements, found.numel())
        return found


def arguments(count: int, size: int, bias: bool) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
    torch.manual_seed(0)
    states, weight = torch.randn(count, 24, requires_grad=True), (0.2 * torch.randn(size, 24)).requires_grad_()
    wanted = torch.randint(size, (count,))
    wanted[::7] = IGNORED
    return states, weight, torch.randn(size, requires_grad=True) if bias else None, wanted


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("count", "size"), [(100, 55_028), (64, 500)])
def test_it_is_the_full_loss(count: int, size: int, bias: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked_loss, "LOGITS", 9 * size)
    states, weight, own, wanted = arguments(count, size, bias)
    learnt = [t for t in (states, weight, own) if t is not None]
    each = functional.cross_entropy(
        functional.linear(states, weight, own), wanted, ignore_index=IGNORED, reduction="none"
    )
    found = total_nats(states, weight, own, wanted)
    assert torch.allclose(found, each.sum(), rtol=1e-6)
    assert torch.allclose(each_nats(states, weight, own, wanted), each, atol=1e-5)
    for one, other in zip(
        torch.autograd.grad(3 * found, learnt), torch.autograd.grad(3 * each.sum(), learnt), strict=True
    ):
        assert torch.allclose(one, other, atol=1e-5)


def test_with_autocast_it_differs_by_the_rounding_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    states, weight, bias, wanted = arguments(100, 2000, True)
    found = []
    for logits in (1 << 25, 9 * 2000):
        monkeypatch.setattr(chunked_loss, "LOGITS", logits)
        with torch.autocast("cpu", torch.bfloat16):
            nats = total_nats(states, weight, bias, wanted)
        found.append([nats, *torch.autograd.grad(nats, [states, weight])])
    for one, other in zip(*found, strict=True):
        assert one.dtype == torch.float32
        assert (one - other).norm() < 0.01 * one.norm()


def test_no_tensor_has_all_logits_in_training_nor_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked_loss, "LOGITS", 1 << 14)
    network = GPT2(GPT2Config(vocabulary=2000, context=64, width=8, layers=1, heads=2))
    ids, mask = torch.randint(2000, (8, 64)), torch.ones(8, 64, dtype=torch.bool)
    with Largest() as training:
        token_nats(network, ids, mask).backward()
    with torch.no_grad(), Largest() as validation:
        nats_of_tokens(network, ids, mask)
    assert max(training.elements, validation.elements) < 1 << 17 < 8 * 63 * 2000
    network.eval()
    with torch.no_grad():
        each = nats_of_tokens(network, ids, mask)
        assert torch.allclose(each.sum(), token_nats(network, ids, mask), rtol=1e-6)
