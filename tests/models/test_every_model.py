"""What holds for every architecture of the registry, with every feature that a preset of it has."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from symbolic_music.models import AnticipatoryTransformer, registry
from symbolic_music.models.protocol import TokenModel
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.events import arrange, choose_controls, to_ids
from tests.models import token_models as ask

SMALL = {"width": 16, "layers": 2, "heads": 2, "hidden": 24, "dropout": 0.0}
# Name -> architecture, what is added to the small shape; windows so short that 31 ids go past them three times.
SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "anticipatory": (
        "anticipatory",
        SMALL | {"window": 5, "distances": 3, "time_reach": 3, "instruments": [40, 41, 128]},
    ),
    "compound": (
        "compound-transformer",
        SMALL | {"window": 8, "sizes": (7, 3, 11), "widths": (6, 4, 10), "leading": 1},
    ),
    "frame": ("frame-transformer", SMALL | {"window": 3, "distances": 2, "voice_hidden": 24, "held": 2}),
    "gpt2": ("gpt2", SMALL | {"context": 8, "vocabulary": 19, "attention_dropout": 0.0}),
    "gpt2-unscaled": (
        "gpt2",
        SMALL | {"context": 9, "vocabulary": 19, "attention_dropout": 0.0, "scale_by_layer": False},
    ),
    "lstm": ("lstm", {"width": 16, "layers": 2, "embedding": 12, "vocabulary": 19}),
    "music": ("music-transformer", SMALL | {"window": 6, "distances": 4, "vocabulary": 19}),
    "music-labelled": (
        "music-transformer",
        SMALL | {"window": 6, "distances": 4, "vocabulary": 19, "positions": "concatenated", "parts": 4},
    ),
    "music-relational": (
        "music-transformer",
        SMALL | {"window": 6, "distances": 9, "vocabulary": 19, "parts": 4, "time_reach": 2, "pitch_reach": 3},
    ),
    "sinusoid": ("sinusoid-transformer", SMALL | {"window": 8, "vocabulary": 19}),
    "sinusoid-labelled": (
        "sinusoid-transformer",
        SMALL | {"window": 8, "vocabulary": 19, "positions": "concatenated", "parts": 4},
    ),
    "x": ("x-transformer", SMALL | {"width": 64, "window": 8, "vocabulary": 19}),
}
every = pytest.mark.parametrize("name", SHAPES)


@pytest.fixture(autouse=True)
def _peer(request: pytest.FixtureRequest) -> None:
    if "x" in request.node.name.replace("]", "[").split("["):
        pytest.importorskip("einx")


def built(name: str, **changes: Any) -> Any:
    architecture, shape = SHAPES[name]
    return ask.lively(registry.get(architecture).build(shape | changes), 0.2)


def ids_for(model: nn.Module, batch: int = 2, length: int = 31) -> Tensor:
    """Ids (B, L) that the model knows, or words (B, L, F)."""
    sizes = getattr(model.config, "sizes", None)
    if sizes is not None:
        return torch.stack([ask.some_ids(batch, length, size, seed) for seed, size in enumerate(sizes)], dim=-1)
    if isinstance(model, AnticipatoryTransformer):
        return torch.stack([anticipated(seed, length) for seed in range(batch)])
    return ask.some_ids(batch, length, model.config.vocabulary)


def anticipated(seed: int, length: int) -> Tensor:
    """Ids of some events with controls ahead of them, all of instruments 40, 41 and 128."""
    rng, count = np.random.default_rng(seed), length // 3 + 1
    notes = 128 * rng.choice([40, 41, 128], count) + rng.integers(30, 90, count)
    events = np.stack([np.sort(rng.integers(0, 40 * count, count)), rng.integers(0, 900, count), notes], axis=1)
    arranged = arrange(events.astype(np.int32), choose_controls(events.astype(np.int32), 3, rng))
    return torch.tensor(np.concatenate([[v.ANTICIPATE], to_ids(*arranged)])[:length]).long()


def test_every_architecture_is_here() -> None:
    # A region model reads rows, and public ones are held to their originals: they have tests of their own.
    others = {"region-transformer", "aria", "midi-llm", "skytnt"}
    assert {architecture for architecture, _ in SHAPES.values()} | others == set(registry.names())


@every
def test_it_is_a_token_model(name: str) -> None:
    assert isinstance(built(name), TokenModel)


@every
@pytest.mark.parametrize("pieces", [[1] * 31, [31], [5, 1, 1, 20, 4]], ids=["one by one", "at once", "pieces"])
def test_steps_are_forward_over_a_slide_past_the_window(name: str, pieces: list[int]) -> None:
    model = built(name)
    ask.check_steps(model, ids_for(model), pieces)


@every
def test_steps_are_forward_where_the_cache_moves_more_than_once(name: str) -> None:
    model = built(name)
    ask.check_steps(model, ids_for(model, 1, 700), [300, 399, 1])


@every
def test_a_batch_of_one_equals_a_slice_of_a_batch(name: str) -> None:
    model = built(name)
    ask.check_slices(model, ids_for(model, 3))


@every
def test_gradients_in_float64(name: str) -> None:
    """Of all weights at once, along random directions, beyond the window."""
    shape = {"width": 4, "hidden": 4, "layers": 1} if name not in ("x", "music-labelled", "sinusoid-labelled") else {}
    known = [field.name for field in dataclasses.fields(registry.get(SHAPES[name][0]).config)]
    model = built(name, **{key: value for key, value in shape.items() if key in known}).double()
    ids = ids_for(model, 1, 13)
    names = [key for key, _ in model.named_parameters()]
    values = tuple(p.detach().requires_grad_() for p in model.parameters())

    def run(*parameters: Tensor) -> Tensor:
        found = torch.func.functional_call(model, dict(zip(names, parameters, strict=True)), (ids,))
        several = torch.cat([field.flatten() for field in ask.fields(found)])
        return several[torch.isfinite(several)]

    assert torch.autograd.gradcheck(run, values, fast_mode=True)


@every
@torch.no_grad()
def test_one_id_and_no_sequence(name: str) -> None:
    model = built(name)
    ids = ids_for(model, 2, 3)
    first = model(ids[:, :1])
    assert ask.close(model.step(ids[:, :1], model.new_cache(2)), ask.at(first, 0))
    nothing, held = ids[:0], model.new_cache(0)
    assert [x.shape for x in ask.fields(model(nothing))] == [(0, 3, *x.shape[2:]) for x in ask.fields(first)]
    for step in range(3):
        found = ask.fields(model.step(nothing[:, step : step + 1], held))
        assert [x.shape for x in found] == [(0, x.shape[-1]) for x in ask.fields(first)]


@every
@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(name: str, dtype: torch.dtype) -> None:
    """Logits and caches in the weights' type, near those of single precision; the slide too."""
    single = ask.lively(registry.get(SHAPES[name][0]).build(SHAPES[name][1]), 0.1)
    ids = ids_for(single, 2, 19)
    exact, model = single(ids), copy.deepcopy(single).to(dtype)
    held = model.new_cache(2)
    for position in range(19):
        step = ask.fields(model.step(ids[:, position : position + 1], held))
        assert all(x.dtype == dtype for x in step)
    found = model(ids)
    assert all(x.dtype == dtype for x in ask.fields(found))
    assert ask.close(tuple(x.float() for x in ask.fields(found)), exact, 0.25)


@every
@torch.no_grad()
def test_autocast(name: str) -> None:
    model = ask.lively(registry.get(SHAPES[name][0]).build(SHAPES[name][1]), 0.1)
    ids = ids_for(model, 2, 19)
    exact = model(ids)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        held = model.new_cache(2)
        for position in range(19):
            model.step(ids[:, position : position + 1], held)
        found = model(ids)
    assert ask.close(tuple(x.float() for x in ask.fields(found)), exact, 0.25)


@every
@torch.no_grad()
def test_copies_pickles_and_states_are_the_model(name: str) -> None:
    model = built(name)
    ids = ids_for(model)
    other = registry.get(SHAPES[name][0]).build(SHAPES[name][1]).eval()
    assert other.load_state_dict(copy.deepcopy(model.state_dict())) == torch.nn.modules.module._IncompatibleKeys([], [])
    copies = [other, copy.deepcopy(model)]
    if name != "x":  # parts of that package cannot be pickled
        copies.append(pickle.loads(pickle.dumps(model)))
    for again in copies:
        assert ask.close(again(ids), model(ids), 0.0)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        other.load_state_dict(model.state_dict() | {"more": torch.zeros(1)})


@every
@torch.no_grad()
def test_weights_that_are_not_numbers_show(name: str) -> None:
    """Nothing hides them: what reads a broken weight is not finite."""
    model = built(name)
    ends = ("norm.weight", "norm.gamma", "weight_hh_l0")
    parameter = next(p for key, p in model.named_parameters() if key.endswith(ends))
    parameter.fill_(float("nan"))
    assert all(torch.isnan(x).any() for x in ask.fields(model(ids_for(model))))


@every
@torch.no_grad()
def test_a_model_can_be_moved(name: str) -> None:
    """To a device that holds no numbers: nothing in it stays behind on the CPU."""
    model = built(name)
    ids = ids_for(model)
    shapes = [x.shape for x in ask.fields(model(ids))]
    moved = model.to("meta")
    if name not in ("anticipatory", "x"):  # which look at what they read, or ask the device for its autocast
        assert [x.shape for x in ask.fields(moved(ids.to("meta")))] == shapes
        held = moved.new_cache(2)
        for position in range(12):
            step = moved.step(ids[:, position : position + 1].to("meta"), held)
        assert all(x.device.type == "meta" for x in ask.fields(step))


@every
def test_training_is_the_same_with_the_same_seed(name: str) -> None:
    """Dropout too, and its masks in the backward pass."""
    found = []
    for _ in range(2):
        torch.manual_seed(3)
        model = built(name, dropout=0.3).train()
        logits = torch.cat([x[torch.isfinite(x)] for x in ask.fields(model(ids_for(model)))])
        logits.square().mean().backward()
        found.append([logits.detach(), *(p.grad for p in model.parameters() if p.grad is not None)])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


@every
def test_steps_keep_no_gradients(name: str) -> None:
    model = built(name)
    held = model.new_cache(2)
    for position in range(7):
        step = model.step(ids_for(model)[:, position : position + 1], held)
        assert not any(x.requires_grad for x in ask.fields(step))
