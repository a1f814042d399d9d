"""Find a tokenizer by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from symbolic_music.errors import OptionError, UnknownNameError
from symbolic_music.tokenizers.base import Tokenizer
from symbolic_music.tokenizers.miditok_adapter_options import KINDS

# Name -> module, class and presets. Imported when asked for.
_TOKENIZERS = {
    "performance": ("performance", "PerformanceTokenizer", ("default", "score2perf")),
    "remi": ("remi", "RemiTokenizer", ("default", "miditok", "original")),
    "compound": ("compound", "CompoundTokenizer", ("default", "miditok", "original")),
    "anticipation": ("anticipation", "AnticipationTokenizer", ("default", "expressive", "interarrival")),
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
        name: performance, remi, compound, anticipation, or miditok:NAME for MidiTok's class of that name.
        **options: `preset=` and the options of that tokenizer.

    Raises:
        UnknownNameError: for an unknown name or preset.
        OptionError: for an unknown option or a value out of range.
        MissingExtraError: for miditok:NAME where miditok is not installed.
    """
    module, cls, _ = _entry(name)
    build: Callable[..., Any] = getattr(import_module(f"symbolic_music.tokenizers.{module}"), cls)
    if name.startswith(_MIDITOK):
        build = partial(build, name.removeprefix(_MIDITOK))
    try:
        tokenizer = build(**options)
    except TypeError as error:
        raise OptionError(f"tokenizer {name!r}: {error}") from None
    assert isinstance(tokenizer, Tokenizer)
    return tokenizer


def _entry(name: str) -> tuple[str, str, tuple[str, ...]]:
    if name in _TOKENIZERS:
        return _TOKENIZERS[name]
    if name in names():
        return ("miditok_adapter", "MidiTokTokenizer", ("default",))
    raise UnknownNameError(
        f"no tokenizer named {name!r}: choose from {', '.join(_TOKENIZERS)}, or {_MIDITOK}NAME with NAME one of "
        f"{', '.join(KINDS)}"
    )
