"""Compare two files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out, out_json

if TYPE_CHECKING:
    from symbolic_music.io.differences import Differences

_MOST_LINES = 40


@examples("song.mid new.mid")
def diff(
    a: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    b: Annotated[Path, typer.Argument(help="The file to compare with.")],
    everything: Annotated[bool, typer.Option("--all", help="Print every difference, not only the first 40.")] = False,
    as_json: Json = False,
) -> None:
    """Compare two files: audible differences of each note (program, pedal, volume, bend ...), then events."""
    from symbolic_music.io.differences import differences

    found = differences(a, b)
    if as_json:
        out_json({"a": str(a), "b": str(b), **found.as_json()})
    else:
        _print(found, None if everything else _MOST_LINES)


def _print(found: Differences, most: int | None) -> None:
    if found.is_equal:
        out(f"equal, event by event ({found.notes_compared:,} notes)")
        return
    if found.sounds_alike:
        out(f"no audible difference ({found.notes_compared:,} notes)")
    else:
        out(f"{len(found.notes):,} notes sound different ({found.notes_compared:,} in A)")
    lines = []
    for note in found.notes:
        said = f"only in {note.only.upper()}" if note.only else ""
        changed = ", ".join(f"{name} {_shown(x)} -> {_shown(y)}" for name, (x, y) in note.changed.items())
        lines.append(f"  {note.seconds:9.3f} s  key {note.pitch:3}  track {note.track}  {said}{changed}")
    _some(lines, most)
    for name, (x, y) in found.header.items():
        out(f"{name}: {x} -> {y}")
    if found.events:
        out(f"{len(found.events):,} events are in one file only")
    _some([f"  {'-' if e.only == 'a' else '+'} track {e.track}  tick {e.tick}  {e.event}" for e in found.events], most)


def _shown(value: object) -> str:
    return ".".join(map(str, value)) if isinstance(value, tuple) else f"{value}"


def _some(lines: list[str], most: int | None) -> None:
    for line in lines[:most]:
        out("".join(c if c.isprintable() else "?" for c in line))
    if most is not None and len(lines) > most:
        out(f"  and {len(lines) - most:,} more (--all shows them)")
