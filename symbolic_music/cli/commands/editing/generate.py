"""Generate a piece or a continuation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.editing_verbs import WritingOptions
from symbolic_music.cli.options.help_page import NEW, examples
from symbolic_music.cli.options.region_and_tracks import instrument_names
from symbolic_music.errors import OptionError


@examples(
    "-m piano --seconds 20 -o new.mid",
    "--prompt song.mid --seconds 10 --seed 1 -o longer.mid",
    "--instruments piano,bass,drums --tempo 96 --meter 3/4 --key 'D minor' -o waltz.mid",
    "--instruments piano,bass,drums --chords 'Am | F | C | G' --passing-notes -o band.mid",
)
@grouped
def generate(
    options: WritingOptions,
    prompt: Annotated[Path | None, typer.Option(help="The file to continue.")] = None,
    seconds: Annotated[float, typer.Option(help="Length of the new music in seconds.")] = 20.0,
    instruments: Annotated[
        str | None,
        typer.Option(help="Instruments of a new piece, as piano,bass,drums or 0,33,128.", rich_help_panel=NEW),
    ] = None,
    tempo: Annotated[
        float | None, typer.Option(help="Its tempo, in quarter notes a minute.", rich_help_panel=NEW)
    ] = None,
    meter: Annotated[str | None, typer.Option(help="Its meter, as 3/4.", rich_help_panel=NEW)] = None,
    key: Annotated[str | None, typer.Option(help="Its key, as 'D minor'.", rich_help_panel=NEW)] = None,
    text: Annotated[
        str | None, typer.Option(help="A description of the music, for models that take one: midi-llm.")
    ] = None,
) -> None:
    """Write new music, unconditionally, as the continuation of a prompt, or as a text describes it."""
    options.check(prompt)
    if not seconds > 0:
        raise OptionError(f"--seconds must be positive, not {seconds:g}")
    if options.like is not None:
        raise OptionError("--like is for bars that are rewritten or continued (infill, vary, busier, continue)")
    limits = options.limits()

    from symbolic_music import generation
    from symbolic_music.io import read

    given = None if prompt is None else read(prompt)
    asked = (instruments, tempo, meter, key)
    if asked != (None,) * 4:
        if prompt is not None or text is not None:
            raise OptionError(
                "--instruments, --tempo, --meter and --key are for a new piece, without --prompt or --text"
            )
        names = instrument_names(instruments)
        given = generation.new_piece(names, tempo, meter, key)
    if given is not None and prompt is None and options.model is None:
        options = replace(options, model="song")
    if text is not None and options.model is None:
        options = replace(options, model=generation.TEXT_MODEL)
    model = options.load(given)
    if given is not None and prompt is None:
        limits = generation.limits_of_request(model, given, limits)
    session = generation.continuation(
        given,
        seconds,
        model,
        options.sampling(model),
        options.seed,
        options.count,
        limits,
        text=text,
        allow_empty=options.allow_empty,
    )
    options.write(session, model, f"writing {seconds:g} s of music")
