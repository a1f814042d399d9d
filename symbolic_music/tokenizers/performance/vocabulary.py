"""The layout of the two performance vocabularies."""

from __future__ import annotations

from dataclasses import dataclass

SHIFTS, BINS = 100, 32
STEPS_PER_SECOND = 100


@dataclass(frozen=True)
class Layout:
    """A vocabulary: `specials` (PAD, EOS), NOTE_ON and NOTE_OFF of pitches low..high, TIME_SHIFT, VELOCITY."""

    low: int
    high: int
    specials: tuple[str, ...] = ()

    @property
    def pitches(self) -> int:
        """Number of pitches."""
        return self.high - self.low + 1

    @property
    def on(self) -> int:
        """First NOTE_ON."""
        return len(self.specials)

    @property
    def off(self) -> int:
        """First NOTE_OFF."""
        return self.on + self.pitches

    @property
    def shift(self) -> int:
        """TIME_SHIFT of one step."""
        return self.off + self.pitches

    @property
    def velocity(self) -> int:
        """First VELOCITY bin."""
        return self.shift + SHIFTS

    @property
    def size(self) -> int:
        """Number of ids."""
        return self.velocity + BINS

    def names(self) -> tuple[str, ...]:
        """Name of each id."""
        return (
            *(f"{s}_None" for s in self.specials),
            *(f"NoteOn_{p}" for p in range(self.low, self.high + 1)),
            *(f"NoteOff_{p}" for p in range(self.low, self.high + 1)),
            *(f"TimeShift_{s + 1}" for s in range(SHIFTS)),
            *(f"Velocity_{b + 1}" for b in range(BINS)),
        )


# Ids of the specials, in a layout that has them.
PAD, EOS = 0, 1
LAYOUTS = {"default": Layout(0, 127), "score2perf": Layout(21, 108, ("PAD", "EOS"))}
