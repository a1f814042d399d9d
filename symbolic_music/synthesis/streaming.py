"""Sound as it comes: the mix of a score block by block, in bounded memory, and levelled samples in any chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from symbolic_music.errors import AudioError, EmptyScoreError, OptionError, UnknownNameError
from symbolic_music.score import Score
from symbolic_music.synthesis.ddsp.gain_estimate import estimated_gain
from symbolic_music.synthesis.ddsp.note import CONTROL_RATE
from symbolic_music.synthesis.ddsp.player import Bank
from symbolic_music.synthesis.mixing import controllers
from symbolic_music.synthesis.mixing.loudness import Limiter
from symbolic_music.synthesis.mixing.pan_and_reverb import ROOM_SECONDS, Room, Samples, place

if TYPE_CHECKING:
    from symbolic_music.synthesis.midi_ddsp.expression import Expression

SYNTHS = ("ddsp", "midi-ddsp", "soundfont")
MAX_HOURS = 6.0
# Seconds of the first block and of the longest: the first sound comes soon, later ones cost less.
FIRST_BLOCK, LONGEST_BLOCK = 0.1, 6.4
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


class Player(Protocol):
    """What plays a score: `play(n)` gives the next n samples of each track that sounds in them."""

    tracks: list[int]

    @property
    def end(self) -> int:
        """Samples until nothing sounds any more."""

    def play(self, samples: int) -> dict[int, Samples]:
        """The next samples."""


class Placed:
    """A bank whose tracks are mono, with their volume, expression and pan: stereo (2, n)."""

    def __init__(self, bank: Player, score: Score, sample_rate: int) -> None:
        self.bank, self.sample_rate, self.tracks = bank, sample_rate, bank.tracks
        places = controllers.positions(score)
        self._places = {t: controllers.pan(score, t, places[t]) for t in self.tracks}
        self._gains = {t: controllers.gain(score, t) for t in self.tracks}
        self._now = 0

    @property
    def end(self) -> int:
        """Samples until nothing sounds any more."""
        return self.bank.end

    def play(self, samples: int) -> dict[int, Samples]:
        """The next samples."""
        sounds = {}
        for track, sound in self.bank.play(samples).items():
            for curve in self._gains[track]:
                sound = sound * np.float32(curve.over(self._now, samples, self.sample_rate))
            sounds[track] = place(sound, self._places[track].over(self._now, samples, self.sample_rate))
        self._now += samples
        return sounds


def _player(score: Score, settings: Settings) -> Player:
    rate = settings.sample_rate
    if settings.synth == "soundfont":
        from symbolic_music.synthesis.sampled.soundfont import SoundFontBank

        return SoundFontBank(score, rate, settings.soundfont)
    if settings.synth == "midi-ddsp":
        from symbolic_music.synthesis.midi_ddsp.player import NeuralBank

        return Placed(NeuralBank(score, rate, settings.seed, settings.control_rate, settings.expression), score, rate)
    return Placed(Bank(score, rate, settings.seed, settings.control_rate), score, rate)


def _blocks(player: Player, score: Score, settings: Settings, progress: Progress | None) -> Iterator[int]:
    """Samples of each block: always the same, whoever listens, so that the sound is the same; reports progress."""
    rate = settings.sample_rate
    total = max(player.end, int(score.duration * rate)) + (int(ROOM_SECONDS * rate) if settings.reverb > 0 else 0)
    done, seconds = 0, FIRST_BLOCK
    while done < total:
        yield min(int(seconds * rate), total - done)
        done += int(seconds * rate)
        seconds = min(2 * seconds, LONGEST_BLOCK)
        if progress is not None:
            progress(0.95 * min(1.0, done / total))


def mixes(score: Score, settings: Settings, progress: Progress | None = None) -> Iterator[Samples]:
    """The score with its room, not yet levelled, stereo (2, n) block by block; the first is 0.1 s, the last up to 6.4.

    Raises:
        As `rendering.render`.
    """
    settings.check(score)
    player, room = _player(score, settings), Room(settings.sample_rate, settings.reverb)
    for samples in _blocks(player, score, settings, progress):
        dry = np.zeros((2, samples), np.float32)
        for sound in player.play(samples).values():
            dry += sound
        yield room.add(dry)


def stems(score: Score, settings: Settings, progress: Progress | None = None) -> Iterator[Samples]:
    """As `mixes`, with every track that has notes by itself: (tracks, 2, n). Their sum is the mix."""
    settings.check(score)
    player = _player(score, settings)
    rooms = {track: Room(settings.sample_rate, settings.reverb) for track in player.tracks}
    for samples in _blocks(player, score, settings, progress):
        sounds = player.play(samples)
        silence = np.zeros((2, samples), np.float32)
        yield np.stack([rooms[track].add(sounds.get(track, silence)) for track in player.tracks])


def levelled(blocks: Iterable[Samples], gain: float, sample_rate: int) -> Iterator[Samples]:
    """Blocks (..., n) made louder by `gain` dB and their peaks held under -1 dB."""
    limiter, factor = Limiter(sample_rate), np.float32(10 ** (gain / 20))
    previous = None
    for block in blocks:
        if previous is not None:
            yield limiter.limit(previous * factor)
        previous = block
    if previous is not None:
        yield limiter.limit(previous * factor, last=True)


def stream(
    score: Score,
    synth: str = "ddsp",
    sample_rate: int = 44100,
    *,
    chunk: int = 4096,
    gain: float | None = None,
    loudness: float = -16.0,
    soundfont: str | Path | None = None,
    reverb: float = 0.35,
    seed: int = 0,
    control_rate: float = CONTROL_RATE,
    expression: Expression | None = None,
) -> Iterator[Samples]:
    """The score as sound while it is made: stereo (2, chunk) float32 one after the other, the last maybe shorter.

    However it is cut, it is what `render` gives with the same gain. A stream must know how loud it is to be before it
    has been heard: without `gain` it takes `estimated_gain`, which is near `loudness`; `measured_gain` hits it, and
    takes a first pass.

    Args:
        score: what to play.
        synth: "ddsp", "midi-ddsp" or "soundfont".
        sample_rate: Hz, 8,000 to 192,000.
        chunk: samples at a time.
        gain: dB, of `estimated_gain` or `measured_gain`.
        loudness: LUFS to aim at when there is no gain.
        soundfont: as in `render`.
        reverb: as in `render`.
        seed: as in `render`.
        control_rate: as in `render`.
        expression: as in `render`.

    Raises:
        As `render`; OptionError too when a chunk has no samples.
    """
    settings = Settings(synth, sample_rate, soundfont, reverb, seed, control_rate, expression)
    settings.check(score)
    check_level(loudness, gain)
    if chunk < 1:
        raise OptionError(f"a chunk has at least one sample, not {chunk}")
    level = estimated_gain(score, loudness, reverb) if gain is None else gain
    return _cut(levelled(mixes(score, settings), level, sample_rate), chunk)


def _cut(blocks: Iterable[Samples], chunk: int) -> Iterator[Samples]:
    left = np.zeros((2, 0), np.float32)
    for block in blocks:
        whole = np.concatenate([left, block], axis=1)
        for at in range(0, whole.shape[1] - chunk + 1, chunk):
            yield whole[:, at : at + chunk]
        left = whole[:, whole.shape[1] // chunk * chunk :]
    if left.shape[1]:
        yield left
