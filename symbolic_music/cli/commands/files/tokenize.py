"""Scores to ids."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from symbolic_music.cli.output.report import Json, check_output, numbers, out, out_json
from symbolic_music.errors import OptionError

Name = Annotated[
    str,
    typer.Option(
        "--tokenizer",
        "-t",
        help="performance, remi, compound, anticipation, miditok:NAME, or a .json file of a saved tokenizer.",
    ),
]
Preset = Annotated[str | None, typer.Option(help="A preset of the tokenizer; its own default when omitted.")]


def find_tokenizer(name: str, preset: str | None, **options: Any) -> Any:
    """The tokenizer that -t and --preset name. OptionError for a preset or options beside a saved one."""
    from symbolic_music import tokenizers

    if not name.endswith(".json"):
        return tokenizers.get(name, **({} if preset is None else {"preset": preset}), **options)
    if preset is not None:
        raise OptionError("--preset goes with the name of a tokenizer; a saved one has its preset in the file")
    return tokenizers.load(name)


def tokenize(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    tokenizer: Name,
    preset: Preset = None,
    control_programs: Annotated[
        str | None,
        typer.Option(help="With anticipation: programs whose notes become controls, as 0,33; 128 is drums."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the ids to a .npy file, or to .npz.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the ids of a file, or write them to a file.

    Where a preset encodes track by track there is one array a track: these are printed one below the other,
    separated by an empty line where words have several fields, and written to .npz.
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
