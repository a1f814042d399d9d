"""Scores as files of a session: reading one gives the same tracks as the page shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from symbolic_music import io
from symbolic_music.errors import FileError
from symbolic_music.score import Array, Score, Track


@dataclass(frozen=True)
class Roster:
    """The tracks of a score, and which of them its file represents: MIDI has no tracks without notes.

    Args:
        tracks: name, program and whether it is drums, of each.
        played: numbers of those that have notes.
    """

    tracks: tuple[tuple[str, int, bool], ...]
    played: tuple[int, ...]

    @staticmethod
    def of(score: Score) -> Roster:
        """The roster of a score."""
        played = np.unique(score.notes["track"]).tolist()
        return Roster(tuple((t.name, t.program, t.is_drum) for t in score.tracks), tuple(played))

    @staticmethod
    def from_json(stored: dict[str, Any]) -> Roster:
        """From what `to_json` gave.

        Raises:
            FileError: when it is something else.
        """
        try:
            tracks = tuple((str(name), int(program), bool(drum)) for name, program, drum in stored["tracks"])
            played = tuple(int(number) for number in stored["played"])
        except (TypeError, KeyError, ValueError, OverflowError):
            raise FileError("the session's tracks are damaged") from None
        if not all(0 <= program < 128 for _, program, _ in tracks) or not all(0 <= n < len(tracks) for n in played):
            raise FileError("the session's tracks are damaged")
        return Roster(tracks, played)

    def to_json(self) -> dict[str, Any]:
        """Plain lists, for JSON."""
        return {"tracks": [list(one) for one in self.tracks], "played": list(self.played)}

    def restore(self, score: Score) -> Score:
        """A score read from a file with the tracks that it had when it was written, those without notes too."""
        if len(score.tracks) == len(self.tracks) or len(score.tracks) != len(self.played):
            return score
        numbers = np.array(self.played, np.int64)

        def moved(table: Array) -> Array:
            table = table.copy()
            table["track"] = numbers[table["track"]]
            return table

        return score.replace(
            notes=moved(score.notes),
            controls=moved(score.controls),
            bends=moved(score.bends),
            tracks=tuple(Track(*one) for one in self.tracks),
            texts=tuple(
                text if text.track is None else replace(text, track=int(numbers[text.track])) for text in score.texts
            ),
        )


def keep(score: Score, path: Path) -> tuple[Score, Roster]:
    """Write a score as MIDI and read it back: the file is what counts from now on."""
    io.write(score, path)
    roster = Roster.of(score)
    return roster.restore(io.read(path)), roster


def load(path: Path, roster: Roster) -> Score:
    """A score that `keep` wrote."""
    return roster.restore(io.read(path))
