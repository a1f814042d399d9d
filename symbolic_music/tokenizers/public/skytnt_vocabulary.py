"""The ids of SkyTNT's midi-model: an event is a row of eight, its kind and then its parameters.

Source: github.com/SkyTNT/midi-model, `midi_tokenizer.py`; versions v1 (3,239 ids) and v2 (3,406 ids).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

FIELDS = 8
PAD, BOS, EOS = range(3)
# Steps of a quarter: `time1` counts quarters from the event before, `time2` steps from there.
STEPS = 16
DRUMS = 9
# Sharps and flats are counted from seven flats on.
MOST_FLATS = 7

_TIME = ("time1", "time2", "track")
_CHANNEL = (*_TIME, "channel")
_SHARED = {
    "patch_change": (*_CHANNEL, "patch"),
    "control_change": (*_CHANNEL, "controller", "value"),
    "set_tempo": (*_TIME, "bpm"),
}
_SIZES = {
    "time1": 128, "time2": STEPS, "duration": 2048, "track": 128, "channel": 16, "pitch": 128, "velocity": 128,
    "patch": 128, "controller": 128, "value": 128,
}  # fmt: skip
# What tokens are called.
_TYPES = {
    "time1": "Beat", "time2": "Step", "duration": "Duration", "track": "Track", "channel": "Channel",
    "pitch": "Pitch", "velocity": "Velocity", "patch": "Program", "controller": "Controller", "value": "Value",
    "bpm": "Tempo", "nn": "Numerator", "dd": "Denominator", "sf": "Sharps", "mi": "Minor",
}  # fmt: skip
_FIRST_VALUE = {"nn": 1, "dd": 1, "sf": -MOST_FLATS}


@dataclass(frozen=True)
class RowLayout:
    """Kinds of events with their parameters in order, and the number of values of each parameter.

    `order` is that of events of one track at one time.
    """

    parameters: dict[str, tuple[str, ...]]
    sizes: dict[str, int]
    order: tuple[str, ...]
    first: dict[str, int] = field(init=False)
    kinds: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        kinds = {kind: EOS + 1 + number for number, kind in enumerate(self.parameters)}
        first, begin = {}, EOS + 1 + len(kinds)
        for parameter, size in self.sizes.items():
            first[parameter] = begin
            begin += size
        object.__setattr__(self, "kinds", kinds)
        object.__setattr__(self, "first", first)

    @cached_property
    def kind_of(self) -> dict[int, str]:
        """The kind of event of an id."""
        return {number: kind for kind, number in self.kinds.items()}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all ids."""
        return (
            "PAD_None", "BOS_None", "EOS_None",
            *(f"Event_{kind.replace('_', '')}" for kind in self.parameters),
            *(f"{_TYPES[parameter]}_{value + _FIRST_VALUE.get(parameter, 0)}"
              for parameter, size in self.sizes.items() for value in range(size)),
        )  # fmt: skip

    def row(self, kind: str, *values: int) -> list[int] | None:
        """The ids of an event; None where a value has none."""
        parameters = self.parameters[kind]
        if not all(0 <= value < self.sizes[name] for name, value in zip(parameters, values, strict=True)):
            return None
        ids = [self.first[name] + value for name, value in zip(parameters, values, strict=True)]
        return [self.kinds[kind], *ids, *[PAD] * (FIELDS - 1 - len(ids))]

    def values(self, row: list[int]) -> tuple[str, dict[str, int]] | None:
        """The event of a row: its kind and its parameters; None for what is none."""
        kind = self.kind_of.get(row[0])
        if kind is None:
            return None
        values = {name: token - self.first[name] for name, token in zip(self.parameters[kind], row[1:], strict=False)}
        return (kind, values) if all(0 <= value < self.sizes[name] for name, value in values.items()) else None


LAYOUTS = {
    "v2": RowLayout(
        {"note": (*_CHANNEL, "pitch", "velocity", "duration"), **_SHARED,
         "time_signature": (*_TIME, "nn", "dd"), "key_signature": (*_TIME, "sf", "mi")},
        {**_SIZES, "bpm": 384, "nn": 16, "dd": 4, "sf": 15, "mi": 2},
        ("time_signature", "key_signature", "set_tempo", "patch_change", "control_change", "note"),
    ),
    "v1": RowLayout(
        {"note": (*_TIME, "duration", "channel", "pitch", "velocity"), **_SHARED},
        {**_SIZES, "bpm": 256},
        ("set_tempo", "patch_change", "control_change", "note"),
    ),
}  # fmt: skip
