"""Train a neural codec."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.commands.training.train import Overrides, Resume, finish, run
from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.help_page import examples


@examples("configs/codec.yaml")
def train_codec(
    config: Annotated[Path, typer.Argument(help="A YAML file, such as configs/codec.yaml.")],
    overrides: Overrides = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Train a neural codec on folders of audio files."""
    from symbolic_music.training.codec.config import load_codec_config

    settings = load_codec_config(config, overrides or [])
    result = run(settings, resume, settings.optim.steps)
    finish(result, as_json, f"{result.folder}: {result.step:,} steps")
