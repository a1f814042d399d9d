"""Find a tokenizer by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from symbolic_music.errors import OptionError, UnknownNameError
from symbolic_music.tokenizers.base import Tokenizer

# Name -> module, class and presets. Imported when asked for.
_TOKENIZERS = {
    "performance": ("performance", "PerformanceTokenizer", ("default", "score2perf")),
    "remi": ("remi", "RemiTokenizer", ("default", "miditok", "original")),
    "compound": ("compound", "CompoundTokenizer", ("default", "miditok", "original")),
    "anticipation": ("anticipation", "AnticipationTokenizer", ("default",)),
}


def names() -> list[str]:
    """Names that `get` takes."""
    return list(_TOKENIZERS)


def presets(name: str) -> tuple[str, ...]:
    """Presets of the tokenizer of this name, its default first. UnknownNameError for an unknown name."""
    return _entry(name)[2]


def get(name: str, **options: Any) -> Tokenizer:
    """The tokenizer of this name.

    Args:
        name: performance, remi, compound, anticipation.
        **options: `preset=` and the options of that tokenizer.

    Raises:
        UnknownNameError: for an unknown name or preset.
        OptionError: for an unknown option or a value out of range.
    """
    module, cls, _ = _entry(name)
    build = getattr(import_module(f"symbolic_music.tokenizers.{module}"), cls)
    try:
        tokenizer = build(**options)
    except TypeError as error:
        raise OptionError(f"tokenizer {name!r}: {error}") from None
    assert isinstance(tokenizer, Tokenizer)
    return tokenizer


def _entry(name: str) -> tuple[str, str, tuple[str, ...]]:
    if name not in _TOKENIZERS:
        raise UnknownNameError(f"no tokenizer named {name!r}: choose from {', '.join(names())}")
    return _TOKENIZERS[name]
