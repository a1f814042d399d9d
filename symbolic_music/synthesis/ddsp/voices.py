"""Voices of the synthesizer by name: those of General MIDI's programs, and registered ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any, TypeVar, overload

from symbolic_music.errors import OptionError, PluginError
from symbolic_music.plugins import Registry
from symbolic_music.synthesis.ddsp.presets import PROGRAMS, Voice

Function = TypeVar("Function", bound=Callable[[], Voice])


def _fitted(name: str, part: Any) -> Voice:
    """A voice of this name; what is wrong with its numbers is said before anything is played."""
    voice = part() if callable(part) else part
    if not isinstance(voice, Voice):
        raise PluginError(f"voice {name!r} is a Voice, or a function that gives one, not {part!r:.80}")
    for field in fields(Voice):
        value = getattr(voice, field.name)
        if field.type == "float" and not (isinstance(value, int | float) and -1e6 < value < 1e6):
            raise PluginError(f"{field.name} of voice {name!r} is a number, not {value!r:.60}")
    too_few = voice.drawbars and len(voice.drawbars) < len(voice.ratios)
    if too_few or voice.partials < 1 or not voice.unison:
        raise PluginError(f"voice {name!r} needs a drawbar for each of its ratios, a partial and a string")
    return replace(voice, name=name)


def _program(program: int) -> Voice:
    return PROGRAMS[program]


# Of voices that play several programs the first.
_BUILT_IN = {voice.name: partial(_program, program) for program, voice in reversed(list(enumerate(PROGRAMS)))}
_registry: Registry[Voice] = Registry("voice", "symbolic_music.voices", dict(reversed(_BUILT_IN.items())), _fitted)


@overload
def register(voice: Voice) -> Voice: ...


@overload
def register(voice: str) -> Callable[[Function], Function]: ...


def register(voice: Voice | str) -> Any:
    """Register a voice under its name; or, given a name, decorate a function that gives one.

    `render(score, voices={program: name})` and `symbolic-music render --voice PROGRAM=NAME` play with it. Packages
    offer theirs by entry points of the group `symbolic_music.voices`.

    Raises:
        PluginError: when the name is taken, or it is no voice.

    Examples:
        >>> glass = sm.synthesis.register(sm.synthesis.Voice("my-glass", slope=-6.0, decay=4.0))
        >>> sm.render(melody, voices={73: "my-glass"}).duration > melody.duration
        True
    """
    if not isinstance(voice, str):
        return _registry.add(getattr(voice, "name", ""), voice)

    def add(function: Function) -> Function:
        _registry.add(voice, function)
        return function

    return add


names, get = _registry.names, _registry.get


def voices_of(chosen: Mapping[int, str]) -> tuple[Voice, ...]:
    """The voice of each of the 128 programs, some of them by name. OptionError for a program that does not exist."""
    voices = list(PROGRAMS)
    for program, name in chosen.items():
        if not (isinstance(program, int) and 0 <= program < len(voices)):
            raise OptionError(f"a program is 0 to 127, not {program!r}")
        voices[program] = get(name)
    return tuple(voices)
