"""What holds for every architecture of the registry, with every feature that a preset of it has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from symbolic_music.models import AnticipatoryTransformer, registry
from symbolic_music.models.protocol import TokenModel
from symbolic_music.tokenizers import anticipation_vocabulary as v
from symbolic_music.tokenizers.anticipation_events import arrange, choose_controls, to_ids
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
    assert {architecture for architecture, _ in SHAPES.values()} == set(registry.names())


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
