"""Variations of a piece for region models that leave it music: other drums, another octave, two tracks in one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.tokenizers.region.events import GridEvents, note_order

# Drums that kits use for one another: kicks, snares, hats, crashes, rides, toms.
_ALIKE = ((35, 36), (38, 40), (42, 44), (49, 57), (51, 59), (45, 47), (41, 43), (48, 50))
_OTHER_DRUMS, _OCTAVE, _MERGED = 0.15, 0.1, 0.1


def varied(events: GridEvents, rng: np.random.Generator) -> GridEvents:
    """The events, now and then with some drums of the kit exchanged, a track an octave off, two like tracks in one."""
    if rng.random() < _OTHER_DRUMS:
        events = _other_drums(events, rng)
    if rng.random() < _OCTAVE:
        events = _octave(events, rng)
    if rng.random() < _MERGED:
        events = _merged(events, rng)
    return events


def _other_drums(events: GridEvents, rng: np.random.Generator) -> GridEvents:
    """Exchange the drums of some pairs; so two drums stay two, and notes stay in order where they are sorted anew."""
    pitch = np.arange(128)
    for pair in _ALIKE:
        if rng.random() < 0.5:
            pitch[list(pair)] = pair[::-1]
    return _sorted(replace(events, pitch=np.where(events.is_drum, pitch[events.pitch], events.pitch)))


def _octave(events: GridEvents, rng: np.random.Generator) -> GridEvents:
    """Move one pitched slot an octave up or down, where it has room."""
    pitched = np.flatnonzero(events.slot_instruments < DRUM_INSTRUMENT)
    if not len(pitched):
        return events
    own = events.slot == rng.choice(pitched)
    moved = events.pitch[own] + int(rng.choice((-12, 12)))
    if len(moved) and (moved.min() < 21 or moved.max() > 108):
        return events
    pitch = events.pitch.copy()
    pitch[own] = moved
    return replace(events, pitch=pitch)


def _merged(events: GridEvents, rng: np.random.Generator) -> GridEvents:
    """Put the notes of a slot into another of its instrument, as files of one track an instrument have them."""
    instruments, counts = np.unique(events.slot_instruments[np.unique(events.slot)], return_counts=True)
    twice = instruments[(counts > 1) & (instruments <= DRUM_INSTRUMENT)]
    if not len(twice):
        return events
    slots = np.flatnonzero(events.slot_instruments == rng.choice(twice))
    slots = slots[np.isin(slots, events.slot)]
    keep, gone = rng.choice(slots, 2, replace=False)
    return _sorted(replace(events, slot=np.where(events.slot == gone, keep, events.slot)))


def _sorted(events: GridEvents) -> GridEvents:
    return events.taken(note_order(events.time, events.slot, events.pitch, events.duration))
