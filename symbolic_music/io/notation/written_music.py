"""Written music: parts of measures, before the conversion to time.

Times are ticks, `TICKS` a quarter note; within a measure they count from its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

# Divisible by 32nds, triplets, quintuplets and septuplets of a quarter.
TICKS = 10_080
# A measure longer than this is no measure: 1,024 whole notes.
MAX_MEASURE = 4096 * TICKS


@dataclass(slots=True)
class WrittenNote:
    """A note head. `grace` is its place among the grace notes before `at` (1 is the first), 0 for any other note."""

    at: int
    length: int
    pitch: int
    voice: str = "1"
    drum: bool = False
    instrument: str = ""
    velocity: int | None = None
    accent: int = 0
    tied_on: bool = False
    tied_from: bool = False
    grace: int = 0
    steal: float = 0.0
    element: Element | None = None


@dataclass(slots=True)
class Measure:
    """A measure of one part. `content` is how far its notes and rests reach."""

    number: str = ""
    implicit: bool = False
    content: int = 0
    notes: list[WrittenNote] = field(default_factory=list)
    meters: list[tuple[int, int, int]] = field(default_factory=list)
    keys: list[tuple[int, int, int]] = field(default_factory=list)
    # (at, quarters a minute), (at, velocity; negative: of one note only), (at, +1 or -1: a hairpin begins, 0: ends)
    tempos: list[tuple[int, float]] = field(default_factory=list)
    dynamics: list[tuple[int, int]] = field(default_factory=list)
    hairpins: list[tuple[int, int]] = field(default_factory=list)
    pedals: list[tuple[int, int]] = field(default_factory=list)
    # (at, text, kind, verse)
    texts: list[tuple[int, str, str, int]] = field(default_factory=list)
    repeat_start: bool = False
    repeat_times: int = 0  # plays of what ends here; 0 where no repeat ends
    ending: tuple[int, ...] = ()  # the passes in which this measure is played; () is all
    jumps: set[str] = field(default_factory=set)  # segno, coda, dacapo, dalsegno, tocoda, fine


@dataclass(slots=True)
class Instrument:
    """The sound of an instrument of a part; `key` is the drum of an unpitched note."""

    name: str = ""
    program: int | None = None
    channel: int | None = None
    key: int | None = None
    volume: int | None = None
    pan: int | None = None


@dataclass(slots=True)
class Part:
    """A part, as long as all the others in measures."""

    id: str = ""
    name: str = ""
    instruments: dict[str, Instrument] = field(default_factory=dict)
    measures: list[Measure] = field(default_factory=list)
    transposes: bool = False


@dataclass(slots=True)
class Written:
    """A piece; `left_out` counts what is not read, by its name."""

    parts: list[Part] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def miss(self, what: str, count: int = 1) -> None:
        """Count something that is written and not read."""
        self.left_out[what] = self.left_out.get(what, 0) + count
