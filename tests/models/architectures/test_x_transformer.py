from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
import torch

from symbolic_music.errors import MissingExtraError, ModelError
from symbolic_music.models.architectures.x_transformer import PRESETS, XTransformer, XTransformerConfig
from tests.models import token_models as ask

pytest.importorskip("einx")
TINY = XTransformerConfig(vocabulary=19, width=64, layers=2, heads=2, hidden=48, window=8, dropout=0.0)


def model_of(config: XTransformerConfig = TINY) -> XTransformer:
    return ask.lively(XTransformer(config), 0.2)


@torch.no_grad()
def test_forward_is_that_of_the_package() -> None:
    model, ids = model_of(), ask.some_ids(2, 8, 19)
    assert torch.equal(model(ids), model.network(ids))


@pytest.mark.parametrize("pieces", [[1] * 31, [31], [5, 1, 1, 20, 4], [8, 1, 22], [3, 4, 24]])
def test_steps_are_forward_past_the_window(pieces: list[int]) -> None:
    ask.check_steps(model_of(), ask.some_ids(2, 31, 19), pieces)


@torch.no_grad()
def test_past_the_window_is_the_definition() -> None:
    """Each position by itself, from the smallest multiple of 4 that is among the last 8."""
    model, ids = model_of(), ask.some_ids(2, 30, 19)
    whole = model(ids)
    for position in range(30):
        start = next(s for s in range(0, 30, 4) if s > position - 8)
        assert torch.allclose(whole[:, position], model.network(ids[:, start : position + 1])[:, -1], atol=1e-4)


def test_nothing_is_seen_ahead() -> None:
    ids = ask.some_ids(1, 11, 19)
    ask.check_causal(model_of(), ids, (ids + 3) % 19)


def test_gradients_reach_all_weights() -> None:
    torch.manual_seed(0)
    model = XTransformer(TINY)
    ask.check_gradients(model, ask.next_loss(model, ask.some_ids(3, 9, 19)))


def test_it_learns_bach() -> None:
    ids = ask.bach("performance")[:, :96]
    torch.manual_seed(0)
    model = XTransformer(XTransformerConfig(width=64, layers=2, heads=2, hidden=64, window=96))
    ask.check_learns(model, lambda m: ask.next_loss(m, ids))


def test_dropout() -> None:
    ask.check_dropout(model_of(dataclasses.replace(TINY, dropout=0.3)), ask.some_ids(2, 8, 19))


def test_seeds() -> None:
    ask.check_seeds(lambda: XTransformer(TINY))


@pytest.mark.parametrize(("width", "hidden"), [(64, 49), (64, 1000), (70, 47), (70, 223)])
def test_the_shape_is_what_was_asked_for(width: int, hidden: int) -> None:
    model = XTransformer(dataclasses.replace(TINY, width=width, hidden=hidden))
    linears = {tuple(m.weight.shape) for m in model.modules() if isinstance(m, torch.nn.Linear)}
    assert linears == {(width, width), (hidden, width), (width, hidden), (19, width)}


@torch.no_grad()
def test_positions_are_rotary() -> None:
    """Order counts, though no weight belongs to a position."""
    model, ids = model_of(), torch.tensor([[1, 2, 3], [2, 1, 3]])
    first, second = model(ids)[:, -1]
    assert not torch.allclose(first, second, atol=1e-2)
    assert all(8 not in parameter.shape for parameter in model.parameters())


def test_the_preset_is_the_music_transformers_shape() -> None:
    shape = PRESETS["piano"]
    assert (shape.layers, shape.width, shape.heads, shape.hidden, shape.window) == (6, 512, 8, 1024, 2048)


def test_impossible_shapes_are_refused() -> None:
    with pytest.raises(ModelError, match="not a multiple of 3 heads"):
        XTransformerConfig(heads=3)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "x_transformers", None)
    message = r"x-transformers is not installed.*symbolic-music-torch\[x-transformers\]"
    with pytest.raises(MissingExtraError, match=message):
        XTransformer(TINY)


def test_the_module_imports_without_the_package() -> None:
    code = "import sys, symbolic_music.models.architectures.x_transformer; sys.exit('x_transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
