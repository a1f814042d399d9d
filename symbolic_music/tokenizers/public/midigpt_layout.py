"""The vocabulary of a MIDI-GPT checkpoint, from the header of its file.

Ids are the values of some kinds of tokens, one kind after the other, in the order of the configuration.

Source: github.com/Metacreation-Lab/MIDI-GPT (version 0.4.2), encoder configurations and vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symbolic_music.errors import OptionError

STRUCTURE = ("PieceStart", "Track", "TrackEnd", "Bar", "BarEnd", "TimeSig", "Instrument", "NumBars")
NOTES = ("NoteOnset", "NoteDuration", "TimeAbsolutePos", "VelocityLevel")
FILL = ("FillInPlaceholder", "FillInStart", "FillInEnd")
# Of a track, in the order in which they follow its instrument.
ATTRIBUTES = (
    "MinPolyphony", "MaxPolyphony", "MinNoteDuration", "MaxNoteDuration", "NoteDensity", "PitchRange", "KeySignature",
    "SilenceProportion", "TrackLevelNomml",
)  # fmt: skip
# Of a bar, in the order in which they follow Bar.
BAR_ATTRIBUTES = ("BarLevelOnsetDensity", "BarLevelOnsetPolyphonyMin", "BarLevelOnsetPolyphonyMax")
# Of a piece: whether velocities and the small shifts of onsets are encoded.
SWITCHES = ("UseVelocity", "UseMicrotiming")
SHIFTS = ("DeltaDirection", "Delta")
# In the vocabulary, but never encoded by the authors' package unless asked for.
_UNUSED = ("Genre", "PitchClassSet")
_KNOWN = {*STRUCTURE, *NOTES, *FILL, *ATTRIBUTES, *BAR_ATTRIBUTES, *SWITCHES, *SHIFTS, *_UNUSED}
# As a header names them that the authors' package wrote.
_OTHER_NAMES = {
    "TrackLevelPitchRangeMax": "PitchRange",
    "TrackLevelSilenceProportionMax": "SilenceProportion",
    "BarLevelPitchClassSet": "PitchClassSet",
}
_PROGRAMS = 128
_METERS = (
    "1/2 1/4 1/8 1/16 2/1 2/2 2/4 2/8 3/1 3/2 3/4 3/8 4/2 4/4 4/8 5/4 5/8 6/2 6/4 6/8 7/4 7/8 8/4 8/8 9/4 9/8 9/16 "
    "10/4 10/8 11/8 12/4 12/8 13/16 15/16 16/4 17/16"
)
_ALIKE = "0,1,2 4,5 16,17,18 19,20 33,34 36,37 38,39 48,49 50,51 62,63 88,89,90,91,92,93,94,95"
# Of the models called yellow.
YELLOW: Mapping[str, Any] = {
    "resolution": 12,
    "decode_resolution": 1920,
    "velocity_sticky": True,
    "num_bars_map": [4, 8],
    "time_signatures": _METERS.split(),
    "instrument_merge_groups": [[int(x) for x in group.split(",")] for group in _ALIKE.split()],
    "token_domains": [
        {"type": kind, "domain_size": size}
        for kind, size in (
            ("PieceStart", 2), ("Track", 2), ("TrackEnd", 1), ("Bar", 1), ("BarEnd", 1), ("TimeSig", 36),
            ("Instrument", 109), ("NumBars", 2), ("NoteOnset", 128), ("NoteDuration", 96), ("TimeAbsolutePos", 192),
            ("VelocityLevel", 32), ("FillInPlaceholder", 1), ("FillInStart", 1), ("FillInEnd", 1), ("NoteDensity", 10),
            ("MinPolyphony", 10), ("MaxPolyphony", 10), ("MinNoteDuration", 6), ("MaxNoteDuration", 6),
        )
    ],
}  # fmt: skip
_BARS = (("KeySignature", 25), ("PitchRange", 128), ("SilenceProportion", 10), ("MinNoteDuration", 6),
         ("MaxNoteDuration", 6), ("BarLevelOnsetDensity", 10), ("BarLevelOnsetPolyphonyMin", 10),
         ("BarLevelOnsetPolyphonyMax", 10), ("PitchClassSet", 13))  # fmt: skip
_AFTER = (("FillInPlaceholder", 1), ("FillInStart", 1), ("FillInEnd", 1))
_BEFORE = (("PieceStart", 2), ("Genre", 18), ("Track", 2), ("TrackEnd", 1), ("Bar", 1), ("BarEnd", 1), ("TimeSig", 36),
           ("Instrument", 109))  # fmt: skip
_PITCHES = (("NumBars", 4), ("NoteOnset", 128), ("NoteDuration", 96), ("TimeAbsolutePos", 192))


def _domains(*kinds: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"type": kind, "domain_size": size} for kind, size in kinds]


# Of the models called prism: controls of bars, and of the key and range of tracks.
PRISM: Mapping[str, Any] = {
    **YELLOW,
    "num_bars_map": [4, 8, 12, 16],
    "token_domains": _domains(*_BEFORE, *_PITCHES, ("VelocityLevel", 32), *_AFTER, *_BARS),
}
# Of the models called expressive: also every velocity, small shifts of onsets, and how far these are off a grid.
EXPRESSIVE: Mapping[str, Any] = {
    **PRISM,
    "emit_delta_tokens": True,
    "token_domains": _domains(
        *_BEFORE, *_PITCHES, ("VelocityLevel", 128), ("DeltaDirection", 2), ("Delta", 6), ("UseVelocity", 2),
        ("UseMicrotiming", 2), *_AFTER, *_BARS, ("TrackLevelNomml", 13),
    ),
}  # fmt: skip
PRESETS: Mapping[str, Mapping[str, Any]] = {"yellow": YELLOW, "prism": PRISM, "expressive": EXPRESSIVE}


@dataclass(frozen=True)
class Layout:
    """A configuration, looked up.

    Args:
        first: the first id of each kind of token.
        size: how many ids it has.
        resolution: steps of a quarter note.
        meters: numerator and denominator, by the value of TimeSig.
        instrument: value of Instrument, by program.
        programs: the first program of each such value.
        bars: numbers of bars, by the value of NumBars.
        sticky: whether a velocity is encoded only when it changes within a bar.
        shifts: whether onsets are shifted off the grid, by as many parts of a step as a quarter note has steps.
    """

    first: Mapping[str, int]
    size: Mapping[str, int]
    resolution: int
    meters: tuple[tuple[int, int], ...]
    instrument: tuple[int, ...]
    programs: tuple[int, ...]
    bars: tuple[int, ...]
    sticky: bool
    shifts: bool = False

    def id(self, kind: str, value: int = 0) -> int:
        """The id of a value, or of the nearest that the kind has."""
        return self.first[kind] + min(max(value, 0), self.size[kind] - 1)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The kinds of attributes of a track that there are."""
        return tuple(kind for kind in ATTRIBUTES if kind in self.first)

    @property
    def bar_attributes(self) -> tuple[str, ...]:
        """The kinds of attributes of a bar that there are."""
        return tuple(kind for kind in BAR_ATTRIBUTES if kind in self.first)

    @property
    def switches(self) -> tuple[str, ...]:
        """The kinds of switches of a piece that there are."""
        return tuple(kind for kind in SWITCHES if kind in self.first)

    def names(self) -> tuple[str, ...]:
        """Names of all ids."""
        return tuple(f"{kind}_{value}" for kind, size in self.size.items() for value in range(size))


def layout_of(configuration: Mapping[str, Any]) -> Layout:
    """The layout of a configuration as a file's header has it.

    Raises:
        OptionError: when it has kinds of tokens that are not known here, lacks some, or is no configuration.
    """
    try:
        named = [(str(one["type"]), int(one["domain_size"])) for one in configuration["token_domains"]]
        domains = [(_OTHER_NAMES.get(kind, kind), size) for kind, size in named]
        meters = [tuple(int(x) for x in str(one).split("/")) for one in configuration["time_signatures"]]
        groups = [[int(x) for x in group] for group in configuration.get("instrument_merge_groups", [])]
        bars = tuple(int(x) for x in configuration["num_bars_map"])
        resolution, sticky = int(configuration["resolution"]), bool(configuration.get("velocity_sticky", True))
        shifts = bool(configuration.get("emit_delta_tokens", False))
    except (KeyError, TypeError, ValueError) as error:
        raise OptionError(f"midigpt: this is no configuration of its tokenizer ({error!r:.80})") from None
    kinds = [kind for kind, _ in domains]
    unknown = [kind for kind in kinds if kind not in _KNOWN]
    missing = [kind for kind in (*STRUCTURE, *NOTES, *(SHIFTS if shifts else ())) if kind not in kinds]
    if unknown or missing or len(set(kinds)) < len(kinds):
        raise OptionError(
            "midigpt: only configurations like the published ones are known here; this one "
            + (f"has tokens of {', '.join(unknown)}" if unknown else f"lacks or repeats tokens: {', '.join(missing)}")
        )
    fits = 0 < resolution <= 960 and all(0 < size <= 4096 for _, size in domains)
    if not fits or not all(len(one) == 2 and min(one) > 0 for one in meters):
        raise OptionError("midigpt: the numbers of this configuration do not fit its tokenizer")
    leader = list(range(_PROGRAMS))
    for group in groups:
        for program in group:
            if not 0 <= program < _PROGRAMS:
                raise OptionError(f"midigpt: {program} is no program")
            leader[program] = group[0]
    programs = tuple(sorted(set(leader)))
    size = dict(domains)
    first, start = {}, 0
    for kind, count in domains:
        first[kind], start = start, start + count
    # What values stand for must be there for all of them.
    if (len(meters), len(programs), len(bars)) != (size["TimeSig"], size["Instrument"], size["NumBars"]):
        raise OptionError("midigpt: the lists of this configuration do not have the lengths of its tokens")
    instrument = tuple(programs.index(one) for one in leader)
    return Layout(first, size, resolution, tuple(meters), instrument, programs, bars, sticky, shifts)  # type: ignore[arg-type]
