"""Edits by models of the published anticipatory encoding: any number of parts, polyphony and drums, in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symbolic_music.errors import OptionError
from symbolic_music.generation.anticipation_sampler import AnticipationSampler
from symbolic_music.generation.anticipatory import Progress
from symbolic_music.generation.parts import velocity_around
from symbolic_music.generation.request import Request
from symbolic_music.generation.sampling import Sampling
from symbolic_music.models import GPT2, Model
from symbolic_music.score import DRUM_CHANNEL, Array, Score, Track
from symbolic_music.tokenizers import anticipation_vocabulary as v
from symbolic_music.tokenizers.anticipation_events import Events, events_of

_STEPS = v.STEPS_PER_SECOND


def speaks_published(model: Model) -> bool:
    """Whether a model is a GPT-2 over the published ids."""
    tokenizer = model.tokenizer
    return isinstance(model.network, GPT2) and (tokenizer.name, tokenizer.preset) == ("anticipation", "default")


def write_region(
    score: Score,
    first: int,
    last: int,
    written: Sequence[int],
    model: Model,
    sampling: Sampling,
    seed: int,
    may_end: float | None = None,
    progress: Progress | None = None,
) -> tuple[Score, Array]:
    """Write notes of some tracks that begin in [first, last) ticks, all notes of the score given.

    What begins before `first` is the past; all else is given five seconds early, as controls. A note goes to the track
    of its instrument, where several have it to the one whose mean pitch is nearest; it ends within the region.

    Args:
        score: without what is to be replaced.
        written: tracks; none for any instrument, each in a track of its own that is added.
        may_end: part of the region after which the model may end the piece; None for never.

    Returns:
        The score with the tracks that were added, and the new notes.

    Raises:
        OptionError: when the model is not of the published encoding.
    """
    network: Any = model.network
    if not speaks_published(model):
        raise OptionError(f"model {model.card.name!r} can continue a piece, but not write into one")
    events = events_of(score)
    is_past = score.notes["onset"] < first
    start, end = (round(float(seconds) * _STEPS) for seconds in score.seconds([first, last]))
    end = max(end, start + 1)
    past = events[is_past]
    past[:, 0] = np.minimum(past[:, 0], start)
    wanted = tuple(_instrument(score.tracks[track]) for track in written) or None
    request = Request(
        end=end,
        start=start,
        past=past,
        controls=events[~is_past],
        instruments=wanted,
        opening=not len(past),
        may_end=None if may_end is None else start + round(may_end * (end - start)),
    )
    sampler = AnticipationSampler(network, request, sampling=sampling, seed=seed)
    for note in sampler.stream():
        if progress:
            progress(min(1.0, (note.time - start) / (end - start)))
    return _placed(score, sampler.alternatives()[0][0].events, written, first, last)


def _instrument(track: Track) -> int:
    return v.INSTRUMENTS - 1 if track.is_drum else track.program


def _placed(score: Score, events: Events, written: Sequence[int], first: int, last: int) -> tuple[Score, Array]:
    """Events as notes of their tracks, which are added where there is none."""
    tracks, chosen = list(score.tracks), list(written)
    notes = np.zeros(len(events), score.notes.dtype)
    ticks = np.rint(score.ticks(events[:, 0] / _STEPS)).astype(np.int64)
    ends = np.rint(score.ticks((events[:, 0].astype(np.int64) + events[:, 1]) / _STEPS)).astype(np.int64)
    notes["onset"] = np.clip(ticks, first, last - 1)
    notes["duration"] = np.maximum(np.minimum(ends, last) - notes["onset"], 1)
    notes["pitch"] = events[:, 2] % 128
    for instrument in np.unique(events[:, 2] // 128).tolist():
        mine = np.flatnonzero(events[:, 2] // 128 == instrument)
        owners = [track for track in chosen if _instrument(tracks[track]) == instrument]
        if not owners:
            drums = instrument == v.INSTRUMENTS - 1
            owners = [len(tracks)]
            tracks.append(Track("Drums" if drums else "", 0 if drums else instrument, drums))
            chosen.append(owners[0])
        notes["track"][mine] = _nearest(score, owners, notes["pitch"][mine])
    for track in np.unique(notes["track"]).tolist():
        own, mine = score.notes[score.notes["track"] == track], notes["track"] == track
        notes["program"][mine] = tracks[track].program
        notes["channel"][mine] = own["channel"][0] if len(own) else DRUM_CHANNEL * tracks[track].is_drum
        notes["velocity"][mine] = velocity_around(own if len(own) else score.notes, first, last)
    return score.replace(tracks=tuple(tracks)), notes


def _nearest(score: Score, owners: Sequence[int], pitches: Array) -> Array:
    """The track whose mean pitch is nearest to each pitch."""
    own = [score.notes["pitch"][score.notes["track"] == track] for track in owners]
    means = np.array([float(pitch.mean()) if len(pitch) else 60.0 for pitch in own])
    nearest: Array = np.array(owners)[np.abs(pitches[:, None] - means).argmin(axis=1)]
    return nearest
