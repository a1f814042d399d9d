"""Other parts for given ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.report import Json, Seed, check_score_output, numbers, out, out_json, working
from symbolic_music.cli.sampling import Device, MinP, ModelName, Temperature, TopK, TopP


def accompany(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    keep_tracks: Annotated[str, typer.Option(help="Tracks that stay, as 0 or 0,2; all others are written anew.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The MIDI file to write.")],
    model: ModelName = None,
    temperature: Temperature = 1.0,
    top_p: TopP = 0.95,
    top_k: TopK = 0,
    min_p: MinP = 0.0,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Keep some tracks and write the others anew under them."""
    check_score_output(output, file)
    kept = numbers(keep_tracks, "--keep-tracks")

    import numpy as np

    from symbolic_music import generation, models
    from symbolic_music.io import read

    score = read(file)
    network = models.load_model(model, device=device)
    with working("writing the other parts") as progress:
        result = generation.accompany(
            score, kept, network, generation.Sampling(temperature, top_p, top_k, min_p), seed, progress
        )
    result.write(output)
    written = int((~np.isin(result.notes["track"], kept)).sum())
    if as_json:
        out_json({"notes_written": written, "seconds": round(result.duration, 3), "seed": seed, "out": str(output)})
    else:
        out(f"{output}: {written:,} notes written beside tracks {', '.join(map(str, kept))}")
