"""Options and output shared by verbs that edit a score without a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbolic_music.cli.options.common import Json
from symbolic_music.cli.options.region_and_tracks import RegionOptions, TrackOptions
from symbolic_music.cli.output.console import out, out_json
from symbolic_music.cli.output.paths import check_output
from symbolic_music.errors import FileError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from symbolic_music.score import Score


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """The output of an edited score."""

    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write: .mid or .musicxml.")]
    as_json: Json = False

    def read(self, file: Path) -> Score:
        """The input, once it is sure that the output can be written."""
        if self.output.suffix.lower() not in (".mid", ".midi", ".kar", ".smf", ".rmi", ".musicxml", ".xml"):
            raise FileError(f"cannot write {self.output.suffix or 'a file without suffix'}: name it .mid or .musicxml")
        check_output(self.output, file)
        from symbolic_music.io import read

        return read(file)

    def write(self, before: Score, after: Score, what: str) -> None:
        """Write and say what was done."""
        after.write(self.output)
        if self.as_json:
            facts = {"notes_before": len(before), "notes": len(after), "seconds": round(after.duration, 3)}
            out_json({**facts, "out": str(self.output)})
            return
        out(f"{self.output}: {what}; {len(after):,} notes, {after.duration:.1f} s")


def rows_of(score: Score, where: RegionOptions, which: TrackOptions) -> NDArray[np.int64]:
    """Notes that begin in the regions, in the tracks; all where nothing was named."""
    import numpy as np

    from symbolic_music.edits import rows_in

    tracks = which.chosen(score)
    spans = [region.span(score) for region in where.regions()] or [(0, max(1, score.end + 1))]
    return np.unique(np.concatenate([rows_in(score, first, last, tracks) for first, last in spans]))
