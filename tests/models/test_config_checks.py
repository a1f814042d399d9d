"""Configs that make no model are refused by name, before memory is taken for them."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from symbolic_music.errors import ModelError
from symbolic_music.models import registry

ALL = registry.names()
FIELDS = [(name, field) for name in ALL for field in dataclasses.fields(registry.get(name).config)]
WRONG = {
    "int": ["3", 2.5, 3.0, True, None, [3], float("nan"), -1, 1 << 31, 1 << 80],
    "float": ["0.1", None, True, [0.1], float("nan"), float("inf"), -0.1, 1.0, 1 << 2000],
    "str": [1, None, ["none"], "unknown"],
    "bool": [1, "true", None],
    "tuple[int, ...]": [7, None, "abc", [], [1.0], [True], [-1], [1 << 31], [[1]], {"1": 2}],
}


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [(name, field.name, value) for name, field in FIELDS for value in WRONG[str(field.type)]],
    ids=lambda x: repr(x)[:20],
)
def test_what_a_field_cannot_hold_is_refused(name: str, field: str, value: Any) -> None:
    with pytest.raises(ModelError) as caught:
        registry.get(name).config(**{field: value})
    assert field in str(caught.value) or field in ("sizes", "widths", "hidden")
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("name", ALL)
def test_zero_where_nothing_can_be_zero(name: str) -> None:
    known = [field.name for field in dataclasses.fields(registry.get(name).config)]
    for field in ("vocabulary", "width", "layers", "heads", "window", "distances", "time_unit", "embedding", "parts"):
        if field in known and getattr(registry.get(name).config(), field) != 0:
            with pytest.raises(ModelError, match=field):
                registry.get(name).config(**{field: 0})


@pytest.mark.parametrize("name", ALL)
def test_configs_are_copied_and_pickled(name: str) -> None:
    for config in (registry.get(name).config(), *registry.get(name).presets.values()):
        assert copy.deepcopy(config) == config
        assert pickle.loads(pickle.dumps(config)) == config
        assert hash(config) == hash(dataclasses.replace(config))


def test_voices_are_few() -> None:
    with pytest.raises(ModelError, match="at most 64 voices, not 1,000,000"):
        registry.get("frame-transformer").config(voices=1_000_000)


def test_an_instrument_is_known_once() -> None:
    with pytest.raises(ModelError, match="instruments"):
        registry.get("anticipatory").config(instruments=(40, 40))
