"""Encode audio as codes, and decode codes to audio."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.help_page import MACHINE, examples
from symbolic_music.cli.options.many_files import tell_lost
from symbolic_music.cli.output.console import out, out_json, working
from symbolic_music.cli.output.paths import check_output
from symbolic_music.errors import FileError, OptionError

_Codec = Annotated[str, typer.Option(help="The name or folder of a codec, or an EnCodec or DAC on the hub.")]


@examples("take.wav", "*.flac --codebooks 4")
def encode(
    files: Annotated[list[Path], typer.Argument(help="Sound files: .wav, .flac, .ogg, .mp3.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file of codes; by default NAME.safetensors next to each input."),
    ] = None,
    codec: _Codec = "codec",
    codebooks: Annotated[int | None, typer.Option(help="Use only this many codebooks, the first ones.", min=1)] = None,
    workers: Annotated[
        int, typer.Option(help="Processes that share several files.", min=1, rich_help_panel=MACHINE)
    ] = 1,
    engine: Annotated[
        str, typer.Option(help="processes, or ray on a cluster, for several files.", rich_help_panel=MACHINE)
    ] = "processes",
    as_json: Json = False,
) -> None:
    """Encode audio as the tokens of a neural codec."""
    if output is not None and len(files) > 1:
        raise OptionError("--output names the codes of one file; leave it out for several")
    for path in files:
        if not path.is_file():
            raise FileError(f"cannot read {path}: there is no such file")
    targets = [path.with_suffix(".safetensors") if output is None else output for path in files]
    for path, target in zip(files, targets, strict=True):
        check_output(target, path)

    from symbolic_music.codec.many_files import encode_files

    with working(f"encoding {len(files)} files") as progress:
        done = encode_files(
            files, codec, codebooks, targets=targets, workers=workers, engine=engine,
            progress=lambda count, total: progress(count / total),
        )  # fmt: skip
    rows = [
        {"out": str(one.target), "codebooks": one.codebooks, "frames": one.frames}
        for one in done
        if one.target is not None
    ]
    if as_json:
        out_json(rows)
    else:
        for row in rows:
            out(f"{row['out']}: {row['frames']:,} frames of {row['codebooks']} codebooks")
    tell_lost([(one.source, one.error) for one in done], "encoded")


@examples("take.safetensors -o back.wav")
def decode(
    file: Annotated[Path, typer.Argument(help="Codes written by `encode` or `render --synth codec`.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The sound: .wav or .flac.")],
    codec: _Codec = "codec",
    as_json: Json = False,
) -> None:
    """Decode the tokens of a neural codec to audio."""
    check_output(output, file)

    import numpy as np

    from symbolic_music.codec.codes import load_codes
    from symbolic_music.codec.encode_decode import decoded
    from symbolic_music.codec.registry import load_codec
    from symbolic_music.synthesis.audio import writing

    codes, network = load_codes(file), load_codec(codec)
    form = network.format
    with (
        working(f"decoding {codes.duration:.0f} s") as progress,
        writing(output, form.sample_rate, 16, codes.duration, form.channels) as add,
    ):
        for part, piece in decoded(codes, network):
            add(np.clip(piece, -1.0, 1.0))
            progress(part)
    if as_json:
        out_json({"seconds": round(codes.duration, 3), "sample_rate": form.sample_rate, "out": str(output)})
        return
    out(f"{output}: {codes.duration:.1f} s, {form.sample_rate} Hz")
