"""Train a model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out, out_json, working

if TYPE_CHECKING:
    from symbolic_music.training.base_config import RunConfig
    from symbolic_music.training.trainer import Result

Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Settings that override the config, as optim.steps=100."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Resume from the last checkpoint of the run.")]


@examples(
    "configs/maestro-music-transformer.yaml optim.steps=1000", "configs/fine-tune.yaml init=piano data.path=mine.store"
)
def train(
    config: Annotated[Path, typer.Argument(help="A YAML file, such as those in configs/.")],
    overrides: Overrides = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Train a model from a config. Ctrl-C saves a checkpoint, from which --resume continues."""
    from symbolic_music import training

    settings = training.load_config(config, overrides or [])
    steps = settings.optim.steps
    with working(f"training {settings.name}") as progress:
        result = training.train(settings, resume, lambda row: progress(row["step"] / steps, _told(row, steps)))
    summary = f"{result.folder}: step {result.step:,}, best validation {result.best:.4f} nats a token"
    finish(result, as_json, summary, best=result.best)


def run(settings: RunConfig, resume: bool, total: int) -> Result:
    """Train a codec, voices or a transcriber; of all steps those done are shown, and what is read before them."""
    from symbolic_music import training

    with working(f"training {settings.name}") as progress:
        return training.train(
            settings, resume, lambda row: progress(row["step"] / total, f"{row['step']:,.0f} of {total:,}"),
            progress=lambda what: progress(0.0, what),
        )  # fmt: skip


def finish(result: Result, as_json: bool, summary: str, **facts: Any) -> None:
    """Report the result of a run, the first of several processes alone; an interrupted one ends with status 130."""
    if int(os.environ.get("RANK", "0")):
        pass
    elif as_json:
        out_json({"step": result.step, "finished": result.finished, **facts, "out": str(result.folder)})
    else:
        out(summary if result.finished else f"stopped at step {result.step:,}; continue with --resume")
    if not result.finished:
        raise SystemExit(130)  # typer's own Exit would be taken for Ctrl-C, an error


def _told(row: dict[str, float], steps: int) -> str:
    left = int(row["left"])
    return (
        f"{row['step']:,.0f} of {steps:,}, {row['loss']:.3f} nats a token, {row['rate']:,.0f} tokens/s, "
        f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02} left"
    )
