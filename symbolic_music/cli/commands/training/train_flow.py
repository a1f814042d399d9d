"""Train a flow decoder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.commands.training.train import Overrides, Resume, finish, run
from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.help_page import examples


@examples("configs/flow.yaml")
def train_flow(
    config: Annotated[Path, typer.Argument(help="A YAML file, such as configs/flow.yaml.")],
    overrides: Overrides = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Train a flow decoder on pairs of scores and their sound."""
    from symbolic_music.training.flow.config import load_flow_config

    settings = load_flow_config(config, overrides or [])
    result = run(settings, resume, settings.optim.steps)
    finish(result, as_json, f"{result.folder}: {result.step:,} steps")
