"""The context of a GPT-2 over anticipatory ids when a piece is longer than its window.

The rows of a piece are its events (rests too) and controls in the order in which they are shown: before each event,
every control whose time is at most that of the event before it + 500 steps. A window is a flag and a stretch of rows
with times that count from `base`. With C = (context - 1) // 3 rows in a window and `hop` rows a slide, it is so:

- The first window begins with the first row that is given, if all rows given and one more fit; else it has slid.
- When the next event is to be drawn, all controls due are rows, and the rows shown and that event are more than C, or
  the newest event is 90 s past `base`, the window slides: it begins with the newest C - hop rows, or with those after
  the last that is more than 50 s older than the newest event.
- `base` is the least time of the rows that a window begins with, and of the newest event, or the last multiple of the
  layout's beat before it; it changes with a slide alone.

So the distribution of each id is the model's given the flag, the rows of the window and the ids of the row so far, and
a slide, which is a whole window read again, comes once in `hop` rows. The published sampler counts the times anew for
each note, and so reads everything again for each note.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

from symbolic_music.errors import ModelError, OptionError
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.events import Events, interleave

# Time, duration, note, and whether it is a control.
Row = tuple[int, int, int, bool]
# Stands for three SEPARATORs.
_OPENING: Row = (0, 0, -1, False)
# Rows shown after a slide are no older than this, in steps: half of the range of times.
_OLDEST = v.MAX_TIME // 2


@dataclass(frozen=True)
class Layout:
    """Rows that a window holds, how many are dropped when it slides, and what multiple of steps `base` is.

    Raises:
        ModelError: when the context is too short for any music.
        OptionError: when the window would slide by nothing or by all of it.
    """

    capacity: int
    hop: int
    beat: int = 1

    def __post_init__(self) -> None:
        if self.capacity < 4:
            raise ModelError(f"a window of {self.capacity} events is too short: at least 4 (13 ids) are needed")
        if not 1 <= self.hop < self.capacity:
            raise OptionError(f"a window of {self.capacity} events slides by 1 to {self.capacity - 1}, not {self.hop}")

    @classmethod
    def of(cls, context: int, hop: int | None = None, beat: int = 1) -> Layout:
        """For a model of this many positions; the hop is half a window when omitted."""
        capacity = (context - 1) // 3
        return cls(capacity, capacity // 2 if hop is None else hop, beat)


class EventWindow:
    """The rows of one piece, and which of them are shown.

    Args:
        layout: of the window.
        past: events up to now, rests too, sorted.
        controls: all that will ever be shown, sorted.
        start: the present where there is no past, in steps.
        anticipate: what the flag says.
        opening: whether the first row begins a piece: three SEPARATORs, which count as a row, stand before it as in
            training, and while they are shown times count from 0.
    """

    def __init__(
        self, layout: Layout, past: Events, controls: Events, start: int, anticipate: bool, opening: bool
    ) -> None:
        self.layout = layout
        self.flag = v.ANTICIPATE if anticipate else v.AUTOREGRESS
        self.now = int(past[-1, 0]) if len(past) else start
        due = int((controls[:, 0] <= self.now + v.DELTA).sum())
        merged, is_control = interleave(past, controls[:due])
        self._coming: list[Row] = [_row(one, True) for one in controls[due:].tolist()]
        self._next = 0
        self.rows = [_OPENING] if opening else []
        self.rows += [_row(one, control) for one, control in zip(merged.tolist(), is_control.tolist(), strict=True)]
        self.first, self.base = 0, 0
        if not opening:
            self.base = self._least()
        if self.is_full():
            self.slide()

    def twin(self) -> EventWindow:
        """A window that can go on without this one."""
        twin = copy(self)
        twin.rows = list(self.rows)
        return twin

    def append(self, time: int, duration: int, note: int) -> None:
        """An event or rest was drawn."""
        self.rows.append((time, duration, note, False))
        self.now = time

    def show_controls(self) -> list[int]:
        """Ids of the controls that are due before the next event; they are rows from now on."""
        ids: list[int] = []
        while self._next < len(self._coming) and self._coming[self._next][0] <= self.now + v.DELTA:
            self.rows.append(self._coming[self._next])
            ids += self._ids(self.rows[-1])
            self._next += 1
        return ids

    def is_full(self) -> bool:
        """Whether the window must slide before the next event is drawn."""
        full = len(self.rows) - self.first + 1 > self.layout.capacity
        return full or self.now + 2 * v.DELTA - self.base >= v.MAX_TIME

    def slide(self) -> None:
        """Let the window begin with a newer row."""
        self.first = max(0, len(self.rows) - (self.layout.capacity - self.layout.hop))
        old = [i for i, row in enumerate(self.rows[self.first :]) if row[0] < self.now - _OLDEST or row is _OPENING]
        self.first += old[-1] + 1 if old else 0
        self.base = self._least()

    def ids(self) -> list[int]:
        """The window whole."""
        return [self.flag, *(i for row in self.rows[self.first :] for i in self._ids(row))]

    def time_id(self, time: int) -> int:
        """The id of the time of an event."""
        return v.TIME + time - self.base

    def _least(self) -> int:
        least = min([self.now, *(row[0] for row in self.rows[self.first :])])
        return least // self.layout.beat * self.layout.beat

    def _ids(self, row: Row) -> tuple[int, int, int]:
        if row is _OPENING:
            return (v.SEPARATOR, v.SEPARATOR, v.SEPARATOR)
        time, duration, note, is_control = row
        up = v.CONTROL if is_control else 0
        return (v.TIME + time - self.base + up, v.DURATION + duration + up, v.NOTE + note + up)


def _row(values: list[int], is_control: bool) -> Row:
    time, duration, note = values
    return time, duration, note, is_control
