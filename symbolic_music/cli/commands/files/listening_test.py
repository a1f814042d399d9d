"""Make a listening test, and evaluate its answers."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symbolic_music.cli.options.common import Json, Seed
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out, out_json, show, working
from symbolic_music.cli.output.paths import check_output

if TYPE_CHECKING:
    from symbolic_music.evaluation.listening import Clip, Judged

_SOUND = (".wav", ".flac", ".ogg", ".mp3")


@examples("model copy original -o page.html --kind pairwise", "answers-1.json answers-2.json --key page.key.json")
def listening_test(
    sources: Annotated[
        list[Path],
        typer.Argument(help="One folder for each system, with files of the same names; with --key, files of answers."),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The HTML page; its key is written next to it.")
    ] = None,
    kind: Annotated[str, typer.Option(help="pairwise, mos or mushra (one folder named reference).")] = "pairwise",
    question: Annotated[str, typer.Option(help="The question shown to listeners, in place of the default.")] = "",
    key: Annotated[Path | None, typer.Option(help="The key of a page, to evaluate answers.")] = None,
    sample_rate: Annotated[int, typer.Option(help="Sample rate at which MIDI files are rendered.", min=8000)] = 32000,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Make a blind listening test as one HTML file with its audio, or evaluate the saved answers."""
    from symbolic_music.errors import OptionError
    from symbolic_music.evaluation import listening

    if key is not None:
        rows = listening.read_answers([_read(path) for path in sources], _read(key))
        _tell(listening.judge(rows, seed), as_json)
        return
    if output is None:
        raise OptionError("name the page to write with -o PAGE.html, or the key of a page with --key")
    if output.suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"cannot write {output.suffix or 'a file without suffix'}: name it .html")
    from symbolic_music.io.atomic import write_bytes

    check_output(output)
    clips = _clips(sources, sample_rate)
    page, names = listening.listening_page(clips, kind, question, seed)  # type: ignore[arg-type]
    write_bytes(output, page.encode(errors="replace"))
    beside = output.with_suffix(".key.json")
    write_bytes(beside, (json.dumps(names, indent=1) + "\n").encode())
    trials = page.count('"clips"')
    if as_json:
        out_json({"out": str(output), "key": str(beside), "kind": kind, "clips": len(clips), "trials": trials})
    else:
        out(f"{output}: {trials} trials of {len(clips)} clips; keep {beside} to yourself")


def _clips(folders: list[Path], sample_rate: int) -> list[Clip]:
    from symbolic_music.errors import FileError
    from symbolic_music.evaluation.listening import Clip
    from symbolic_music.io.files import MIDI_SUFFIXES

    found: list[Clip] = []
    with working("rendering") as progress:
        for number, folder in enumerate(folders):
            if not folder.is_dir():
                raise FileError(f"{folder} is not a folder: a listening test takes a folder a system")
            # Pipes, folders and links to nothing are no files, whatever they are called.
            paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (*_SOUND, *MIDI_SUFFIXES) and p.is_file())
            for path in paths:
                if path.suffix.lower() in _SOUND:
                    found.append(Clip(path.stem, folder.resolve().name, path.read_bytes(), path.suffix))
                else:
                    found.append(Clip(path.stem, folder.resolve().name, _rendered(path, sample_rate), ".flac"))
            progress((number + 1) / len(folders))
    if not found:
        raise FileError(f"{', '.join(map(str, folders))}: no MIDI or audio files")
    return found


def _rendered(path: Path, sample_rate: int) -> bytes:
    from symbolic_music.io import read
    from symbolic_music.synthesis import render

    with tempfile.TemporaryDirectory() as folder:
        return render(read(path), sample_rate=sample_rate).write(Path(folder) / "clip.flac").read_bytes()


def _read(path: Path) -> Any:
    from symbolic_music.errors import FileError

    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise FileError(f"{path} is not JSON") from None


def _tell(found: Judged, as_json: bool) -> None:
    if as_json:
        means = {n: {"mean": m.value, "low": m.low, "high": m.high, "n": m.n} for n, m in found.means.items()}
        strengths = {n: {"value": s.value, "low": s.low, "high": s.high} for n, s in found.strengths.items()}
        pairs = [{"first": a, "second": b, "p": p, "holm": h} for (a, b), (p, h) in found.tests.items()]
        counts = {"listeners": found.listeners, "judgements": found.judgements}
        out_json({**counts, "means": means, "strengths": strengths, "tests": pairs})
        return
    from rich.table import Table

    title = f"{found.judgements} judgements of {found.listeners} listeners"
    table = Table("system", "mean", "95 %", "strength", "95 %", "n", title=title)
    for name, one in sorted(found.means.items(), key=lambda pair: -pair[1].value):
        strength = found.strengths.get(name)
        cells = [f"{strength.value:+.2f}", f"{strength.low:+.2f} to {strength.high:+.2f}"] if strength else ["", ""]
        table.add_row(name, f"{one.value:.2f}", f"{one.low:.2f} to {one.high:.2f}", *cells, str(one.n))
    tests = Table("pair", "p", "Holm")
    for (first, second), (p, corrected) in found.tests.items():
        tests.add_row(f"{first}, {second}", f"{p:.4f}", f"{corrected:.4f}")
    show(table, tests)
