"""Sound as it comes: the mix of a score block by block, in bounded memory, and levelled samples in any chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from symbolic_music.errors import OptionError
from symbolic_music.score import Score
from symbolic_music.synthesis.ddsp.gain_estimate import estimated_gain
from symbolic_music.synthesis.ddsp.note import CONTROL_RATE
from symbolic_music.synthesis.ddsp.player import Bank
from symbolic_music.synthesis.mixing.loudness import levelled
from symbolic_music.synthesis.mixing.pan_and_reverb import ROOM_SECONDS, Room, Samples
from symbolic_music.synthesis.mixing.tracks import Placed, Player
from symbolic_music.synthesis.settings import Progress, Settings, check_level

if TYPE_CHECKING:
    from symbolic_music.synthesis.midi_ddsp.expression import Expression

# Seconds of the first block and of the longest: the first sound comes soon, later ones cost less.
FIRST_BLOCK, LONGEST_BLOCK = 0.1, 6.4


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
