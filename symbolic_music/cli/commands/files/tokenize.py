"""Encode a score as ids."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import numbers
from symbolic_music.cli.output.console import out, out_json
from symbolic_music.cli.output.paths import check_output
from symbolic_music.errors import OptionError

Name = Annotated[
    str,
    typer.Option(
        "--tokenizer",
        "-t",
        help="performance, remi, compound, anticipation, region, miditok:NAME, or the .json file of a saved tokenizer.",
    ),
]
Preset = Annotated[str | None, typer.Option(help="A preset of the tokenizer; `default` by default.")]


def find_tokenizer(name: str, preset: str | None, **options: Any) -> Any:
    """The tokenizer that -t and --preset name. OptionError for a preset or options beside a saved one."""
    from symbolic_music import tokenizers

    if not name.endswith(".json"):
        return tokenizers.get(name, **({} if preset is None else {"preset": preset}), **options)
    if preset is not None:
        raise OptionError("--preset goes with the name of a tokenizer; a saved one has its preset in the file")
    return tokenizers.load(name)


@examples("song.mid -t remi -o ids.npy", "song.mid -t anticipation --control-programs 32 --json")
def tokenize(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    tokenizer: Name,
    preset: Preset = None,
    control_programs: Annotated[
        str | None, typer.Option(help="For anticipation: programs whose notes become controls, as 0,33; 128 is drums.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the ids to a .npy or .npz file.")] = None,
    as_json: Json = False,
) -> None:
    """Encode a file as token ids; print them or write them to a file.

    Presets that encode track by track give one array for each track: in print one below the other, separated by an
    empty line if tokens have several fields; in a file as .npz.
    """
    from symbolic_music.cli.output import id_files as files
    from symbolic_music.io import read

    if output is not None:
        check_output(output, file)
        files.check_name(output)
    options: dict[str, Any] = {}
    if control_programs is not None:
        if tokenizer != "anticipation":
            raise OptionError("--control-programs goes with -t anticipation only")
        options["control_programs"] = numbers(control_programs, "--control-programs")
    encoder = find_tokenizer(tokenizer, preset, **options)
    ids = encoder.encode(read(file))
    if output is not None:
        files.save(output, ids)
    if as_json:
        result = {
            "tokenizer": encoder.name,
            "preset": encoder.preset,
            "count": files.count(ids),
            "ids": files.lists(ids),
        }
        out_json(result if output is None else {**result, "out": str(output)})
    elif output is not None:
        out(f"{output}: {files.count(ids):,} ids")
    else:
        out(files.text(ids))
