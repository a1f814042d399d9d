"""Train a transcriber."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.commands.training.train import Overrides, Resume, finish
from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.report import working


@examples("configs/transcription.yaml")
def train_transcriber(
    config: Annotated[Path, typer.Argument(help="A YAML file, such as configs/transcription.yaml.")],
    overrides: Overrides = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Train a network that transcribes recordings, on music that it renders first."""
    from symbolic_music import training
    from symbolic_music.training.transcription.config import load_transcription_config

    settings = load_transcription_config(config, overrides or [])
    total = settings.optim.steps
    with working(f"training {settings.name}") as progress:
        result = training.train(
            settings, resume, lambda row: progress(row["step"] / total, f"{row['step']:,.0f} of {total:,}"),
            progress=lambda what: progress(0.0, what),
        )  # fmt: skip
    finish(result, as_json, f"{result.folder}: transcribe FILE -m {result.folder}")
