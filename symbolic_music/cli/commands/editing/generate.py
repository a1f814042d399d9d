"""Generate a piece or a continuation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.groups import grouped
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.writing import WritingOptions
from symbolic_music.errors import OptionError


@examples("-m piano --seconds 20 -o new.mid", "--prompt song.mid --seconds 10 --seed 1 -o longer.mid")
@grouped
def generate(
    options: WritingOptions,
    prompt: Annotated[Path | None, typer.Option(help="The file to continue.")] = None,
    seconds: Annotated[float, typer.Option(help="Length of the new music in seconds.")] = 20.0,
    text: Annotated[
        str | None, typer.Option(help="A description of the music, for models that take one: midi-llm.")
    ] = None,
) -> None:
    """Write new music, unconditionally, as the continuation of a prompt, or as a text describes it."""
    options.check(prompt)
    if not seconds > 0:
        raise OptionError(f"--seconds must be positive, not {seconds:g}")
    limits = options.limits()

    from symbolic_music import generation
    from symbolic_music.io import read

    given = None if prompt is None else read(prompt)
    if text is not None and options.model is None:
        options = replace(options, model=generation.TEXT_MODEL)
    model = options.load(given)
    session = generation.continuation(
        given, seconds, model, options.sampling(model), options.seed, options.count, limits, text=text
    )
    options.write(session, model, f"writing {seconds:g} s of music")
