"""How a score is played: the settings that every way of rendering takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from symbolic_music.errors import AudioError, EmptyScoreError, OptionError, UnknownNameError
from symbolic_music.score import Score
from symbolic_music.synthesis.ddsp.note import CONTROL_RATE

if TYPE_CHECKING:
    from symbolic_music.synthesis.midi_ddsp.expression import Expression


SYNTHS = ("ddsp", "midi-ddsp", "soundfont")
MAX_HOURS = 6.0


Progress = Callable[[float], None]


@dataclass(frozen=True)
class Settings:
    """How a score is to be played; see `rendering.render`."""

    synth: str = "ddsp"
    sample_rate: int = 44100
    soundfont: str | Path | None = None
    reverb: float = 0.35
    seed: int = 0
    control_rate: float = CONTROL_RATE
    expression: Expression | None = None

    def check(self, score: Score) -> None:
        """Raise what `rendering.render` raises for a score that is empty or too long, or a value out of its range."""
        if not len(score):
            raise EmptyScoreError("this score has no notes to play")
        if self.synth not in SYNTHS:
            raise UnknownNameError(f"no synth {self.synth!r}; there are: {', '.join(SYNTHS)}")
        if self.expression is not None and self.synth != "midi-ddsp":
            raise OptionError(f"an expression is for the synth midi-ddsp, not for {self.synth}")
        if not 8_000 <= self.sample_rate <= 192_000:
            raise OptionError(f"the sample rate is 8000 to 192000 Hz, not {self.sample_rate}")
        if not 0 <= self.reverb <= 4:
            raise OptionError(f"reverb is a level from 0 to 4, not {self.reverb:g}")
        if not 50 <= self.control_rate <= 1000:
            raise OptionError(f"the control rate is 50 to 1000 Hz, not {self.control_rate:g}")
        check_length(score)


def check_length(score: Score) -> None:
    """Raise AudioError for a score that lasts more than MAX_HOURS."""
    if score.duration > MAX_HOURS * 3600:
        raise AudioError(f"this score lasts {score.duration / 3600:.1f} hours; clip it to at most {MAX_HOURS:g}")


def check_level(loudness: float, gain: float | None = None) -> None:
    """Raise OptionError for a loudness or a gain that nothing can have."""
    if not -70 <= loudness <= 0:
        raise OptionError(f"loudness is -70 to 0 LUFS, not {loudness:g}")
    if gain is not None and not -200 <= gain <= 200:
        raise OptionError(f"a gain is -200 to 200 dB, not {gain:g}")
