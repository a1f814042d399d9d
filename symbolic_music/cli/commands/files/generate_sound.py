"""Generate sound by a cascade of codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.common import Device, Json, Seed
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out, out_json, working
from symbolic_music.cli.output.paths import check_output
from symbolic_music.errors import FileError

_LEVELS = "runs/jukebox-top/best runs/jukebox-middle/best runs/jukebox-bottom/best"


@examples(f"{_LEVELS} --seconds 8 -o new.wav", f"{_LEVELS} --prompt take.wav --seconds 20 -o longer.wav")
def generate_sound(
    levels: Annotated[
        list[str], typer.Argument(metavar="LEVELS...", help="Folders of the levels of a cascade, from the top down.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The sound: .wav or .flac.")],
    seconds: Annotated[float, typer.Option(help="Length of the whole in seconds.")] = 10.0,
    prompt: Annotated[Path | None, typer.Option(help="A sound file that it begins with.")] = None,
    instrument: Annotated[str | None, typer.Option(help="A label that the cascade was trained with.")] = None,
    temperature: Annotated[float, typer.Option(help="Lower is more predictable.")] = 0.95,
    overlap: Annotated[float, typer.Option(help="Share of a window that the next one begins with.")] = 0.5,
    mark: Annotated[bool, typer.Option("--mark", help="Add an inaudible mark, which `detect-mark` finds.")] = False,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="No tag with version, model and seed.")] = False,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Generate sound without a score, by a cascade of levels of codes (Jukebox)."""
    if output.suffix.lower() not in (".wav", ".flac"):
        raise FileError(f"cannot write {output.suffix or 'a file without suffix'}: name it .wav or .flac")
    check_output(output, prompt)

    from symbolic_music.codec.jukebox.cascade import check_seconds, generate_sound_file, load_jukebox
    from symbolic_music.codec.jukebox.sampling import JukeboxSampling
    from symbolic_music.synthesis.audio import read_audio

    check_seconds(seconds)
    draw = JukeboxSampling(instrument, temperature, overlap, seed)
    begin = None if prompt is None else read_audio(prompt, 0.0, seconds)
    jukebox = load_jukebox(levels, device)
    with working(f"generating {seconds:g} s of sound") as progress:
        written = generate_sound_file(
            jukebox, output, seconds, draw, prompt=begin, mark=mark, comment="" if unsigned else None,
            progress=progress,
        )  # fmt: skip
    if as_json:
        facts = {"seconds": round(written.seconds, 3), "sample_rate": jukebox.sample_rate}
        out_json({**facts, "peak": round(written.peak, 4), "seed": seed, "out": str(output)})
        return
    out(f"{output}: {written.seconds:.1f} s, {jukebox.sample_rate} Hz, peak {written.peak:.2f}")
