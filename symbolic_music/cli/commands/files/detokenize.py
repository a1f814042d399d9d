"""Decode ids to a score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.commands.files.tokenize import Name, Preset, find_tokenizer
from symbolic_music.cli.options.common import AllowEmpty, Json
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out, out_json
from symbolic_music.cli.output.paths import check_score_output
from symbolic_music.errors import NothingWrittenError


@examples("ids.npy -t remi -o song.mid")
def detokenize(
    ids: Annotated[Path, typer.Argument(help="A .npy or .npz file written by `tokenize -o`.")],
    tokenizer: Name,
    output: Annotated[Path, typer.Option("--output", "-o", help="The MIDI file to write.")],
    preset: Preset = None,
    allow_empty: AllowEmpty = False,
    as_json: Json = False,
) -> None:
    """Decode ids into a score and write it."""
    from symbolic_music.cli.output import id_files as files

    check_score_output(output, ids)
    score = find_tokenizer(tokenizer, preset).decode(files.load(ids))
    if not len(score) and not allow_empty:
        raise NothingWrittenError(f"the ids of {ids} stand for no notes; --allow-empty writes a file without any")
    score.write(output)
    if as_json:
        out_json({"notes": len(score), "seconds": round(score.duration, 3), "out": str(output)})
    else:
        out(f"{output}: {len(score):,} notes, {score.duration:.1f} s")
