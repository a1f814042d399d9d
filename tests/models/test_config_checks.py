"""Configs that make no model are refused by name, before memory is taken for them."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Annotated, Any, get_type_hints

import pytest

from symbolic_music.errors import ModelError
from symbolic_music.models import registry
from symbolic_music.models.config_checks import Layers, Number, Numbers, Share, Size, Sizes, Texts, checked

ALL = registry.names()
FIELDS = [(name, field, kind) for name in ALL for field, kind in get_type_hints(registry.get(name).config).items()]
WRONG = {
    int: ["3", 2.5, 3.0, True, None, [3], float("nan"), -1, 1 << 31, 1 << 80],
    float: ["0.1", None, True, [0.1], float("nan"), float("inf"), -0.1, 1.0, 1 << 2000],
    str: [1, None, ["none"], "unknown"],
    bool: [1, "true", None],
    tuple[int, ...]: [7, None, "abc", [], [1.0], [True], [-1], [1 << 31], [[1]], {"1": 2}],
}


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [(name, field, value) for name, field, kind in FIELDS for value in WRONG[kind]],
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


@checked
@dataclasses.dataclass(frozen=True)
class Shape:
    width: Size = 3
    layers: Layers = 2
    dropout: Share = 0.1
    ratios: Sizes = (1, 2)
    centres: Numbers = ()
    names: Texts = ()
    figures: dict[str, Number] = dataclasses.field(default_factory=dict)
    own: Annotated[int, "of no kind above"] = 0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"width": True}, "width of a Shape is a whole number, not True"),
        ({"width": 0}, "width of a Shape is at least 1 and below 2,147,483,648, not 0"),
        ({"layers": 2000}, "there are at most 1,024 layers, not 2,000"),
        ({"dropout": 1}, "dropout of a Shape is at least 0 and below 1, not 1"),
        ({"ratios": [2, "b"]}, r"ratios of a Shape is a list of whole numbers, not \[2, 'b'\]"),
        ({"ratios": [-1]}, "ratios of a Shape is at least 0 and below 2,147,483,648, not -1"),
        ({"centres": "abc"}, "centres of a Shape is a list of numbers, not 'abc'"),
        ({"names": [1]}, r"names of a Shape is a list of texts, not \[1\]"),
        ({"figures": {"loss": "low"}}, "figures of a Shape is a table of numbers, not {'loss': 'low'}"),
        ({"own": 1.5}, "own of a Shape is a whole number, not 1.5"),
        ({"heads": 4}, "a Shape has no heads"),
    ],
)
def test_what_is_wrong_is_said(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=f"^{said}$"):
        Shape(**values)


def test_lists_become_tuples_and_other_numbers_stay() -> None:
    assert Shape(ratios=[3, 4], centres=[1, 2.5]) == Shape(ratios=(3, 4), centres=(1.0, 2.5))
