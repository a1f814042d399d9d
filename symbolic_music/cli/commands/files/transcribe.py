"""Transcribe a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbolic_music.cli.options.common import AllowEmpty, Device, Json
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out, out_json, working
from symbolic_music.cli.output.paths import check_score_output
from symbolic_music.errors import NothingWrittenError, OptionError

if TYPE_CHECKING:
    from symbolic_music.score import Score

_BEATS = ("notes", "beat-this")
_FINDING = "How notes are found"


@examples("take.wav -o take.mid", "take.flac -o take.mid --bars", "take.wav -o take.mid --by basic-pitch")
def transcribe(
    file: Annotated[Path, typer.Argument(help="A sound file: .wav, .flac, .ogg, .mp3.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write: .mid or .musicxml.")],
    bars: Annotated[bool, typer.Option("--bars", help="Find beats and downbeats, and write bars.")] = False,
    beats: Annotated[str, typer.Option(help="How --bars finds beats: notes, or beat-this on the sound.")] = "notes",
    meter: Annotated[int | None, typer.Option(help="Beats in a bar; by default 3 or 4, whichever fits better.")] = None,
    program: Annotated[int, typer.Option(help="General MIDI program of the track, 0 to 127.", min=0, max=127)] = 0,
    by: Annotated[str, typer.Option(help="onsets or basic-pitch.", rich_help_panel=_FINDING)] = "onsets",
    model: Annotated[
        str, typer.Option("--model", "-m", help="Name or folder of the network.", rich_help_panel=_FINDING)
    ] = "transcription",
    onset: Annotated[
        float | None, typer.Option(help="Threshold for onsets, 0 to 1; 0.3 by default.", rich_help_panel=_FINDING)
    ] = None,
    frame: Annotated[
        float | None,
        typer.Option(help="Threshold for a note to continue, 0 to 1; 0.4 by default.", rich_help_panel=_FINDING),
    ] = None,
    refine: Annotated[
        bool,
        typer.Option("--refine", help="Fit onsets and velocities by the synthesizer; slow.", rich_help_panel=_FINDING),
    ] = False,
    device: Device = "auto",
    allow_empty: AllowEmpty = False,
    as_json: Json = False,
) -> None:
    """Transcribe a recording: its pitched notes, in one track, with their velocities."""
    check_score_output(output, file)
    if beats not in _BEATS:
        raise OptionError(f"--beats is {' or '.join(_BEATS)}, not {beats}")
    if not bars and (meter is not None or beats != _BEATS[0]):
        raise OptionError("--meter and --beats go with --bars")
    from symbolic_music.transcription import Thresholds, refined, transcribe

    plain = Thresholds()
    chosen = Thresholds(plain.onset if onset is None else onset, plain.frame if frame is None else frame)
    least = None if onset is None and frame is None else chosen
    with working(f"transcribing {file.name}") as progress:
        score = transcribe(
            file, by=by, model=model, thresholds=least, program=program, device=device, progress=progress
        )
        if not len(score) and not allow_empty:
            raise NothingWrittenError(
                f"no notes were found in {file}; try lower thresholds (--onset, --frame), or --allow-empty"
            )
        if refine:
            score = refined(score, file, progress=lambda part: progress(part, "refining"))
        count = 0
        if bars and len(score) > 1:
            score, count = _barred(score, file, beats, meter)
    score.write(output)
    if as_json:
        out_json({"notes": len(score), "seconds": round(score.duration, 3), "beats": count, "out": str(output)})
        return
    found = f"; {count:,} beats" if bars else ""
    out(f"{output}: {len(score):,} notes, {score.duration:.1f} s{found}")


def _barred(score: Score, file: Path, by: str, meter: int | None) -> tuple[Score, int]:
    """The score with bars, and how many beats were found."""
    from symbolic_music.transcription import track_beats, track_beats_of_sound, with_bars

    if by == "notes":
        found = track_beats(score, meter)
    elif meter is not None:
        raise OptionError("beat-this finds the meter itself: leave --meter out")
    else:
        found = track_beats_of_sound(file)
    return with_bars(score, found), len(found.times)
