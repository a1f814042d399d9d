"""Find a tokenizer by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from symbolic_music.errors import OptionError, UnknownNameError
from symbolic_music.tokenizers.base import Tokenizer
from symbolic_music.tokenizers.miditok.options import KINDS

# Name -> module, class and presets. Imported when asked for.
_TOKENIZERS = {
    "performance": ("performance.tokenizer", "PerformanceTokenizer", ("default", "score2perf")),
    "remi": ("remi.tokenizer", "RemiTokenizer", ("default", "miditok", "original")),
    "compound": ("compound_word.tokenizer", "CompoundTokenizer", ("default", "miditok", "original")),
    "anticipation": ("anticipation.tokenizer", "AnticipationTokenizer", ("default", "expressive", "interarrival")),
    "grid": ("chorale_grid", "GridTokenizer", ("default",)),
    "aria": ("public.aria", "AriaTokenizer", ("default", "demo")),
    "midigpt": ("public.midigpt", "MidiGptTokenizer", ("yellow",)),
    "region": ("region.tokenizer", "RegionTokenizer", ("default", "pedal")),
}

_MIDITOK = "miditok:"


def names() -> list[str]:
    """Names that `get` takes; those with miditok: need the package miditok."""
    return [*_TOKENIZERS, *(_MIDITOK + kind for kind in KINDS)]


def presets(name: str) -> tuple[str, ...]:
    """Presets of the tokenizer of this name, its default first. UnknownNameError for an unknown name."""
    return _entry(name)[2]


def get(name: str, **options: Any) -> Tokenizer:
    """The tokenizer of this name.

    Args:
        name: performance, remi, compound, anticipation, grid, region, aria, midigpt, or miditok:NAME for MidiTok's
            class of that name: REMI, TSD, MIDILike, Structured, CPWord, Octuple, MuMIDI, MMM, PerTok or BEAT.
        **options: `preset=` and the options of that tokenizer.

    Raises:
        UnknownNameError: for an unknown name or preset.
        OptionError: for an unknown option or a value out of range.
        MissingExtraError: for miditok:NAME where miditok is not installed.
    """
    module, cls, known = _entry(name)
    if not isinstance(options.get("preset", ""), str):
        raise UnknownNameError(f"{name} has no preset {options['preset']!r}: choose from {', '.join(known)}")
    build: Callable[..., Any] = getattr(import_module(f"symbolic_music.tokenizers.{module}"), cls)
    _check_options(name, options, build)
    if name.startswith(_MIDITOK):
        build = partial(build, name.removeprefix(_MIDITOK))
    try:
        tokenizer = build(**options)
    except TypeError as error:
        raise OptionError(f"tokenizer {name!r}: {error}") from None
    assert isinstance(tokenizer, Tokenizer)
    return tokenizer


def _check_options(name: str, options: dict[str, Any], build: Callable[..., Any]) -> None:
    """OptionError for an option that is not one of the class; classes that take any options look at them."""
    arguments = inspect.signature(build).parameters
    if any(argument.kind is argument.VAR_KEYWORD for argument in arguments.values()):
        return
    known = [argument for argument in arguments if argument != "preset"]
    for option in options:
        if option not in arguments:
            its = f"its options are {', '.join(known)}" if known else "it has none but preset"
            raise OptionError(f"{name} has no option {option!r}; {its}")


def _entry(name: str) -> tuple[str, str, tuple[str, ...]]:
    if isinstance(name, str) and name in _TOKENIZERS:
        return _TOKENIZERS[name]
    if isinstance(name, str) and name in names():
        return ("miditok.tokenizer", "MidiTokTokenizer", ("default",))
    raise UnknownNameError(
        f"no tokenizer named {name!r}: choose from {', '.join(_TOKENIZERS)}, or {_MIDITOK}NAME with NAME one of "
        f"{', '.join(KINDS)}"
    )
