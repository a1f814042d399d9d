"""The main task on an example piece: rewrite, continue, render, plot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbolic_music.cli.options.common import Json, Seed
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out, out_json, working
from symbolic_music.errors import FileError, MissingExtraError

if TYPE_CHECKING:
    from symbolic_music.score import Score

# Of the test split: the bundled model has not seen it.
CHORALE = "bach/bwv90.5"
MORE_SECONDS = 12.0


@examples("--out demo")
def demo(
    folder: Annotated[Path, typer.Option("--out", help="The folder to write to; created if missing.")] = Path("demo"),
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Rewrite the lower voices in the middle of a Bach chorale, continue the result, render and plot both."""
    from symbolic_music import generation, models

    _make(folder)
    original = _chorale()
    start, end = _middle(original)
    model = models.load_model(None)
    with working("rewriting the middle"):
        edit = generation.edit(original, [generation.Region(start, end)], [1, 2, 3], model, seed=seed)
        written = edit.finish()[0]
    infilled, count = written.score, len(written.notes)
    with working("continuing the result"):
        continued = generation.generate(infilled, MORE_SECONDS, model, seed=seed)
    files = [
        original.write(folder / "original.mid"),
        *_present(folder / "infill", infilled, original, (start, end)),
        *_present(folder / "continuation", continued, infilled, (infilled.duration, continued.duration)),
    ]
    if as_json:
        facts = {"piece": CHORALE, "from": start, "to": end, "notes_written": count, "seed": seed}
        out_json({**facts, "out": str(folder), "files": [str(p) for p in files]})
        return
    out(f"{CHORALE}: {count} notes written for alto, tenor and bass from {start:g} s to {end:g} s, under the soprano")
    out(f"and a continuation of {continued.duration - infilled.duration:.1f} s:")
    out()
    for path in files:
        out(f"  {path}")
    out()
    out("Next, with your own file:")
    out("  symbolic-music info FILE.mid")
    out("  symbolic-music infill FILE.mid --at bars:8-12 --tracks 1,2 --seed 1 -o NEW.mid")
    out("  symbolic-music plot NEW.mid --compare FILE.mid -o NEW.png")
    out("  symbolic-music render NEW.mid -o NEW.wav")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make folder {folder}: {error.strerror}") from None


def _chorale() -> Score:
    try:
        from music21 import corpus
    except ImportError:
        raise MissingExtraError("music21", "demo") from None
    from symbolic_music.io import from_music21

    return from_music21(corpus.parse(CHORALE))


def _middle(score: Score) -> tuple[float, float]:
    """Seconds of the bars that lie in the middle third."""
    bars = score.bars()
    third = len(bars) // 3
    start, end = score.seconds(bars[[third, 2 * third]])
    return round(float(start), 3), round(float(end), 3)


def _present(stem: Path, score: Score, before: Score, region: tuple[float, float]) -> list[Path]:
    """Write a score as MIDI, as sound and as a picture in which what is new stands out."""
    from symbolic_music import plotting, synthesis

    new = plotting.absent_from(score, before)
    with working(f"rendering {stem.name}") as progress:
        audio = synthesis.render(score, progress=progress)
    return [
        score.write(stem.with_suffix(".mid")),
        audio.write(stem.with_suffix(".wav")),
        plotting.save_piano_roll(score, stem.with_suffix(".png"), new, region, f"{CHORALE}, {stem.name}"),
    ]
