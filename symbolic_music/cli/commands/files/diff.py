"""Compare two files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out, out_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from symbolic_music.io.differences import Differences, NoteDifference

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
        _print(found, None if everything else _MOST_LINES, [file.read_bytes() for file in (a, b)])


def _print(found: Differences, most: int | None, files: Sequence[bytes]) -> None:
    if found.is_equal:
        text = f"equal, event by event ({found.notes_compared:,} notes)"
        if files[0] != files[1]:
            is_midi = all(data[:4] == b"MThd" for data in files)
            text += "; the bytes differ" if is_midi else "; signs that are not played, such as slurs, are not compared"
        out(text)
        return
    if found.sounds_alike:
        out(f"no audible difference ({found.notes_compared:,} notes)")
    else:
        out(f"{len(found.notes):,} notes sound different ({found.notes_compared:,} in A)")
        _some(_summary(found), most)
        out("")
    _some([_line(note) for note in found.notes], most)
    for name, (x, y) in found.header.items():
        out(f"{name}: {x} -> {y}")
    # Those of notes are heard, and stand above.
    others = [event for event in found.events if not event.event.startswith(("note on", "note off"))]
    of_notes = [event for event in found.events if event.event.startswith(("note on", "note off"))]
    if found.events:
        out(f"{len(found.events):,} events are in one file only: {len(of_notes):,} of notes, {len(others):,} of others")
    signs = {"a": "-", "b": "+"}
    _some([f"  {signs[e.only]} track {e.track}  tick {e.tick}  {e.event}" for e in others + of_notes], most)


def _summary(found: Differences) -> list[str]:
    """How many notes are in one file only or changed, in all and by track."""
    from collections import Counter

    counts: dict[tuple[int, str], Counter[str]] = {}
    for note in found.notes:
        kind = f"only in {note.only.upper()}" if note.only else "changed"
        counts.setdefault((note.track, _track(note)), Counter())[kind] += 1
    lines = []
    for (_, name), own in sorted(counts.items()):
        said = ", ".join(f"{own[kind]:,} {kind}" for kind in ("only in A", "only in B", "changed") if own[kind])
        lines.append(f"  {name}: {said}")
    return lines


def _track(note: NoteDifference) -> str:
    return f"track {note.track} {note.name}".rstrip()


def _line(note: NoteDifference) -> str:
    from symbolic_music.general_midi import drum_name
    from symbolic_music.theory import pitch_name

    where = f"{note.seconds:9.3f} s" + ("" if note.bar is None else f"  bar {note.bar:3}")
    struck = drum_name(note.pitch) if note.drum else f"{pitch_name(note.pitch):3}"
    said = f"only in {note.only.upper()}" if note.only else ", ".join(
        f"{_NAMES.get(name, name)} {_shown(name, x)} -> {_shown(name, y)}" for name, (x, y) in note.changed.items()
    )  # fmt: skip
    return f"  {where}  {struck}  {_track(note)}  {said}"


_NAMES = {"bend_range": "bend range", "seconds": "length"}


def _shown(name: str, value: Any) -> str:
    if isinstance(value, tuple):  # semitones and cents
        return f"{value[0] + value[1] / 100:g}"
    return f"{value:.3f} s" if name == "seconds" else f"{value}"


def _some(lines: list[str], most: int | None) -> None:
    for line in lines[:most]:
        out("".join(c if c.isprintable() else "?" for c in line))
    if most is not None and len(lines) > most:
        out(f"  and {len(lines) - most:,} more (--all shows them)")
