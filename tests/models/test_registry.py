from __future__ import annotations

import dataclasses
import json

import pytest
import torch

from symbolic_music.errors import ModelError, UnknownNameError
from symbolic_music.models import registry

ALL = registry.names()
# What makes a shape small enough to build here.
SMALL = {
    "width": 64,
    "layers": 1,
    "heads": 2,
    "key_heads": 1,
    "hidden": 16,
    "window": 16,
    "context": 16,
    "vocabulary": 40,
    "embedding": 8,
    "distances": 8,
}


def small(name: str) -> dict[str, object]:
    known = {field.name for field in dataclasses.fields(registry.get(name).config)}
    return {key: value for key, value in SMALL.items() if key in known}


@pytest.mark.parametrize("name", ALL)
def test_a_config_through_json_builds_the_same_model(name: str) -> None:
    architecture = registry.get(name)
    torch.manual_seed(0)
    model = architecture.build(small(name))
    assert type(model) is architecture.model
    assert registry.name_of(model) == name
    torch.manual_seed(0)
    again = architecture.build(json.loads(json.dumps(dataclasses.asdict(model.config))))
    assert again.config == model.config
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


@pytest.mark.parametrize("name", ALL)
def test_presets(name: str) -> None:
    architecture = registry.get(name)
    for preset, config in architecture.presets.items():
        assert type(config) is architecture.config
        with torch.device("meta"):
            changed = architecture.build({"layers": 2}, preset)
        assert changed.config == dataclasses.replace(config, layers=2)


def test_the_papers_rows_are_presets() -> None:
    assert set(registry.get("music-transformer").presets) == {
        "piano",
        "chorales",
        "chorales-labelled",
        "chorales-relational",
    }
    assert set(registry.get("lstm").presets) == {"performance-rnn", "piano"}


def test_unknown_names() -> None:
    with pytest.raises(UnknownNameError, match="no model architecture 'gru': choose from anticipatory, compound"):
        registry.get("gru")
    with pytest.raises(UnknownNameError, match="lstm has no preset 'big'; it has performance-rnn, piano"):
        registry.get("lstm").build(preset="big")
    with pytest.raises(ModelError, match="lstm has no setting 'heads'; it has vocabulary, embedding"):
        registry.get("lstm").build({"heads": 2})
    with pytest.raises(UnknownNameError, match="Linear is not one of our architectures"):
        registry.name_of(torch.nn.Linear(1, 1))
