"""Describe a file or a note store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out_json, plain, show
from symbolic_music.cli.output.store_table import is_store, show_store

if TYPE_CHECKING:
    from symbolic_music.score import Score


@examples("song.mid", "maestro.store --verify")
def info(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file, or a note store.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="For a store: write a page of plots, .png, .pdf or .svg.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="For a store: check every byte.")] = False,
    as_json: Json = False,
) -> None:
    """Show tracks, programs, notes, length, tempo, meter, key and problems of a file, or the contents of a store."""
    from symbolic_music.errors import FileError, MidiError, NotationError, OptionError
    from symbolic_music.io import read

    if is_store(file):
        show_store(file, output, verify, as_json)
        return
    if file.is_dir():
        raise FileError(f"{file} is a folder; name a file, or make it a store: symbolic-music prepare folder")
    if verify:
        raise OptionError("--verify is for note stores")
    if output is not None:
        raise OptionError("-o is for note stores; symbolic-music plot draws a file")
    try:
        score = read(file)
    except (MidiError, NotationError) as error:
        if as_json:
            out_json({"readable": False, "problems": [str(error)]})
        raise
    if as_json:
        out_json(describe(score))
    else:
        _print(file, score)


def describe(score: Score) -> dict[str, Any]:
    """The output of `info --json`.

    `tracks` and `notes` are counts, `parts` lists the tracks; in `programs` 128 stands for drums. `tempo`
    (quarters a minute), `meter` and `key` are those at the start, None where the file says nothing; changes are those
    that change something. `estimated_key` is what the notes suggest. `beyond` counts the other events of the file,
    `origin` is what it says of models that wrote notes.
    """
    import numpy as np

    from symbolic_music.io.provenance import statements
    from symbolic_music.score import track_title
    from symbolic_music.theory import key_name

    notes = score.notes
    seconds = score.onset_seconds
    parts = []
    for index, track in enumerate(score.tracks):
        own = notes[notes["track"] == index]
        parts.append(
            {
                "track": index,
                "name": track_title(score, index),
                "program": 128 if track.is_drum else track.program,
                "drums": track.is_drum,
                "notes": len(own),
                "lowest": int(own["pitch"].min()) if len(own) else None,
                "highest": int(own["pitch"].max()) if len(own) else None,
                "first_onset": round(float(seconds[notes["track"] == index].min()), 3) if len(own) else None,
            }
        )
    # An upbeat (bar 0) is a bar of its own length; the meter is that of the bar after it.
    upbeat = len(score.meters) > 1 and len(score.bar_numbers) > 0 and score.bar_numbers["number"][0] == 0
    meters = score.meters[1:] if upbeat else score.meters
    return {
        "readable": True,
        "tracks": len(score.tracks),
        "notes": len(score),
        "seconds": round(score.duration, 3),
        "programs": [int(i) for i in np.unique(score.instruments)],
        "tempo": round(60e6 / max(1, int(score.tempos["microseconds"][0])), 3) if len(score.tempos) else None,
        "tempo_changes": _changes(score.tempos, "microseconds"),
        "meter": f"{meters['numerator'][0]}/{meters['denominator'][0]}" if len(meters) else None,
        "meter_changes": _changes(meters, "numerator", "denominator"),
        "key": key_name(int(score.keys["sharps"][0]), bool(score.keys["minor"][0])) if len(score.keys) else None,
        "key_changes": _changes(score.keys, "sharps", "minor"),
        "estimated_key": _estimated_key(score),
        "bars": _bars(score),
        "ticks_per_quarter": score.ticks_per_quarter,
        "parts": parts,
        "beyond": _beyond(score),
        "origin": statements(score),
        "problems": list(score.problems),
    }


def _changes(table: Any, *columns: str) -> int:
    """How often a map really changes; of one tick's events the last counts."""
    import numpy as np

    last = table[np.append(table["time"][1:] != table["time"][:-1], True)] if len(table) else table
    return int(sum(np.any([last[c][1:] != last[c][:-1] for c in columns], axis=0))) if len(last) > 1 else 0


def _estimated_key(score: Score) -> str | None:
    from symbolic_music.theory import key_name, likely_key, numbered_key

    key = likely_key(score)
    return None if key is None else key_name(*numbered_key(key))


_LET_GO, _CLICKS = "velocity of a note off", "metronome's clicks"


def _beyond(score: Score) -> dict[str, int]:
    """Numbers of events other than notes, by kind."""
    from collections import Counter

    import numpy as np

    from symbolic_music.io.midi.event_names import kind_of

    # Each part of a channel has the controllers and bends of the channel: those of its first part are counted.
    voices = [(track.port, index if track.channel is None else track.channel, track.channel is None)
              for index, track in enumerate(score.tracks)]  # fmt: skip
    firsts = np.array([voices.index(voice) == index for index, voice in enumerate(voices)], bool)
    controls, bends = (table[firsts[table["track"]]] for table in (score.controls, score.bends))
    kinds = Counter(f"controller {number}" for number in controls["number"].tolist())
    kinds["bend"] = len(bends)
    kinds.update(text.kind for text in score.texts)
    for other in score.others:
        is_off = other.data[0] >> 4 == 8
        # Many programs write 0 for want of a velocity.
        if not is_off or other.data[2]:
            number = f" {other.data[1]}" if other.data[0] >> 4 == 0xB else ""
            is_meter = other.data[:2] == b"\xff\x58"  # kept for its clicks alone
            kinds[_LET_GO if is_off else _CLICKS if is_meter else kind_of(other.data) + number] += 1
    return {kind: count for kind, count in kinds.items() if count}


def _bars(score: Score) -> int | None:
    """Number of bars; None when they are too many to count."""
    from symbolic_music.errors import RegionError

    try:
        return len(score.bars())
    except RegionError:
        return None


def _named(kind: str) -> str:
    """What a kind of `beyond` is called: controllers by what they are for."""
    from symbolic_music.general_midi import controller_name

    word, _, number = kind.rpartition(" ")
    return controller_name(int(number)) if word == "controller" else kind


def _later_meter(score: Score, first: str | None) -> str:
    """The meter of most of the piece where it is not the first, as where a short bar of settings comes first."""
    from collections import Counter

    import numpy as np

    if not len(score.meters):
        return ""
    lasts: Counter[str] = Counter()
    stops = np.append(score.meters["time"][1:], score.end)
    for (time, numerator, denominator), stop in zip(score.meters.tolist(), stops.tolist(), strict=True):
        lasts[f"{numerator}/{denominator}"] += max(0, stop - time)
    mostly = max(lasts, key=lasts.__getitem__)
    return "" if mostly == first else f", mostly {mostly}"


def _print(file: Path, score: Score) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from symbolic_music.general_midi import instrument_name
    from symbolic_music.theory import pitch_name

    facts = describe(score)
    minutes, rest = divmod(facts["seconds"], 60)
    tempo = f"{facts['tempo']:g} quarters a minute" if facts["tempo"] else "120 quarters a minute (by default)"
    meter = facts["meter"] or "4/4 (by default)"

    def changing(text: str, changes: int) -> str:
        return text if not changes else f"{text}, {changes} change{'s' if changes > 1 else ''}"

    head = Table.grid(padding=(0, 2))
    head.add_column(style="dim")
    head.add_column()
    head.add_row("file", Text(plain(str(file)), style="bold"))
    bars = "" if facts["bars"] is None else f", {facts['bars']} bars"
    head.add_row("length", f"{int(minutes)}:{rest:04.1f} ({facts['seconds']:g} s)" + bars)
    head.add_row("notes", f"{facts['notes']:,} in {facts['tracks']} track{'s' if facts['tracks'] != 1 else ''}")
    head.add_row("tempo", changing(tempo, facts["tempo_changes"]))
    head.add_row("meter", changing(meter, facts["meter_changes"]) + _later_meter(score, facts["meter"]))
    written = changing(facts["key"], facts["key_changes"]) if facts["key"] else "not given"
    estimated = facts["estimated_key"]
    if estimated is not None:
        written += ", which the notes suggest too" if estimated == written else f"; the notes suggest {estimated}"
    head.add_row("key", written)
    if facts["beyond"]:
        head.add_row("other events", Text(", ".join(f"{_named(kind)} ({n:,})" for kind, n in facts["beyond"].items())))

    for text in facts["origin"]:
        head.add_row("origin", Text(text))

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title, side in (("track", "right"), ("name", "left"), ("program", "right"), ("instrument", "left"),
                        ("notes", "right"), ("range", "left"), ("from", "right")):  # fmt: skip
        table.add_column(title, justify="right" if side == "right" else "left", no_wrap=title != "name")
    for part in facts["parts"]:
        if part["notes"]:
            span = f"{pitch_name(part['lowest'])} to {pitch_name(part['highest'])}"
            if part["drums"]:
                own = score.notes["pitch"][score.notes["track"] == part["track"]]
                span = f"{len(set(own.tolist()))} sounds"
            start = f"{part['first_onset']:.1f} s"
        else:
            span = start = ""
        table.add_row(
            str(part["track"]), Text(part["name"]), str(part["program"]), instrument_name(part["program"]),
            f"{part['notes']:,}", span, start,
        )  # fmt: skip
    rows: list[Any] = [head, table]
    if facts["problems"]:
        rows.append(Text("\n".join(["problems", *(f"  - {p}" for p in facts["problems"])]), style="yellow"))
    show(*rows)
