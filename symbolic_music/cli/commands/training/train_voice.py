"""Train voices of the synthesizer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbolic_music.cli.output.report import Json, Seed, numbers, out, out_json, working
from symbolic_music.errors import ConfigError, FileError, OptionError

if TYPE_CHECKING:
    from symbolic_music.training.voices.config import VoiceConfig


def train_voice(
    source: Annotated[Path, typer.Argument(help="A folder of recordings of one instrument, or a YAML file.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The folder of the run; `render --voices` takes its subfolder voices/."),
    ] = None,
    programs: Annotated[str, typer.Option(help="General MIDI programs of the voice, as 40,41.")] = "",
    struck: Annotated[
        bool, typer.Option("--struck", help="For a piano, guitar or bell; an index.csv then gives the pitches.")
    ] = False,
    steps: Annotated[int, typer.Option(min=1, help="Training steps, for a folder.")] = 800,
    resume: Annotated[bool, typer.Option("--resume", help="Resume from the last checkpoint of the run.")] = False,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Train a voice on recordings of single notes or of unaccompanied lines.

    A folder adds one voice to the bundled ones; it holds audio files of one instrument at any pitches, and optionally
    an index.csv with known pitches (columns file, midi_note). A YAML file trains a whole bank of voices.
    """
    from symbolic_music.training.voices import config as voice_config
    from symbolic_music.training.voices import trainer as voices

    if source.is_dir():
        settings = _added(source.resolve(), output, programs, struck, steps, seed)
    elif not source.exists() and source.suffix not in (".yaml", ".yml"):
        raise FileError(f"{source} is not a folder of recordings")
    elif output is not None or programs or struck:
        raise OptionError("--output, --programs and --struck go with a folder of recordings; a YAML file sets them")
    else:
        settings = voice_config.load_voice_config(source)
    total = settings.optim.steps + settings.optim.spectral_steps
    with working(f"training {settings.name}") as progress:
        run = voices.begin(settings, resume, lambda what: progress(0.0, what))
        done = voices.go(run, lambda row: progress(row["step"] / total, f"{row['step']:,.0f} of {total:,}"))
        folder = voices.save_bank(run) if done else None
    if as_json:
        out_json({"step": run.step, "finished": done, "out": str(folder) if folder else None})
    elif folder is not None:
        out(f"{folder}: {len(run.train.notes)} notes learnt; render --synth midi-ddsp --voices {folder}")
    else:
        out(f"stopped at step {run.step:,}; continue with --resume")
    if not done:
        raise typer.Exit(130)


def _added(source: Path, output: Path | None, programs: str, struck: bool, steps: int, seed: int) -> VoiceConfig:
    """The settings of a voice that is added to the bundled ones."""
    from symbolic_music.training.voices.config import VoiceConfig, VoiceOptim, VoiceSource

    if output is None:
        raise FileError("name a folder for the voice: -o my-voice")
    if not programs:
        raise OptionError("name the General MIDI programs of the voice: --programs 40,41")
    played = tuple(numbers(programs, "--programs"))
    if not all(0 <= number <= 127 for number in played):
        raise OptionError(f"General MIDI programs are 0 to 127, not {programs}")
    name = "".join(c if c.isalnum() or c in "._-" else "-" for c in output.resolve().name)
    try:
        voice = VoiceSource(name=name, folder=".", struck=struck, programs=played)
        return VoiceConfig(
            name=output.resolve().name, out=str(output.resolve().parent), seed=seed, path=str(source), voices=(voice,),
            begin="bundled", held_out=0, data=source.name, license="that of the recordings", checkpoint_every=100,
            optim=VoiceOptim(steps=steps, batch=16, warmup=min(20, steps)),
        )  # fmt: skip
    except ValueError as error:
        raise ConfigError(f"{output.name!r} cannot be the name of a voice: letters, digits, . _ -") from error
