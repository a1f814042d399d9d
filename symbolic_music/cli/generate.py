"""New music, or more of a given piece."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.report import Json, Seed, check_score_output, out, out_json, working
from symbolic_music.cli.sampling import Device, MinP, ModelName, Temperature, TopK, TopP
from symbolic_music.errors import OptionError


def generate(
    output: Annotated[Path, typer.Option("--output", "-o", help="The MIDI file to write; with --count OUT-1, ...")],
    model: ModelName = None,
    prompt: Annotated[Path | None, typer.Option(help="A file to continue.")] = None,
    seconds: Annotated[float, typer.Option(help="How much to write.")] = 20.0,
    count: Annotated[int, typer.Option(help="How many pieces.", min=1)] = 1,
    temperature: Temperature = 1.0,
    top_p: TopP = 0.95,
    top_k: TopK = 0,
    min_p: MinP = 0.0,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Write new music, from nothing or continuing a prompt."""
    targets = [output] if count == 1 else [output.with_stem(f"{output.stem}-{i + 1}") for i in range(count)]
    for target in targets:
        check_score_output(target, prompt)
    if not seconds > 0:
        raise OptionError(f"--seconds must be positive, not {seconds:g}")

    from symbolic_music import generation, models
    from symbolic_music.io import read

    sampling = generation.Sampling(temperature, top_p, top_k, min_p)
    given = None if prompt is None else read(prompt)
    network = models.load_model(model, device=device)
    with working(f"writing {seconds:g} s of music") as progress:
        # Each piece has a seed of its own, so that any of them can be had again alone.
        pieces = [generation.generate(given, seconds, network, sampling, seed + i, progress) for i in range(count)]
    before = 0 if given is None else len(given)
    for piece, target in zip(pieces, targets, strict=True):
        piece.write(target)
    if as_json:
        names = [str(t) for t in targets]
        out_json({
            "notes_written": sum(len(p) - before for p in pieces),
            "seconds": round(max(p.duration for p in pieces), 3),
            "seed": seed,
            "out": names[0] if count == 1 else names,
        })  # fmt: skip
        return
    for piece, target in zip(pieces, targets, strict=True):
        out(f"{target}: {len(piece) - before:,} notes written, {piece.duration:.1f} s in all")
