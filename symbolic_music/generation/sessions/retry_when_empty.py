"""Sample an edit again if it would write nothing, or leave a region empty that had notes, unless that is allowed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

from typing_extensions import override

from symbolic_music.errors import NothingWrittenError
from symbolic_music.generation.near_copies import flagged
from symbolic_music.generation.results import EditSession, Written, WrittenNote

# How often in all; a model that writes nothing four times has nothing to say there.
ATTEMPTS = 4
# Between the seeds of attempts.
_APART = 1_000_003
_log = logging.getLogger(__name__)


def silent(one: Written) -> bool:
    """Whether no note was written at all."""
    return not len(one.notes)


def deleting(one: Written) -> bool:
    """Whether no note was written at all, or none in a region that had some."""
    return one.emptied or silent(one)


class Redrawing(EditSession):
    """An edit whose alternatives are drawn again, with other seeds, where they write nothing.

    The first attempt is the edit as it would be without; notes of further ones are handed out after its own.

    Args:
        begin: makes the edit with a seed and a number of alternatives.
        seed, count: of the first attempt.
        empty: which alternatives are drawn again.

    Raises:
        NothingWrittenError: by `stream` and `finish`, when an alternative is empty each time.
    """

    def __init__(
        self,
        begin: Callable[[int, int], EditSession],
        seed: int,
        count: int,
        empty: Callable[[Written], bool] = deleting,
    ) -> None:
        self._begin, self._seed, self._empty = begin, seed, empty
        self._writing = begin(seed, count)
        self._numbers = list(range(count))  # of the alternatives that are being drawn
        self._found: dict[int, Written] = {}

    @override
    @property
    def done(self) -> float:
        """Of the attempt under way."""
        return self._writing.done

    @override
    def stream(self) -> Iterator[WrittenNote]:
        for attempt in range(1, ATTEMPTS + 1):
            for note in self._writing.stream():
                yield replace(note, alternative=self._numbers[note.alternative])
            self._keep()
            self._numbers = [number for number in self._numbers if self._empty(self._found[number])]
            if not self._numbers:
                return
            if attempt < ATTEMPTS:
                where = " where the piece has some" if self._deletes() else ""
                _log.warning("no notes%s: sampling again (%d of %d)", where, attempt + 1, ATTEMPTS)
                self._writing = self._begin(self._seed + attempt * _APART, len(self._numbers))
        where = " where the piece has notes, which would only delete them" if self._deletes() else ""
        raise NothingWrittenError(
            f"nothing was written in {ATTEMPTS} attempts{where}; try another seed, a larger region or wider limits"
        )

    def _deletes(self) -> bool:
        return any(self._found[number].emptied for number in self._numbers)

    def _keep(self) -> None:
        if not self._numbers:  # all are kept
            return
        for one in self._writing.results():
            number = self._numbers[one.number]
            self._found[number] = replace(one, number=number, copy_of=None)

    @override
    def results(self) -> list[Written]:
        """Of an interrupted edit those that are not empty."""
        self._keep()
        return flagged([one for _, one in sorted(self._found.items()) if not self._empty(one)])
