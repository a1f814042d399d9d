"""Render a score to audio."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symbolic_music.cli.options.common import Json, Seed
from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.many_files import ManyFilesOptions, tell_lost
from symbolic_music.cli.options.region_and_tracks import At, TrackOptions, places
from symbolic_music.cli.output.console import out, out_json, working
from symbolic_music.cli.output.paths import check_output
from symbolic_music.errors import FileError, OptionError

if TYPE_CHECKING:
    from symbolic_music.score import Score


_origin = partial(typer.Option, rich_help_panel="Origin")
_trained = partial(typer.Option, rich_help_panel="With --synth midi-ddsp")
_codec = partial(typer.Option, rich_help_panel="With --synth codec")
_flow = partial(typer.Option, rich_help_panel="With --synth flow")
_NETWORKS = ("codec", "flow")


@examples(
    "song.mid -o song.wav",
    "song.mid --at bars:9-16 --mute drums -o band.wav",
    "song.mid -o song.flac --stems stems",
    "song.mid -o song.wav --synth midi-ddsp",
    "song.mid -o song.wav --synth flow",
    "songs/*.mid -o sounds --workers 2",
)
@grouped
def render(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES...", help="MIDI or notation files; of several, --output is a folder.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The audio file, .wav or .flac, or a folder of .flac files.")
    ],
    which: TrackOptions,
    many: ManyFilesOptions,
    at: At = None,
    solo: Annotated[str | None, typer.Option(help="These tracks alone, as 1,3 or drums.")] = None,
    mute: Annotated[str | None, typer.Option(help="Without these tracks, as 1,3 or drums.")] = None,
    tempo: Annotated[float, typer.Option(help="Speed, as a multiple of the original.")] = 1.0,
    synth: Annotated[str, typer.Option(help="ddsp, midi-ddsp, soundfont, codec or flow.")] = "ddsp",
    sample_rate: Annotated[
        int | None, typer.Option(help="Hz; 44100 by default, with --synth codec or flow the rate of the model.")
    ] = None,
    stems: Annotated[Path | None, typer.Option(help="Also write one file for each track into this folder.")] = None,
    soundfont: Annotated[
        Path | None, typer.Option(help="A .sf2 or .sf3 file.", rich_help_panel="With --synth soundfont")
    ] = None,
    voice: Annotated[
        list[str] | None,
        typer.Option(metavar="PROGRAM=NAME", help="Use another voice for a program, as 40=cello. Repeat it for more."),
    ] = None,
    controls: Annotated[Path | None, _trained(help="JSON file with six expression controls of each note.")] = None,
    write_controls: Annotated[
        Path | None, _trained(help="Write these controls, to edit and pass as --controls.")
    ] = None,
    voices: Annotated[Path | None, _trained(help="A folder written by `train-voice`.")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="With --synth codec the codec language model, with --synth flow the flow decoder."),
    ] = None,
    write_codes: Annotated[Path | None, _codec(help="Also write the codes to this file.")] = None,
    melody: Annotated[
        Path | None, _codec(help="A recording whose tune it follows too, for a --model conditioned on melodies.")
    ] = None,
    text: Annotated[str | None, _codec(help="Words about the sound, for a --model conditioned on text.")] = None,
    steps: Annotated[
        int | None, _flow(min=1, max=64, help="3 and more by the flow (4 by default), 1 or 2 by its shortcut.")
    ] = None,
    guidance: Annotated[float | None, _flow(help="How closely 3 and more steps follow the score.")] = None,
    mark: Annotated[bool, _origin("--mark", help="Add an inaudible mark, which `detect-mark` finds.")] = False,
    unsigned: Annotated[bool, _origin("--unsigned", help="No tag with version, synth and seed.")] = False,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Render scores to audio files."""
    if soundfont is not None and synth != "soundfont":
        raise OptionError("--soundfont goes with --synth soundfont")
    if synth != "midi-ddsp" and (controls or write_controls or voices):
        raise OptionError("--controls, --write-controls and --voices go with --synth midi-ddsp")
    if synth not in _NETWORKS and model:
        raise OptionError("--model goes with --synth codec or flow")
    if synth != "codec" and (write_codes or melody or text):
        raise OptionError("--write-codes, --melody and --text go with --synth codec")
    if synth != "flow" and (steps is not None or guidance is not None):
        raise OptionError("--steps and --guidance go with --synth flow")
    if synth in _NETWORKS and (stems is not None or sample_rate is not None):
        raise OptionError(
            f"--synth {synth} writes one file, at the rate of its model: leave out --stems and --sample-rate"
        )
    if voice and synth not in ("ddsp", "midi-ddsp"):
        raise OptionError("--voice goes with --synth ddsp or midi-ddsp")
    if len(files) > 1 or output.is_dir():
        apart = {"--at": at, "--tracks": which.tracks, "--programs": which.programs, "--solo": solo,
                 "--mute": mute, "--stems": stems, "--controls": controls, "--write-controls": write_controls,
                 "--voice": voice, "--voices": voices, "--write-codes": write_codes, "--melody": melody, "--text": text,
                 "--tempo": None if tempo == 1 else tempo}  # fmt: skip
        options = {
            "sample_rate": sample_rate, "soundfont": soundfont, "steps": steps, "guidance": guidance, "seed": seed,
            "mark": mark, "comment": "" if unsigned else None,
        }  # fmt: skip
        many.refuse(apart)
        _render_many(files, output, synth, model, many, as_json, **options)
        return
    file = files[0]
    if output.suffix.lower() not in (".wav", ".flac"):
        raise FileError(f"cannot write {output.suffix or 'a file without suffix'}: name it .wav or .flac")
    check_output(output, file, soundfont, melody)
    if write_codes is not None:
        check_output(write_codes, file)
        _apart(write_codes, output)
    if write_controls is not None:
        check_output(write_controls, file)
        _apart(write_controls, output)
    if stems is not None and stems.exists() and not stems.is_dir():
        raise FileError(f"{stems} is not a folder; name one for the stems")

    from symbolic_music import synthesis
    from symbolic_music.io import read

    score, rate = _excerpt(read(file), at, which, solo, mute, tempo), 44100 if sample_rate is None else sample_rate
    paths = None if stems is None else _stem_paths(score, stems, output)
    for path in (paths or {}).values():
        _apart(path, output)
    expression = None
    if synth == "midi-ddsp":
        from symbolic_music.synthesis.midi_ddsp.expression import express, read_expression, write_expression
        from symbolic_music.synthesis.midi_ddsp.voices import load_voices

        bank = load_voices(voices)
        expression = express(score, bank) if controls is None else read_expression(controls, score, bank)
        if write_controls is not None:
            write_expression(expression, score, write_controls)
    if synth == "ddsp" and "OMP_NUM_THREADS" not in os.environ:
        import torch

        # Its products are too small to share: two threads are no faster, and far slower beside another program.
        torch.set_num_threads(1)
    comment = "" if unsigned else None
    with working(f"rendering {score.duration:.0f} s of music") as progress:
        if synth == "codec":
            from symbolic_music.codec.language_models.registry import load_writer
            from symbolic_music.codec.rendering import render_file_by_codec
            from symbolic_music.synthesis.audio import read_audio

            told: dict[str, Any] = {"text": text, "melody": None if melody is None else read_audio(melody)}
            writer = load_writer(model or "codec-lm")
            rate = writer.codec.format.sample_rate
            written = render_file_by_codec(
                score, output, writer, codes=write_codes, seed=seed, mark=mark, comment=comment, progress=progress,
                **told,
            )  # fmt: skip
        elif synth == "flow":
            from symbolic_music.codec.flow.checkpoint import load_flow
            from symbolic_music.codec.flow.rendering import render_file_by_flow

            decoder = load_flow(model or "flow")[0]
            rate = decoder.config.sample_rate
            given: dict[str, Any] = {"steps": steps, "guidance": guidance}
            written = render_file_by_flow(
                score, output, decoder, seed=seed, mark=mark, comment=comment, progress=progress,
                **{name: value for name, value in given.items() if value is not None},
            )  # fmt: skip
        else:
            written = synthesis.render_file(
                score, output, synth, rate, stem_paths=paths, soundfont=soundfont, seed=seed,
                expression=expression, voices=_voices(voice or []), mark=mark, comment=comment, progress=progress,
            )  # fmt: skip
    if as_json:
        facts = {"seconds": round(written.seconds, 3), "sample_rate": rate, "peak": round(written.peak, 4)}
        parts = [str(path) for path in written.stems.values()]
        out_json({**facts, "synth": synth, "seed": seed, "out": str(output), "stems": parts})
        return
    out(f"{output}: {written.seconds:.1f} s, {rate} Hz, peak {written.peak:.2f}")
    for path in written.stems.values():
        out(str(path))


def _render_many(
    files: list[Path],
    folder: Path,
    synth: str,
    model: str | None,
    many: ManyFilesOptions,
    as_json: bool,
    **options: Any,
) -> None:
    """Write the sound of each file into a folder."""
    if not folder.is_dir():
        raise FileError(f"no such folder: {folder}; several files are written into a folder that is there")
    given = {name: value for name, value in options.items() if value is not None}

    from symbolic_music.codec.many_files import render_files

    with working(f"rendering {len(files)} files") as progress:
        done = render_files(
            files, folder, synth, model=model, workers=many.workers, engine=many.engine,
            progress=lambda count, total: progress(count / total), **given,
        )  # fmt: skip
    if as_json:
        rows = [(str(one.source), None if one.target is None else str(one.target), one) for one in done]
        out_json([
            {"file": file, "out": target, "seconds": round(one.seconds, 3), "error": one.error}
            for file, target, one in rows
        ])  # fmt: skip
    else:
        for one in done:
            if one.target is not None:
                out(f"{one.target}: {one.seconds:.1f} s")
    tell_lost([(one.source, one.error) for one in done], "rendered")


def _excerpt(
    score: Score, at: list[str] | None, which: TrackOptions, solo: str | None, mute: str | None, tempo: float
) -> Score:
    """The part of a score that is to be heard; notes that began before it are left out.

    Tracks keep their numbers, and their places from left to right.
    """
    import numpy as np

    from symbolic_music import transforms

    if not 0.05 <= tempo <= 20:
        raise OptionError(f"--tempo is 0.05 to 20 times as fast, not {tempo:g}")
    played, silent = which.chosen(score), TrackOptions(tracks=mute).chosen(score)
    if at is not None:
        regions = [region for text in at for region in places(text)]
        if len(regions) != 1:
            raise OptionError(f"--at names one place to render, not {len(regions)}")
        score = transforms.clip(score, *score.seconds(regions[0].span(score)).tolist())
    tracks = score.notes["track"]
    kept = np.ones(len(tracks), bool) if played is None else np.isin(tracks, played)
    alone = TrackOptions(tracks=solo).chosen(score)
    if alone is not None:
        kept &= np.isin(tracks, alone)
    if silent is not None:
        kept &= ~np.isin(tracks, silent)
    score = score.replace(notes=score.notes[kept])
    return score if tempo == 1 else transforms.stretch(score, 1 / tempo)


def _voices(chosen: list[str]) -> dict[int, str]:
    """Programs and the names of voices, of PROGRAM=NAME each."""
    found = {}
    for one in chosen:
        program, equals, name = one.partition("=")
        if not equals or not program.strip().isdecimal() or not name:
            raise OptionError(f"--voice reads PROGRAM=NAME, as 40=cello, not {one!r}")
        found[int(program)] = name
    return found


def _apart(path: Path, output: Path) -> None:
    """FileError when a file that is written too is the sound itself."""
    if path.resolve() == output.resolve():
        raise FileError(f"{path} is the sound; name another file to write to")


def _stem_paths(score: Score, folder: Path, output: Path) -> dict[int, Path]:
    """A file for each track that has notes, named by number and name, in the format of the whole."""
    from symbolic_music.score import track_title

    paths = {}
    for track in sorted(set(score.notes["track"].tolist())):
        name = "".join(c if c.isalnum() else "-" for c in track_title(score, track))[:40].strip("-")
        paths[track] = folder / f"{track:02d}-{name}{output.suffix.lower()}"
    return paths
