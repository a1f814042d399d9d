"""Streaming: the mix of a score in blocks, in bounded memory, and levelled samples in any chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import TypeVar, Unpack

import numpy as np
import torch

from symbolic_music.errors import OptionError
from symbolic_music.parallel.threads import Workers, one_core
from symbolic_music.score import Score
from symbolic_music.synthesis.ddsp.gain_estimate import estimated_gain
from symbolic_music.synthesis.ddsp.player import Bank
from symbolic_music.synthesis.mixing.limiter import levelled
from symbolic_music.synthesis.mixing.pan_and_reverb import ROOM_SECONDS, Room, Samples
from symbolic_music.synthesis.mixing.tracks import Placed, Player
from symbolic_music.synthesis.settings import Progress, RenderOptions, RenderSettings, settings_of
from symbolic_music.synthesis.watermark import marking

# Seconds of a stream's first block and of the longest: the first sound comes soon, later ones cost less.
FIRST_BLOCK, LONGEST_BLOCK = 0.1, 12.8
# Blocks up to so many seconds are handed on as soon as they are made, since somebody waits for them.
AT_ONCE = 0.5
# Python's interpreter runs in one thread at a time, so that further ones would wait for it.
MOST_THREADS = 4
Item = TypeVar("Item")


def _player(score: Score, settings: RenderSettings, workers: Workers) -> Player:
    rate = settings.sample_rate
    if settings.synth == "soundfont":
        from symbolic_music.synthesis.sampled.soundfont import SoundFontBank

        return SoundFontBank(score, rate, settings.soundfont)
    if settings.synth == "midi-ddsp":
        from symbolic_music.synthesis.midi_ddsp.player import NeuralBank

        bank: Bank = NeuralBank(
            score, rate, settings.seed, settings.control_rate, settings.expression, settings.programs(), workers
        )
    else:
        bank = Bank(score, rate, settings.seed, settings.control_rate, settings.programs(), workers)
    return Placed(bank, score, rate)


def _blocks(player: Player, score: Score, settings: RenderSettings, first: float) -> list[int]:
    """Samples of each block: the first of so many seconds, each twice as long as the last, up to the longest."""
    rate = settings.sample_rate
    total = max(player.end, int(score.duration * rate)) + (int(ROOM_SECONDS * rate) if settings.reverb > 0 else 0)
    blocks, done, seconds = [], 0, min(first, LONGEST_BLOCK)
    while done < total:
        blocks.append(min(int(seconds * rate), total - done))
        done += blocks[-1]
        seconds = min(2 * seconds, LONGEST_BLOCK)
    return blocks


def _reporting(blocks: Iterable[Samples], sizes: list[int], progress: Progress | None) -> Iterator[Samples]:
    """The blocks; progress is reported after each."""
    done, total = 0, sum(sizes)
    for block in blocks:
        yield block
        done += block.shape[-1]
        if progress is not None:
            progress(0.95 * done / total)


def _with_room(
    play: Callable[[int], Item], add_room: Callable[[Item], Samples], sizes: list[int], at_once: float, workers: Workers
) -> Iterator[Samples]:
    """Blocks of these sizes. Another thread adds the room of one while this one uses the last and plays the next.

    Those of up to `at_once` samples are not kept until then.
    """
    coming: Future[Samples] | None = None
    for samples in sizes:
        with one_core():
            sound = play(samples)
        # A room goes on from the block before, so it gets one after the other.
        before = None if coming is None else coming.result()
        with one_core():
            coming = workers.submit(partial(add_room, sound))
        if before is not None:
            yield before
        if samples <= at_once or workers.alone:
            yield coming.result()
            coming = None
    if coming is not None:
        yield coming.result()


def mixes(
    score: Score, settings: RenderSettings, progress: Progress | None = None, first: float = LONGEST_BLOCK
) -> Iterator[Samples]:
    """The score with its room, not yet levelled, stereo (2, n) block by block, the first of so many seconds.

    The sound does not depend on the blocks, but for rounding (100 dB under it).

    Raises:
        As `rendering.render`.
    """
    settings.check_for(score)
    blocks = _mixes(score, settings, progress, first)
    return marking(blocks, settings.sample_rate) if settings.mark else blocks


def _mixes(score: Score, settings: RenderSettings, progress: Progress | None, first: float) -> Iterator[Samples]:
    with Workers(min(torch.get_num_threads(), MOST_THREADS)) as workers:
        with one_core():
            player, room = _player(score, settings, workers), Room(settings.sample_rate, settings.reverb)
        sizes = _blocks(player, score, settings, first)

        def dry(samples: int) -> Samples:
            mix = np.zeros((2, samples), np.float32)
            for sound in player.play(samples).values():
                mix += sound
            return mix

        yield from _reporting(
            _with_room(dry, room.add, sizes, AT_ONCE * settings.sample_rate, workers), sizes, progress
        )


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
    with Workers(min(torch.get_num_threads(), MOST_THREADS)) as workers:
        with one_core():
            player = _player(score, settings, workers)
        rooms = {track: Room(settings.sample_rate, settings.reverb) for track in player.tracks}
        sizes = _blocks(player, score, settings, LONGEST_BLOCK)

        def dry(samples: int) -> list[Samples]:
            sounds, silence = player.play(samples), np.zeros((2, samples), np.float32)
            return [sounds.get(track, silence) for track in player.tracks]

        def wet(sounds: list[Samples]) -> Samples:
            return np.stack([rooms[track].add(sound) for track, sound in zip(player.tracks, sounds, strict=True)])

        yield from _reporting(_with_room(dry, wet, sizes, AT_ONCE * settings.sample_rate, workers), sizes, progress)


def stream(
    score: Score,
    synth: str | RenderSettings = "ddsp",
    sample_rate: int | None = None,
    *,
    chunk: int = 4096,
    **options: Unpack[RenderOptions],
) -> Iterator[Samples]:
    """Stream the audio of a score: stereo chunks (2, chunk) float32, the last one possibly shorter.

    For any chunk size, the samples equal `render` with the same gain, but for rounding. A stream must choose its gain
    before any audio exists: without `gain` it uses `estimated_gain`, which is near `loudness`; `measured_gain` is
    exact, and takes a first pass.

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
    return _cut(levelled(mixes(score, settings, first=FIRST_BLOCK), level, settings.sample_rate), chunk)


def _cut(blocks: Iterable[Samples], chunk: int) -> Iterator[Samples]:
    left = np.zeros((2, 0), np.float32)
    for block in blocks:
        whole = np.concatenate([left, block], axis=1)
        for at in range(0, whole.shape[1] - chunk + 1, chunk):
            yield whole[:, at : at + chunk]
        left = whole[:, whole.shape[1] // chunk * chunk :]
    if left.shape[1]:
        yield left
