"""Pieces that are written at the same time: by writers that ask for what comes next, or handed out one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Drawn = TypeVar("Drawn")
Result = TypeVar("Result")
# Yields what may be next, and gets what is drawn.
Writer = Generator[Asked, Drawn, Result]


def written_together(
    draw: Callable[[Mapping[int, Asked]], Mapping[int, Drawn]], writers: Sequence[Writer[Asked, Drawn, Result]]
) -> list[Result]:
    """What each writer returns.

    Args:
        draw: of some pieces, by their numbers, what might be next.
        writers: one a piece.
    """
    turns = turns_of(draw, writers)
    while True:
        try:
            next(turns)
        except StopIteration as stop:
            results: list[Result] = stop.value
            return results


def turns_of(
    draw: Callable[[Mapping[int, Asked]], Mapping[int, Drawn]], writers: Sequence[Writer[Asked, Drawn, Result]]
) -> Generator[None, None, list[Result]]:
    """As `written_together`, with a pause after each turn."""
    asked: dict[int, Asked] = {}
    found: dict[int, Result] = {}

    def go_on(number: int, drawn: Drawn | None) -> None:
        try:
            asked[number] = next(writers[number]) if drawn is None else writers[number].send(drawn)
        except StopIteration as stop:
            found[number] = stop.value
            asked.pop(number, None)

    for number in range(len(writers)):
        go_on(number, None)
    while asked:
        for number, drawn in draw(asked).items():
            go_on(number, drawn)
        yield
    return [found[number] for number in range(len(writers))]


class HandedOut(Generic[Drawn]):
    """What is drawn for pieces that are handed out one after the other.

    Those after it are written along with a piece, since they then cost little.

    Args:
        count: of pieces.
        draw: appends to some of them, by their numbers; what it drew, without those that have ended.
    """

    def __init__(self, count: int, draw: Callable[[Sequence[int]], Mapping[int, Drawn]]) -> None:
        self._draw = draw
        self._ahead: list[deque[Drawn]] = [deque() for _ in range(count)]
        self._going = set(range(count))

    def of(self, number: int) -> Iterator[Drawn]:
        """All of a piece, those before which are not needed any more."""
        self._going -= set(range(number))
        while True:
            if self._ahead[number]:
                yield self._ahead[number].popleft()
            elif number in self._going:
                drawn = self._draw(sorted(self._going))
                self._going &= set(drawn)
                for piece, one in drawn.items():
                    self._ahead[piece].append(one)
            else:
                return
