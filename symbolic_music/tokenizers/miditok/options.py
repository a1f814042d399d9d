"""Options of MidiTok's tokenizers: the keyword arguments of its TokenizerConfig, as in JSON.

In JSON a dictionary has text keys: `beat_res` and `beat_res_rest` read {"0_4": 8}, as in MidiTok's own files, and
`time_signature_range` {"4": [3, 4]}. Python's forms ({(0, 4): 8}, {4: (3, 4)}) are taken too.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from symbolic_music.errors import MissingExtraError, OptionError

KINDS = ("REMI", "TSD", "MIDILike", "Structured", "CPWord", "Octuple", "MuMIDI", "MMM", "PerTok", "BEAT")
# Beside the named arguments of TokenizerConfig, which all kinds have.
_OWN: dict[str, tuple[str, ...]] = {
    "REMI": ("max_bar_embedding", "use_bar_end_tokens", "add_trailing_bars"),
    "MIDILike": ("max_duration",),
    "Octuple": ("max_bar_embedding",),
    "MuMIDI": ("max_bar_embedding",),
    "MMM": ("base_tokenizer", "max_bar_embedding", "use_bar_end_tokens", "add_trailing_bars", "max_duration"),
    "PerTok": (
        "ticks_per_quarter", "use_microtiming", "max_microtiming_shift", "num_microtiming_bins", "use_position_toks",
    ),
}  # fmt: skip
# Two kinds cannot be built without these; MidiTok documents the values of PerTok and has none for MMM.
_NEEDED: dict[str, dict[str, Any]] = {
    "MMM": {"base_tokenizer": "TSD"},
    "PerTok": {
        "ticks_per_quarter": 320, "use_microtiming": True, "max_microtiming_shift": 0.125, "num_microtiming_bins": 30,
    },
}  # fmt: skip
_PAIRS = ("beat_res", "beat_res_rest")
_LARGEST = 100_000


def miditok() -> Any:
    """The package. MissingExtraError when it is not installed."""
    try:
        import miditok as package
    except ImportError:
        raise MissingExtraError("miditok", "miditok") from None
    return package


def installed_version() -> str:
    """Version of the package."""
    from importlib.metadata import version

    return version("miditok")


def known_options(kind: str) -> set[str]:
    """Names of the options that a kind of tokenizer has."""
    arguments = list(inspect.signature(miditok().TokenizerConfig.__init__).parameters)
    return {*arguments[1:-1], *_OWN.get(kind, ())}  # neither self nor kwargs


def canonical(kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options after a round trip through JSON.

    Raises:
        OptionError: for an option that this kind of tokenizer does not have, a value that JSON cannot hold, or a
            number beyond 100,000.
    """
    known = known_options(kind)
    for name in options:
        if name not in known:
            raise OptionError(
                f"miditok:{kind} has no option {name!r}; it takes those of MidiTok's TokenizerConfig"
                + (f" and {', '.join(_OWN[kind])}" if kind in _OWN else "")
            )
    return {name: _plain(name, value) for name, value in options.items()}


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not abs(value) <= _LARGEST:
        raise OptionError(f"option {name}: {value} is beyond {_LARGEST:,}")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        if name == "time_signature_range":
            # A tuple is the first and the last numerator; JSON has no tuples.
            value = {k: range(v[0], v[1] + 1) if isinstance(v, tuple) else v for k, v in value.items()}
        return {"_".join(map(str, k)) if isinstance(k, tuple) else str(k): _plain(name, v) for k, v in value.items()}
    if isinstance(value, (set, frozenset)):
        value = sorted(value)
    if isinstance(value, (list, tuple, range, np.ndarray)):
        return [_plain(name, one) for one in value]
    raise OptionError(f"option {name}: {value!r} cannot be saved as JSON")


def config(kind: str, options: Mapping[str, Any]) -> Any:
    """MidiTok's TokenizerConfig of canonical options. OptionError when a value is not of the form it needs."""
    try:
        arguments = {name: _argument(name, value) for name, value in {**_NEEDED.get(kind, {}), **options}.items()}
        return miditok().TokenizerConfig(**arguments)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise OptionError(f"miditok:{kind}: {error}") from None


def _argument(name: str, value: Any) -> Any:
    if name in _PAIRS:
        pairs = {tuple(int(edge) for edge in key.split("_")): resolution for key, resolution in value.items()}
        if any(len(key) != 2 for key in pairs) or sum((b - a) * r for (a, b), r in pairs.items()) > _LARGEST:
            raise ValueError(f"{name} has no such form: {value}")
        return pairs
    if name == "time_signature_range":
        return {int(denominator): numerators for denominator, numerators in value.items()}
    if name == "chord_maps":
        return {quality: tuple(intervals) for quality, intervals in value.items()}
    if isinstance(value, list) and name != "special_tokens":
        return tuple(value)
    return value
