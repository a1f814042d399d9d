"""Train a transcriber."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.commands.training.train import Overrides, Resume, finish, run
from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.help_page import examples


@examples("configs/transcription.yaml")
def train_transcriber(
    config: Annotated[Path, typer.Argument(help="A YAML file, such as configs/transcription.yaml.")],
    overrides: Overrides = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Train a network that transcribes recordings, on music that it renders first."""
    from symbolic_music.training.transcription.config import load_transcription_config

    settings = load_transcription_config(config, overrides or [])
    result = run(settings, resume, settings.optim.steps)
    finish(result, as_json, f"{result.folder}: transcribe FILE -m {result.folder}")
