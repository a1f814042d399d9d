"""Find a tokenizer by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, TypeVar

from symbolic_music.errors import OptionError, PluginError, UnknownNameError
from symbolic_music.plugins import Registry
from symbolic_music.tokenizers.base import Tokenizer
from symbolic_music.tokenizers.miditok.options import KINDS

# Name -> module and class. Imported on first use.
_TOKENIZERS = {
    "performance": ("performance.tokenizer", "PerformanceTokenizer"),
    "remi": ("remi.tokenizer", "RemiTokenizer"),
    "compound": ("compound_word.tokenizer", "CompoundTokenizer"),
    "anticipation": ("anticipation.tokenizer", "AnticipationTokenizer"),
    "grid": ("chorale_grid", "GridTokenizer"),
    "aria": ("public.aria", "AriaTokenizer"),
    "midigpt": ("public.midigpt", "MidiGptTokenizer"),
    "region": ("region.tokenizer", "RegionTokenizer"),
    "skytnt": ("public.skytnt", "SkyTntTokenizer"),
}

_MIDITOK = "miditok:"
Class = TypeVar("Class", bound=type[Tokenizer])


def _imported(module: str, cls: str) -> type[Tokenizer]:
    found: type[Tokenizer] = getattr(import_module(f"symbolic_music.tokenizers.{module}"), cls)
    return found


def _fitted(name: str, part: Any) -> type[Tokenizer]:
    """The class of a tokenizer, of the name that it has itself, with nothing left to define."""
    if not (isinstance(part, type) and issubclass(part, Tokenizer)):
        raise PluginError(f"tokenizer {name!r} is a subclass of tokenizers.Tokenizer, not {part!r:.80}")
    missing = sorted(part.__abstractmethods__)
    if missing:
        raise PluginError(f"tokenizer {name!r} lacks {', '.join(missing)}")
    own = getattr(part, "name", None)
    if own != name:
        raise PluginError(f"tokenizer {name!r} has another name as a class: {own!r}")
    if name.startswith(_MIDITOK):
        raise PluginError(f"names from {_MIDITOK} on are MidiTok's: choose another than {name!r}")
    return part


_BUILT_IN = {name: partial(_imported, *where) for name, where in _TOKENIZERS.items()}
_registry: Registry[type[Tokenizer]] = Registry("tokenizer", "symbolic_music.tokenizers", _BUILT_IN, _fitted)


def register(cls: Class) -> Class:
    """Class decorator: `get` and all that takes a tokenizer's name finds this one by the class attribute `name`.

    Packages offer theirs by entry points of the group `symbolic_music.tokenizers`.

    Raises:
        PluginError: when the name is taken, or the class is no whole tokenizer.

    Examples:
        >>> @sm.tokenizers.register
        ... class Mine(type(sm.tokenizers.get("performance"))):
        ...     name = "mine"
        >>> sm.tokenizers.get("mine").encode(melody).shape
        (67,)
    """
    _registry.add(getattr(cls, "name", ""), cls)
    return cls


def names() -> list[str]:
    """Names that `get` takes; those with miditok: need the package miditok.

    Examples:
        >>> sm.tokenizers.names()[:3]
        ['performance', 'remi', 'compound']
    """
    return [*_registry.names(), *(_MIDITOK + kind for kind in KINDS)]


def presets(name: str) -> tuple[str, ...]:
    """Presets of the tokenizer of this name, its default first. UnknownNameError for an unknown name.

    Examples:
        >>> sm.tokenizers.presets("anticipation")
        ('default', 'expressive', 'interarrival')
    """
    return _class(name).presets


def get(name: str, **options: Any) -> Tokenizer:
    """The tokenizer of this name.

    Args:
        name: performance, remi, compound, anticipation, grid, region, aria, midigpt, skytnt, one that was registered,
            or miditok:NAME for MidiTok's class of that name: REMI, TSD, MIDILike, Structured, CPWord, Octuple, MuMIDI,
            MMM, PerTok or BEAT.
        **options: `preset=` and the options of that tokenizer.

    Raises:
        UnknownNameError: for an unknown name or preset.
        OptionError: for an unknown option or a value out of range.
        PluginError: when the package that offers the tokenizer cannot be loaded.
        MissingExtraError: for miditok:NAME where miditok is not installed.

    Examples:
        >>> sm.tokenizers.get("performance").encode(melody).shape  # ids
        (67,)
        >>> sm.tokenizers.get("compound").encode(melody).shape  # words of nine fields
        (34, 9)
    """
    cls = _class(name)
    if not isinstance(options.get("preset", ""), str):
        raise UnknownNameError(f"{name} has no preset {options['preset']!r}: choose from {', '.join(cls.presets)}")
    _check_options(name, options, cls)
    build: Callable[..., Tokenizer] = cls
    if name.startswith(_MIDITOK):
        build = partial(build, name.removeprefix(_MIDITOK))
    try:
        return build(**options)
    except TypeError as error:
        raise OptionError(f"tokenizer {name!r}: {error}") from None


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


def _class(name: str) -> type[Tokenizer]:
    if isinstance(name, str) and name.removeprefix(_MIDITOK) in KINDS and name.startswith(_MIDITOK):
        return _imported("miditok.tokenizer", "MidiTokTokenizer")
    try:
        return _registry.get(name)
    except UnknownNameError:
        raise UnknownNameError(
            f"no tokenizer named {name!r}: choose from {', '.join(_registry.names())}, or {_MIDITOK}NAME with NAME one "
            f"of {', '.join(KINDS)}"
        ) from None
