"""Train a neural codec."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.output.report import Json, out, out_json, working


def train_codec(
    config: Annotated[Path, typer.Argument(help="A YAML file, such as configs/codec.yaml.")],
    resume: Annotated[bool, typer.Option("--resume", help="Resume from the last checkpoint of the run.")] = False,
    as_json: Json = False,
) -> None:
    """Train a neural codec on folders of audio files."""
    from symbolic_music.training.codec import trainer as codecs
    from symbolic_music.training.codec.config import load_codec_config

    settings = load_codec_config(config)
    with working(f"training {settings.name}") as progress:
        run = codecs.begin(settings, resume)
        total = settings.optim.steps
        done = codecs.go(run, lambda row: progress(row["step"] / total, f"{row['step']:,.0f} of {total:,}"))
    folder = settings.folder / "codec"
    if as_json:
        out_json({"step": run.step, "finished": done, "out": str(folder)})
    elif done:
        out(f"{folder}: {run.step:,} steps")
    else:
        out(f"stopped at step {run.step:,}; continue with --resume")
    if not done:
        raise typer.Exit(130)
