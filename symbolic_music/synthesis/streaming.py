"""Streaming: the mix of a score in blocks, in bounded memory, and levelled samples in any chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Unpack

import numpy as np

from symbolic_music.errors import OptionError
from symbolic_music.score import Score
from symbolic_music.synthesis.ddsp.gain_estimate import estimated_gain
from symbolic_music.synthesis.ddsp.player import Bank
from symbolic_music.synthesis.mixing.limiter import levelled
from symbolic_music.synthesis.mixing.pan_and_reverb import ROOM_SECONDS, Room, Samples
from symbolic_music.synthesis.mixing.tracks import Placed, Player
from symbolic_music.synthesis.settings import Progress, RenderOptions, RenderSettings, settings_of
from symbolic_music.synthesis.watermark import marking

# Seconds of the first block and of the longest: the first sound comes soon, later ones cost less.
FIRST_BLOCK, LONGEST_BLOCK = 0.1, 12.8


def _player(score: Score, settings: RenderSettings) -> Player:
    rate = settings.sample_rate
    if settings.synth == "soundfont":
        from symbolic_music.synthesis.sampled.soundfont import SoundFontBank

        return SoundFontBank(score, rate, settings.soundfont)
    if settings.synth == "midi-ddsp":
        from symbolic_music.synthesis.midi_ddsp.player import NeuralBank

        bank: Bank = NeuralBank(
            score, rate, settings.seed, settings.control_rate, settings.expression, settings.programs()
        )
    else:
        bank = Bank(score, rate, settings.seed, settings.control_rate, settings.programs())
    return Placed(bank, score, rate)


def _blocks(player: Player, score: Score, settings: RenderSettings, progress: Progress | None) -> Iterator[int]:
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


def mixes(score: Score, settings: RenderSettings, progress: Progress | None = None) -> Iterator[Samples]:
    """The score with its room, not yet levelled, stereo (2, n) block by block; the first is 0.1 s, the last up to 12.8.

    Raises:
        As `rendering.render`.
    """
    settings.check_for(score)
    blocks = _mixes(score, settings, progress)
    return marking(blocks, settings.sample_rate) if settings.mark else blocks


def _mixes(score: Score, settings: RenderSettings, progress: Progress | None) -> Iterator[Samples]:
    player, room = _player(score, settings), Room(settings.sample_rate, settings.reverb)
    for samples in _blocks(player, score, settings, progress):
        dry = np.zeros((2, samples), np.float32)
        for sound in player.play(samples).values():
            dry += sound
        yield room.add(dry)


def stems(score: Score, settings: RenderSettings, progress: Progress | None = None) -> Iterator[Samples]:
    """Like `mixes`, for each track with notes: (tracks, 2, n). Their sum is the mix."""
    settings.check_for(score)
    blocks = _stems(score, settings, progress)
    if not settings.mark:
        return blocks
    # Marking is linear: marked tracks sum to the marked mix.
    count = len(np.unique(score.notes["track"]))
    marked = marking((block.reshape(2 * count, -1) for block in blocks), settings.sample_rate)
    return (block.reshape(count, 2, -1) for block in marked)


def _stems(score: Score, settings: RenderSettings, progress: Progress | None) -> Iterator[Samples]:
    player = _player(score, settings)
    rooms = {track: Room(settings.sample_rate, settings.reverb) for track in player.tracks}
    for samples in _blocks(player, score, settings, progress):
        sounds = player.play(samples)
        silence = np.zeros((2, samples), np.float32)
        yield np.stack([rooms[track].add(sounds.get(track, silence)) for track in player.tracks])


def stream(
    score: Score,
    synth: str | RenderSettings = "ddsp",
    sample_rate: int | None = None,
    *,
    chunk: int = 4096,
    **options: Unpack[RenderOptions],
) -> Iterator[Samples]:
    """Stream the audio of a score: stereo chunks (2, chunk) float32, the last one possibly shorter.

    For any chunk size, the samples equal `render` with the same gain. A stream must choose its gain before any audio
    exists: without `gain` it uses `estimated_gain`, which is near `loudness`; `measured_gain` is exact, and takes a
    first pass.

    Args:
        score: the score.
        synth: "ddsp", "midi-ddsp" or "soundfont"; or settings.
        sample_rate: Hz, 8,000 to 192,000; 44,100 when omitted.
        chunk: samples at a time.
        options: as in `render`; gain is that of `estimated_gain` or `measured_gain`.

    Raises:
        As `render`; OptionError too when a chunk has no samples.

    Examples:
        >>> next(sm.synthesis.stream(song, chunk=1024)).shape
        (2, 1024)
    """
    settings = settings_of(synth, sample_rate, options)
    settings.check_for(score)
    if chunk < 1:
        raise OptionError(f"a chunk has at least one sample, not {chunk}")
    level = settings.gain
    if level is None:
        level = estimated_gain(score, settings.loudness, settings.reverb, settings.programs())
    return _cut(levelled(mixes(score, settings), level, settings.sample_rate), chunk)


def _cut(blocks: Iterable[Samples], chunk: int) -> Iterator[Samples]:
    left = np.zeros((2, 0), np.float32)
    for block in blocks:
        whole = np.concatenate([left, block], axis=1)
        for at in range(0, whole.shape[1] - chunk + 1, chunk):
            yield whole[:, at : at + chunk]
        left = whole[:, whole.shape[1] // chunk * chunk :]
    if left.shape[1]:
        yield left
