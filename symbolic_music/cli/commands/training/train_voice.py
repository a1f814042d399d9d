"""Train voices of the synthesizer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbolic_music.cli.commands.training.train import Overrides, Resume, finish, run
from symbolic_music.cli.options.common import Json, Seed
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import numbers
from symbolic_music.errors import ConfigError, FileError, OptionError

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
if TYPE_CHECKING:
    from symbolic_music.training.voices.config import VoiceConfig


@examples("recordings -o my-flute --programs 73")
def train_voice(
    source: Annotated[Path, typer.Argument(help="A folder of recordings of one instrument, or a YAML file.")],
    overrides: Overrides = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The folder of the run; `render --voices` takes its subfolder voices/."),
    ] = None,
    programs: Annotated[str, typer.Option(help="General MIDI programs of the voice, as 40,41.")] = "",
    struck: Annotated[
        bool, typer.Option("--struck", help="For a piano, guitar or bell; an index.csv then gives the pitches.")
    ] = False,
    steps: Annotated[int, typer.Option(min=1, help="Training steps, for a folder.")] = 800,
    resume: Resume = False,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Train a voice on recordings of single notes or of unaccompanied lines.

    A folder adds one voice to the bundled ones; it holds audio files of one instrument at any pitches, and optionally
    an index.csv with known pitches (columns file, midi_note). A YAML file trains a whole bank of voices.
    """
    from symbolic_music.training.voices.config import load_voice_config

    changes = overrides or []
    if source.is_dir():
        settings = _added(source.resolve(), output, programs, struck, steps, seed, changes)
    elif not source.exists() and source.suffix not in (".yaml", ".yml"):
        raise FileError(f"{source} is not a folder of recordings")
    elif output is not None or programs or struck:
        raise OptionError("--output, --programs and --struck go with a folder of recordings; a YAML file sets them")
    else:
        settings = load_voice_config(source, changes)
    result = run(settings, resume, settings.optim.steps + settings.optim.spectral_steps)
    finish(result, as_json, f"{result.folder}: render --synth midi-ddsp --voices {result.folder}")


def _added(
    source: Path, output: Path | None, programs: str, struck: bool, steps: int, seed: int, changes: list[str]
) -> VoiceConfig:
    """The settings of a voice that is added to the bundled ones."""
    from symbolic_music.training.voices.config import VoiceConfig
    from symbolic_music.training.yaml_config import override, parse_settings

    if output is None:
        raise FileError("name a folder for the voice: -o my-voice")
    if not programs:
        raise OptionError("name the General MIDI programs of the voice: --programs 40,41")
    played = tuple(numbers(programs, "--programs"))
    if not all(0 <= number <= 127 for number in played):
        raise OptionError(f"General MIDI programs are 0 to 127, not {programs}")
    where = output.resolve()
    if not _NAME.fullmatch(where.name):
        raise ConfigError(f"{output.name!r} cannot be the name of a voice: letters, digits, . _ -")
    tree = {
        "name": where.name, "out": str(where.parent), "seed": seed, "path": str(source), "begin": "bundled",
        "voices": [{"name": where.name, "folder": ".", "struck": struck, "programs": played}], "held_out": 0,
        "data": source.name, "license": "that of the recordings", "checkpoint_every": 100,
        "optim": {"steps": steps, "batch": 16, "warmup": min(20, steps)},
    }  # fmt: skip
    override(tree, changes)
    return parse_settings(tree, VoiceConfig)
