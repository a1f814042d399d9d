"""Settings of rendering, shared by all ways to render."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from symbolic_music.errors import AudioError, EmptyScoreError, OptionError, UnknownNameError, check_seed
from symbolic_music.score import Score
from symbolic_music.synthesis.ddsp.note import CONTROL_RATE
from symbolic_music.synthesis.ddsp.presets import Voice
from symbolic_music.synthesis.ddsp.voices import voices_of

if TYPE_CHECKING:
    from symbolic_music.synthesis.midi_ddsp.expression import Expression


SYNTHS = ("ddsp", "midi-ddsp", "soundfont")
MAX_HOURS = 6.0


Progress = Callable[[float], None]


@dataclass(frozen=True)
class RenderSettings:
    """How a score is to be played. The same settings give the same samples.

    Args:
        synth: "ddsp", the built-in voices; "midi-ddsp", the trained ones if they exist; or "soundfont", sampled
            instruments through tinysoundfont.
        sample_rate: Hz, 8,000 to 192,000.
        soundfont: a .sf2 or .sf3 file for "soundfont"; the small General MIDI one of pretty_midi when omitted.
        reverb: level of the room, 0 for none.
        loudness: of the whole in LUFS.
        gain: dB by which to make it louder, in place of measuring how loud it is.
        seed: places the noise and the vibrato of the notes.
        control_rate: frames a second of the control curves, 50 to 1,000 Hz; not of "soundfont".
        expression: the six controls of every note, and the voices, of "midi-ddsp"; drawn from the score when omitted.
        voices: program to the name of a voice (`synthesis.ddsp.voices`) that plays it in place of its own, for "ddsp",
            and for "midi-ddsp" where a program has no trained voice.
        mark: whether the sound has the inaudible mark that `synthesis.watermark` finds.

    Examples:
        >>> settings = sm.synthesis.RenderSettings(sample_rate=22050, reverb=0.0, seed=1)
        >>> sm.render(melody, settings).sample_rate
        22050
    """

    synth: str = "ddsp"
    sample_rate: int = 44100
    _: KW_ONLY
    soundfont: str | Path | None = None
    reverb: float = 0.35
    loudness: float = -16.0
    gain: float | None = None
    seed: int = 0
    control_rate: float = CONTROL_RATE
    expression: Expression | None = None
    voices: Mapping[int, str] = field(default_factory=dict)
    mark: bool = False

    def check(self) -> None:
        """Raise what `rendering.render` raises for a value out of its range."""
        if self.synth not in SYNTHS:
            raise UnknownNameError(f"no synth {self.synth!r}; there are: {', '.join(SYNTHS)}")
        if self.expression is not None and self.synth != "midi-ddsp":
            raise OptionError(f"an expression is for the synth midi-ddsp, not for {self.synth}")
        if self.voices and self.synth == "soundfont":
            raise OptionError("voices are for the synths ddsp and midi-ddsp: a SoundFont has its own")
        if not 8_000 <= self.sample_rate <= 192_000:
            raise OptionError(f"the sample rate is 8000 to 192000 Hz, not {self.sample_rate}")
        if not 0 <= self.reverb <= 4:
            raise OptionError(f"reverb is a level from 0 to 4, not {self.reverb:g}")
        if not 50 <= self.control_rate <= 1000:
            raise OptionError(f"the control rate is 50 to 1000 Hz, not {self.control_rate:g}")
        check_level(self.loudness, self.gain)
        check_seed(self.seed)
        self.programs()

    def check_for(self, score: Score) -> None:
        """Like `check`; also for a score that is empty or too long."""
        if not len(score):
            raise EmptyScoreError("this score has no notes to play")
        self.check()
        check_length(score)

    def programs(self) -> tuple[Voice, ...]:
        """The voice of each of the 128 programs.

        Raises:
            UnknownNameError, PluginError: for a voice that is not there.
            OptionError: for a program that does not exist.
        """
        return voices_of(self.voices)


class RenderOptions(TypedDict, total=False):
    """Settings of `RenderSettings` as keywords, where they are not the default."""

    soundfont: str | Path | None
    reverb: float
    loudness: float
    gain: float | None
    seed: int
    control_rate: float
    expression: Expression | None
    voices: Mapping[int, str]
    mark: bool


def settings_of(synth: str | RenderSettings, sample_rate: int | None, options: Mapping[str, Any]) -> RenderSettings:
    """Settings, or the name of a synth, with a rate and options that change them."""
    settings = synth if isinstance(synth, RenderSettings) else RenderSettings(synth)
    rate = settings.sample_rate if sample_rate is None else sample_rate
    return replace(settings, sample_rate=rate, **options)


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
