"""Several candidates for each alternative, of which the one that fits its surroundings best is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from typing_extensions import override

from symbolic_music.generation.near_copies import flagged
from symbolic_music.generation.ranking import fit_of
from symbolic_music.generation.results import EditSession, Written, WrittenNote


class BestOf(EditSession):
    """An edit with several candidates for each alternative.

    `stream` yields the notes of all candidates as they are drawn; `results` has those that are kept.

    Args:
        candidates: an edit whose alternatives are the candidates, those of the first alternative first.
        each: candidates of an alternative.
    """

    def __init__(self, candidates: EditSession, each: int) -> None:
        self._candidates, self._each = candidates, each

    @override
    @property
    def done(self) -> float:
        return self._candidates.done

    @override
    def stream(self) -> Iterator[WrittenNote]:
        for note in self._candidates.stream():
            yield replace(note, alternative=note.alternative // self._each)

    @override
    def results(self) -> list[Written]:
        groups: dict[int, list[Written]] = {}
        for one in self._candidates.results():
            groups.setdefault(one.number // self._each, []).append(one)
        return flagged([replace(max(own, key=_rank), number=n, copy_of=None) for n, own in sorted(groups.items())])


def _rank(one: Written) -> tuple[bool, bool, float]:
    return not one.emptied, one.complete, fit_of(one)[0] or 0.0
