"""Augmentation of a piece on the fly: transposition, tempo and velocity.

They change notes and tempos of a Score, so that they serve any tokenizer. The choice of controls of the anticipatory
encoding is no change of the notes: see `packed_chunks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from symbolic_music.errors import OptionError, RegionError, UnknownNameError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import DEFAULT_TEMPO, NOTE, TEMPO, Array, Score

_LARGEST = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Change:
    """One variation: semitones up, a factor of all durations, and velocity x scale + offset."""

    semitones: int = 0
    stretch: float = 1.0
    velocity_scale: float = 1.0
    velocity_offset: int = 0

    def applied(self, score: Score) -> Score:
        """The score so changed.

        Drums are not transposed, and key signatures are left alone. Velocities stay within 1..127, a velocity of 0
        stays 0. Ticks stay as they are: a stretch is one of the tempos, each rounded to a microsecond a quarter.

        Raises:
            RegionError: when a note would leave 0..127.
        """
        changes: dict[str, Array] = {}
        if (self.semitones or self._louder) and len(score.notes):
            changes["notes"] = self.vary(copied(score.notes))
        if self.stretch != 1:
            changes["tempos"] = self.stretched(score.tempos)
        return derived(score, **changes) if changes else score

    def vary(self, notes: Array) -> Array:
        """Transpose and make louder in place. RegionError when a note would leave 0..127."""
        if self.semitones:
            notes["pitch"] += np.where(notes["channel"] != DRUM_CHANNEL, self.semitones, 0).astype(np.uint8)
            if len(notes) and notes["pitch"].max() > 127:  # below 0 it has wrapped around
                raise RegionError(f"cannot transpose by {self.semitones}: pitches would leave 0..127")
        if self._louder:
            notes["velocity"] = self._velocities()[notes["velocity"]]
        return notes

    def stretched(self, tempos: Array) -> Array:
        """The tempos of stretched music."""
        if self.stretch == 1:
            return tempos
        if not len(tempos) or tempos["time"][0] > 0:
            tempos = np.concatenate([np.array([(0, DEFAULT_TEMPO)], TEMPO), tempos])
        out = tempos.copy()
        out["microseconds"] = np.rint(tempos["microseconds"] * self.stretch).clip(1, _LARGEST)
        return out

    @property
    def _louder(self) -> bool:
        return self.velocity_scale != 1 or self.velocity_offset != 0

    def _velocities(self) -> Array:
        table = np.rint(np.arange(256) * self.velocity_scale + self.velocity_offset).clip(1, 127).astype(np.uint8)
        table[0] = 0
        return np.asarray(table)


def copied(notes: Array) -> Array:
    """A note table of one's own: as plain bytes, because NumPy copies records field by field."""
    return notes.view(f"V{NOTE.itemsize}").copy().view(NOTE)


def derived(score: Score, **tables: Array) -> Score:
    """The score with these tables, which are in order and in range because they come from its own.

    `Score.replace` looks at all tables again, which takes as long as encoding a window.
    """
    new = object.__new__(Score)
    for field in fields(Score):
        object.__setattr__(new, field.name, tables.get(field.name, getattr(score, field.name)))
    for table in tables.values():
        table.flags.writeable = False
    return new


@dataclass(frozen=True)
class Augmentation:
    """The ranges of augmentation; each part is drawn independently and uniformly.

    Args:
        transpose: least and greatest shift in semitones.
        stretch: factors of duration to choose from: 1.05 is slower.
        velocity_scale: least and greatest factor of velocity.
        velocity_offset: least and greatest number that is added to it.
        pitches: lowest and highest pitch that a transposed piece may reach. A shift by which a note of the piece would
            leave them is not taken, as in the papers; a piece that no shift keeps inside is not transposed (there it
            is dropped).

    Raises:
        OptionError: for an empty range, or a factor that is not positive.

    Examples:
        >>> store = sm.corpora.NoteStore("my.store")
        >>> varied = sm.corpora.Augmentation(transpose=(-3, 3), stretch=(0.95, 1.0, 1.05))
        >>> sm.corpora.Windows(store, sm.tokenizers.get("performance"), sm.corpora.Crops(64), varied)[0].shape
        torch.Size([64])
    """

    transpose: tuple[int, int] = (0, 0)
    stretch: Sequence[float] = (1.0,)
    velocity_scale: tuple[float, float] = (1.0, 1.0)
    velocity_offset: tuple[int, int] = (0, 0)
    pitches: tuple[int, int] = (0, 127)

    def __post_init__(self) -> None:
        object.__setattr__(self, "stretch", tuple(float(factor) for factor in self.stretch))
        for name in ("transpose", "velocity_scale", "velocity_offset", "pitches"):
            low, high = getattr(self, name)
            if low > high:
                raise OptionError(f"augmentation: {name} runs from {low:g} to {high:g}; give the smaller first")
        if not 0 <= self.pitches[0] <= self.pitches[1] <= 127:
            raise OptionError(f"augmentation: pitches lie within 0 to 127, not {self.pitches}")
        if not self.stretch or min(self.stretch) <= 0 or self.velocity_scale[0] <= 0:
            raise OptionError("augmentation: stretch needs factors, and all factors are positive")

    def draw(self, lowest: int, highest: int, rng: np.random.Generator) -> Change:
        """A variation of a piece whose pitched notes lie within lowest..highest."""
        least = max(self.transpose[0], self.pitches[0] - lowest)
        greatest = min(self.transpose[1], self.pitches[1] - highest)
        return Change(
            semitones=int(rng.integers(least, greatest + 1)) if least <= greatest else 0,
            stretch=self.stretch[int(rng.integers(len(self.stretch)))],
            velocity_scale=float(rng.uniform(*self.velocity_scale)),
            velocity_offset=int(rng.integers(self.velocity_offset[0], self.velocity_offset[1] + 1)),
        )


def pitch_range(score: Score) -> tuple[int, int]:
    """Lowest and highest pitch except drums; (127, 0) without such notes, which any shift fits."""
    pitches = score.notes["pitch"][score.notes["channel"] != DRUM_CHANNEL]
    return (int(pitches.min()), int(pitches.max())) if len(pitches) else (127, 0)


NONE = Augmentation()
PRESETS = {
    "none": NONE,
    # Performance RNN (Oore et al. 2018) and Music Transformer (Huang et al. 2019, appendix): pitches of the piano.
    "music-transformer": Augmentation((-3, 3), (0.95, 0.975, 1.0, 1.025, 1.05), pitches=(21, 108)),
}


def preset(name: str) -> Augmentation:
    """The published augmentation of this name: music-transformer, or none. UnknownNameError for another.

    Examples:
        >>> sm.corpora.preset("music-transformer").transpose
        (-3, 3)
    """
    if name not in PRESETS:
        raise UnknownNameError(f"no augmentation named {name!r}: choose from {', '.join(PRESETS)}")
    return PRESETS[name]
