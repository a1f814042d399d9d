"""Folders of pieces to compare: read piece by piece, without those that cannot be read or have no notes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from symbolic_music.errors import FileError, ScoreError
from symbolic_music.evaluation.features import reference_similarity
from symbolic_music.evaluation.statistics import Mean, mean
from symbolic_music.io.files import MIDI_SUFFIXES, read
from symbolic_music.score import Score


class Folder:
    """The pieces of a folder that have notes, one after the other, for `compare`; the others are named in `left_out`.

    Args:
        folder: with MIDI files, also in its folders.

    Raises:
        FileError: when it is no folder, or has no MIDI file.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise FileError(f"{folder} is not a folder: compare takes two folders of MIDI files")
        self.folder = folder
        self.paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MIDI_SUFFIXES)
        if not self.paths:
            raise FileError(f"{folder} has no MIDI files")
        self.left_out: dict[str, str] = {}  # path to the reason

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Score]:
        for path in self.paths:
            score = self.read(path)
            if score is not None:
                yield score

    def read(self, path: Path) -> Score | None:
        """A piece; None where it is left out."""
        try:
            score = read(path)
        except (FileError, ScoreError) as error:
            self.left_out[str(path)] = str(error).removeprefix(f"{path}: ")
            return None
        if not len(score):
            self.left_out[str(path)] = "no notes"
        return score if len(score) else None


def paired_means(first: Folder, second: Folder, seed: int = 0) -> dict[str, Mean]:
    """Means of `features.reference_similarity` over the files that both folders have. FileError when there is none."""
    theirs = {path.relative_to(second.folder) for path in second.paths}
    rows, names = [], []
    for name in (path.relative_to(first.folder) for path in first.paths):
        own = first.read(first.folder / name) if name in theirs else None
        other = second.read(second.folder / name) if own is not None else None
        if own is not None and other is not None:
            rows.append(reference_similarity.features(own, other))
            names.append(str(name))
    if not rows:
        raise FileError("the folders have no file of the same name: --pairs needs some")
    return {metric: mean([row[metric] for row in rows], names, seed=seed) for metric in rows[0]}
