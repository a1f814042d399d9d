"""The bank of DDSP voices: a score in, the stereo sound of each track out, block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.score import DRUM_INSTRUMENT, Score
from symbolic_music.synthesis import controllers, mixing
from symbolic_music.synthesis.drums import drum_sound, drum_time
from symbolic_music.synthesis.presets import PROGRAMS
from symbolic_music.synthesis.voices import Notes, hop_size, sound, sounding_time

BLOCK_SECONDS = 20.0
# Samples of all notes of one batch: its memory does not grow with the score.
BATCH_SAMPLES = 3_000_000
# Basses stay in the middle of the picture, as drums do: contrabass, tuba and General MIDI's eight basses.
CENTRED = frozenset({*range(32, 40), 43, 58, DRUM_INSTRUMENT})
# (track, first sample, stereo samples to add there)
Piece = tuple[int, int, mixing.Samples]


def play(score: Score, sample_rate: int, seed: int) -> Iterator[Piece]:
    """The dry sound of each track in blocks of 20 s with the tails that hang over; pieces of a track overlap and add.

    Memory is bounded by a block and the longest note, not by the score.
    """
    onset, length = score.onset_seconds, controllers.held_until(score) - score.onset_seconds
    places = positions(score)
    instruments = score.instruments
    order = np.argsort(onset, kind="stable")
    block_of = (onset[order] // BLOCK_SECONDS).astype(np.int64)
    for block in np.unique(block_of):
        inside = order[block_of == block]
        start = round(float(block) * BLOCK_SECONDS * sample_rate)
        buses: dict[int, mixing.Samples] = {}
        for track in np.unique(score.notes["track"][inside]):
            own = inside[score.notes["track"][inside] == track]
            bus = np.zeros(0, np.float32)
            for instrument in np.unique(instruments[own]):
                notes = own[instruments[own] == instrument]
                for indices, batch in _batches(score, notes, int(instrument), onset, length, sample_rate, seed):
                    bus = _add(bus, batch, np.rint(onset[indices] * sample_rate).astype(np.int64) - start)
            buses[int(track)] = bus
        for track, bus in buses.items():
            times = (start + np.arange(len(bus))) / sample_rate
            for part in controllers.gain(score, track):
                bus = bus * part.gliding(times).astype(np.float32)
            yield track, start, mixing.place(bus, controllers.pan(score, track, places[track]).gliding(times))


def positions(score: Score) -> dict[int, float]:
    """Where each track sounds, -1 left to 1 right, as long as its own pan controller says nothing else.

    Spread in the order of the tracks, the first on the left; basses and drums in the middle. A score that uses pan
    controllers anywhere is left to them.
    """
    present = [int(t) for t in np.unique(score.notes["track"])]
    panned = bool(np.any(score.controls["number"] == controllers.PAN))
    spread = []
    for track in present:
        first = score.instruments[score.notes["track"] == track][0]
        if int(first) not in CENTRED:
            spread.append(track)
    places = dict.fromkeys(present, 0.0)
    if not panned and len(spread) > 1:
        places.update(zip(spread, np.linspace(-0.55, 0.55, len(spread)).tolist(), strict=True))
    return places


def _add(bus: mixing.Samples, batch: mixing.Samples, starts: NDArray[np.int64]) -> mixing.Samples:
    """The bus with each row of the batch added from its start on, drawn out where it is too short."""
    needed = int(starts.max()) + batch.shape[1]
    if needed > len(bus):
        bus = np.concatenate([bus, np.zeros(needed - len(bus), np.float32)])
    for row, start in zip(batch, starts, strict=True):
        bus[start : start + len(row)] += row
    return bus


def _batches(
    score: Score,
    notes: NDArray[np.int64],
    instrument: int,
    onset: controllers.Curve,
    length: controllers.Curve,
    sample_rate: int,
    seed: int,
) -> Iterator[tuple[NDArray[np.int64], mixing.Samples]]:
    """Notes of one track and instrument in batches of like length and register: (their indices, sound (B, n))."""
    pitch = score.notes["pitch"][notes].astype(np.int64)
    bends = {}
    if instrument == DRUM_INSTRUMENT:
        groups = pitch
        seconds = np.array([drum_time(int(p)) for p in pitch])
    else:
        voice = PROGRAMS[instrument]
        bends = {t: c for t in np.unique(score.notes["track"][notes]) if (c := controllers.bend(score, int(t)))}
        seconds = sounding_time(voice, _notes(score, notes, length, seed)).double().numpy()
        bent = np.array([_is_bent(bends.get(score.notes["track"][i]), onset[i], length[i]) for i in notes])
        # Higher notes have fewer partials under half the sample rate.
        groups = pitch // 8 + 100 * bent
    size = np.ceil(np.log(np.maximum(seconds, 0.05)) / math.log(1.35)).astype(np.int64)
    _, label = np.unique(np.stack([groups, size]), axis=1, return_inverse=True)
    for value in range(int(label.max()) + 1):
        group = np.flatnonzero(label == value)
        step = max(1, int(BATCH_SAMPLES / (seconds[group].max() * sample_rate)))
        for first in range(0, len(group), step):
            some = group[first : first + step]
            indices = notes[some]
            batch = _notes(score, indices, length, seed)
            with torch.inference_mode():
                if instrument == DRUM_INSTRUMENT:
                    yield indices, drum_sound(int(pitch[some[0]]), batch, sample_rate).numpy()
                    continue
                if groups[some[0]] >= 100:
                    curve = bends[score.notes["track"][indices[0]]]
                    frames = math.ceil(seconds[some].max() * sample_rate / hop_size(sample_rate)) + 1
                    at = onset[indices][:, None] + np.arange(frames) * (hop_size(sample_rate) / sample_rate)
                    batch = _notes(score, indices, length, seed, torch.from_numpy(curve.at(at)).float())
                yield indices, sound(voice, batch, sample_rate).numpy()


def _is_bent(curve: controllers.Steps | None, onset: float, length: float) -> bool:
    if curve is None:
        return False
    inside = (curve.times > onset) & (curve.times < onset + length)
    return bool(curve.at(np.array([onset]))[0] or np.any(curve.values[inside]))


def _notes(
    score: Score,
    indices: NDArray[np.int64],
    length: controllers.Curve,
    seed: int,
    bend: torch.Tensor | None = None,
) -> Notes:
    table = score.notes[indices]
    return Notes(
        pitch=torch.from_numpy(table["pitch"].astype(np.float32)),
        velocity=torch.from_numpy(table["velocity"].astype(np.float32) / 127),
        length=torch.from_numpy(length[indices].astype(np.float32)),
        key=torch.from_numpy(indices.astype(np.int64) + 1_000_003 * seed),
        bend=bend,
    )
