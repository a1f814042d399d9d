from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

from symbolic_music import tokenizers
from symbolic_music.errors import OptionError, UnknownNameError
from symbolic_music.tokenizers.miditok.options import KINDS
from symbolic_music.tokenizers.miditok.tokenizer import MidiTokTokenizer


@pytest.mark.parametrize("name", ["performance", "remi", "compound", "anticipation"])
def test_the_registry_knows_the_presets_of_each_tokenizer(name) -> None:
    presets = tokenizers.presets(name)
    with pytest.raises(UnknownNameError) as error:
        tokenizers.get(name, preset="no-such-preset")
    named = str(error.value).partition("'no-such-preset'")[2].replace(":", "").replace(",", "").split()
    assert [word for word in named if word in presets] == list(presets)
    assert named[-1] == presets[-1]
    assert tokenizers.get(name).preset == presets[0]
    for preset in presets:
        assert tokenizers.get(name, preset=preset).to_config()["preset"] == preset


def test_unknown_names_are_told_what_there_is() -> None:
    with pytest.raises(UnknownNameError, match="performance, remi, compound, anticipation"):
        tokenizers.get("morse")
    with pytest.raises(UnknownNameError, match="no tokenizer named 'morse'"):
        tokenizers.presets("morse")


def test_unknown_options_are_named() -> None:
    with pytest.raises(OptionError, match="use_bells"):
        tokenizers.get("performance", use_bells=True)
    with pytest.raises(OptionError, match="use_bells"):
        tokenizers.get("remi", use_bells=True)


@pytest.mark.parametrize("name", [["remi"], None, 3, {}, b"remi", ("remi", "default")], ids=str)
def test_what_is_no_name_is_named(name) -> None:
    with pytest.raises(UnknownNameError, match="no tokenizer named"):
        tokenizers.get(name)
    with pytest.raises(UnknownNameError, match="no tokenizer named"):
        tokenizers.presets(name)


@pytest.mark.parametrize("name", ["performance", "remi", "compound", "anticipation", "miditok:TSD"])
@pytest.mark.parametrize("preset", [["default"], None, 3, {}], ids=str)
def test_what_is_no_preset_is_named(name, preset) -> None:
    with pytest.raises(UnknownNameError, match=rf"{name} has no preset .*choose from default"):
        tokenizers.get(name, preset=preset)


def test_unknown_options_are_told_what_there_is() -> None:
    for name, options, told in (
        ("performance", {"foo": 1}, "performance has no option 'foo'; it has none but preset"),
        ("anticipation", {"foo": 1}, "anticipation has no option 'foo'; its options are control_programs"),
        ("remi", {"foo": 1}, "remi: preset 'default' has no option 'foo'; its options are use_chords"),
        ("compound", {"preset": "original", "foo": 1}, "compound: preset 'original' has no option 'foo'; it has none"),
    ):
        with pytest.raises(OptionError) as error:
            tokenizers.get(name, **options)
        assert str(error.value) == told


@pytest.mark.parametrize(
    "programs", [(1.5,), (1.0,), ("1",), "0", "0,33", b"1", 5, None, (None,), (True,), (-1,), (129,), [[1]]], ids=str
)
@pytest.mark.parametrize("preset", ["default", "expressive", "interarrival"])
def test_impossible_control_programs_are_named(preset, programs) -> None:
    with pytest.raises(OptionError, match=r"control[_ ]program"):
        tokenizers.get("anticipation", preset=preset, control_programs=programs)


def test_control_programs_of_any_kind_of_list() -> None:
    for programs in ([128, 0, 0], (0, 128), {0, 128}, np.array([0, 128]), iter([0, 128])):
        assert tokenizers.get("anticipation", control_programs=programs).control_programs == (0, 128)


def test_the_kinds_of_miditok_are_those_that_the_docstrings_name() -> None:
    kinds = [name.removeprefix("miditok:") for name in tokenizers.names() if name.startswith("miditok:")]
    assert tuple(kinds) == KINDS
    for documented in (tokenizers.get, MidiTokTokenizer):
        text = " ".join(inspect.getdoc(documented).split())
        assert f"{', '.join(KINDS[:-1])}" in text
        assert re.search(rf"{KINDS[-2]} (and|or) {KINDS[-1]}\.", text)


def test_the_kinds_are_all_that_the_package_has() -> None:
    miditok = pytest.importorskip("miditok")
    found = {
        name
        for name in miditok.__all__
        if isinstance(getattr(miditok, name), type) and issubclass(getattr(miditok, name), miditok.MusicTokenizer)
    }
    assert found - {"MusicTokenizer"} == set(KINDS)
