"""Edits of one piece, each with one alternative, as one session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from typing_extensions import override

from symbolic_music.generation.near_copies import flagged
from symbolic_music.generation.results import EditSession, Written, WrittenNote


class OneAfterAnother(EditSession):
    """Edits of one piece, each with one alternative, as the alternatives of one `EditSession`."""

    def __init__(self, writings: Sequence[EditSession]) -> None:
        self._writings = list(writings)

    @override
    @property
    def done(self) -> float:
        return sum(writing.done for writing in self._writings) / len(self._writings)

    @override
    def stream(self) -> Iterator[WrittenNote]:
        for number, writing in enumerate(self._writings):
            for note in writing.stream():
                yield replace(note, alternative=number)

    @override
    def results(self) -> list[Written]:
        found = [(number, one) for number, writing in enumerate(self._writings) for one in writing.results()]
        return flagged([replace(one, number=number) for number, one in found])
