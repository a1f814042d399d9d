"""Music to be rendered and transcribed: passages of pieces, played by other instruments and as people play."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_CHANNEL, DRUM_INSTRUMENT
from symbolic_music.score import Array, Score, Track, note_table
from symbolic_music.synthesis.mixing.controllers import held_until
from symbolic_music.training.transcription.config import ClipData

TICKS_PER_SECOND = 960  # 480 a quarter at the default of 120 quarters a minute
LOWEST, HIGHEST = 21, 108
PIANOS = (0, 0, 0, 1, 2, 4)
# What one instrument plays alone: keys, bells, organs, guitars, strings, choirs, brass, reeds, flutes, plucked.
SOLO = (*range(8), 8, 9, 11, 12, 16, 19, 21, *range(24, 29), *range(32, 36), *range(40, 47), 48, 49, 52, 56, 57, 58, 60,
        61, *range(64, 76), 79, 104, 105, 107)  # fmt: skip
_LONGEST = 12.0  # seconds of a note
Times = NDArray[np.float64]


def passage(score: Score, data: ClipData, rng: np.random.Generator, programs: tuple[int, ...] = ()) -> Score:
    """Some seconds of a piece, from a random note on: transposed, at another tempo, its timing and strength humanised.

    Args:
        score: a piece with notes.
        data: how long a passage is, and how often one instrument plays all of it.
        rng: draws all that is random.
        programs: those that may play; all when empty, as the piece has them.
    """
    rate = float(np.exp(rng.uniform(-0.25, 0.25)))
    onset, offset = score.onset_seconds * rate, held_until(score) * rate
    first = float(rng.choice(onset[onset <= max(onset[0], onset[-1] - 0.8 * data.seconds)])) - 0.1
    own = (onset >= first) & (onset < first + data.seconds)
    onset, offset = onset[own] - first, np.minimum(offset[own] - first, data.seconds)
    notes, drums = score.notes[own], score.instruments[own] == DRUM_INSTRUMENT
    program, pitch, track = (notes[name].astype(np.int64) for name in ("program", "pitch", "track"))
    pitch = np.where(drums, pitch, pitch + rng.integers(-6, 7))
    if rng.random() < data.solo:
        chosen = int(rng.choice(PIANOS if rng.random() < data.piano else SOLO))
        if programs:
            chosen = programs[0] if rng.random() < data.piano else int(rng.choice(programs))
        program[:], kept = chosen, ~drums
        if chosen < 8 and rng.random() < 0.4:
            offset = np.maximum(offset, _pedal(offset, data.seconds, rng))
    else:
        kept = np.ones(len(onset), bool)
        if programs:
            players = {int(one): int(rng.choice(programs)) for one in np.unique(track)}
            program = np.array([players[int(one)] for one in track], np.int64)
            kept = ~drums
    kept &= drums | ((pitch >= LOWEST) & (pitch <= HIGHEST))
    spread = float(rng.choice((0.0, 0.005, 0.012)))
    onset = np.maximum(0.0, onset + rng.normal(0, 1, len(onset)) * spread)
    velocity = _strengths(notes["velocity"].astype(np.float64), track, rng)
    return _score(onset[kept], offset[kept], pitch[kept], velocity[kept], program[kept], drums[kept])


def scattered(data: ClipData, rng: np.random.Generator, programs: tuple[int, ...] = ()) -> Score:
    """Chords of random notes at random times over all pitches, by one instrument: what pieces seldom have."""
    count = int(rng.integers(1, 6) * data.seconds)
    onset = np.sort(rng.uniform(0.05, data.seconds - 0.3, count))
    onset[1:] = np.where(rng.random(count - 1) < 0.4, onset[:-1], onset[1:])
    offset = np.minimum(onset + np.exp(rng.uniform(np.log(0.06), np.log(3.0), count)), data.seconds)
    velocity = rng.uniform(20, 127, count)
    program = int(rng.choice(programs or (*PIANOS, *SOLO)))
    wide = program in PIANOS
    pitch = rng.integers(LOWEST, HIGHEST + 1, count) if wide else rng.integers(36, 92, count)
    return _score(onset, offset, pitch, velocity, np.full(count, program), np.zeros(count, bool))


def _pedal(offset: Times, seconds: float, rng: np.random.Generator) -> Times:
    """The next time at which a pedal is changed, every second or so."""
    changes = np.append(np.cumsum(rng.uniform(0.4, 2.2, int(seconds / 0.4) + 2)), np.inf)
    return np.asarray(np.minimum(changes[np.searchsorted(changes, offset)], seconds))


def _strengths(velocity: Times, track: NDArray[np.int64], rng: np.random.Generator) -> Times:
    """Velocities of the piece, or where it has few, others; either way no two notes are quite alike."""
    if velocity.std() < 4 or rng.random() < 0.3:
        swell = np.cumsum(rng.normal(0, 2.0, len(velocity)))
        velocity = (
            rng.uniform(40, 105) + 12 * rng.normal(size=int(track.max(initial=0)) + 1)[track] + swell - swell.mean()
        )
    return np.asarray(velocity + rng.normal(0, 5, len(velocity))).clip(12, 127)


def _score(
    onset: Times, offset: Times, pitch: Array, velocity: Times, program: Array, drums: NDArray[np.bool_]
) -> Score:
    """A score of one track a program; a note ends where its instrument strikes the pitch again."""
    program = np.where(drums, DRUM_INSTRUMENT, program)
    offset = np.minimum(offset, onset + _LONGEST)
    order = np.lexsort((onset, pitch, program))
    same = (np.diff(pitch[order]) == 0) & (np.diff(program[order]) == 0)
    until = np.append(np.where(same, onset[order][1:], np.inf), np.inf)[: len(order)]
    offset[order] = np.minimum(offset[order], until)
    kept = offset > onset + 0.02
    onset, offset, pitch, velocity, program = (x[kept] for x in (onset, offset, pitch, velocity, program))
    players, track = np.unique(program, return_inverse=True)
    first = np.rint(onset * TICKS_PER_SECOND).astype(np.int64)
    table = note_table(
        onset=first, duration=np.maximum(1, np.rint(offset * TICKS_PER_SECOND).astype(np.int64) - first),
        pitch=pitch, velocity=np.rint(velocity), program=np.where(program == DRUM_INSTRUMENT, 0, program),
        channel=np.where(program == DRUM_INSTRUMENT, DRUM_CHANNEL, 0), track=track,
    )  # fmt: skip
    tracks = tuple(Track("", int(p) % 128, bool(p == DRUM_INSTRUMENT)) for p in players)
    return Score(480, table[np.argsort(first, kind="stable")], tracks=tracks)
