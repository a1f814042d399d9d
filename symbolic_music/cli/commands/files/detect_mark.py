"""Look for the mark of rendered sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out, out_json


@examples("song.wav", "cut.ogg --json")
def detect_mark(
    file: Annotated[Path, typer.Argument(help="A sound file of at least 3 s.")], as_json: Json = False
) -> None:
    """Look for the inaudible mark of `render --mark`, and read the tag of a sound file."""
    from symbolic_music.synthesis.audio import read_audio, read_comment
    from symbolic_music.synthesis.watermark import THRESHOLD, detect_mark

    found, comment = detect_mark(read_audio(file)), read_comment(file)
    if as_json:
        facts = {"marked": found.is_marked, "score": round(found.score, 2), "threshold": THRESHOLD}
        out_json({**facts, "comment": comment or None})
        return
    out(f"{'marked' if found.is_marked else 'no mark'} (score {found.score:.1f}, threshold {THRESHOLD:g})")
    if comment:
        out(f"tag: {comment}")
