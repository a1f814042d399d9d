"""Write on from the end of a piece, or from nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from symbolic_music.errors import OptionError
from symbolic_music.generation.anticipatory import Progress, Task, sample_events
from symbolic_music.generation.infilling import with_notes
from symbolic_music.generation.parts import assign_parts, pitched_tracks, shown, steps_per_tick, written_notes
from symbolic_music.generation.published import speaks_published, write_region
from symbolic_music.generation.sampling import Sampling
from symbolic_music.generation.tokens import continued
from symbolic_music.models import AnticipatoryTransformer, Model, load_model
from symbolic_music.score import METER, TEMPO, Score, Track

_DEFAULT = Sampling()
# A piece may end of its own will in the last quarter of the time that it is given.
_MAY_END = 0.75


def generate(
    prompt: Score | None = None,
    seconds: float = 20.0,
    model: Model | str | Path | None = None,
    sampling: Sampling = _DEFAULT,
    seed: int = 0,
    progress: Progress | None = None,
) -> Score:
    """Continue a piece by some seconds, or write one from nothing.

    With a prompt the result is the prompt, note for note, and what follows its last note, at its last tempo: in the
    prompt's tracks, or, where the model says what instrument plays, in those of its program or new ones. Without,
    each part of the model is a track. The model may end the piece up to a quarter of `seconds` early.

    Args:
        prompt: the beginning, None to start from nothing.
        seconds: how much to write.
        model: a loaded model, a name or a folder; None for the bundled chorale model.
        sampling: temperature, top-p, top-k, min-p.
        seed: the same seed gives the same notes.
        progress: called with the share that is done.

    Raises:
        OptionError: when `seconds` is not in (0, 3600].
        RegionError: when the model cannot write the prompt's tracks.
    """
    if not 0 < seconds <= 3600:
        raise OptionError(f"seconds must lie in (0, 3600], not {seconds:g}")
    loaded = model if isinstance(model, Model) else load_model(model)
    if speaks_published(loaded):
        return _in_seconds(prompt, seconds, loaded, sampling, seed, progress)
    if not isinstance(loaded.network, AnticipatoryTransformer):
        return continued(loaded, prompt, seconds, sampling, seed, progress)
    score = prompt if prompt is not None and len(prompt) else _blank(loaded)
    written = pitched_tracks(score) or list(range(len(loaded.view.parts)))
    parts = assign_parts(score, written, loaded)
    first = score.end
    last = int(np.rint(score.ticks(score.duration + seconds)))
    # A clock of whole bars begins with the piece.
    origin = int(score.bars(int(score.notes["onset"][0]) + 1)[-1]) if len(score) else 0
    moved = score.notes.copy()
    moved["onset"] -= origin
    scale = steps_per_tick(score, loaded.view)
    start, end = round((first - origin) * scale), round((last - origin) * scale)
    task = Task(
        past=shown(score, moved, parts, loaded.view),
        controls=np.zeros((0, 3), np.int32),
        start=start,
        end=max(end, start + 1),
        instruments=tuple(parts[t] for t in written),
        may_end=start + round(_MAY_END * (end - start)),
    )
    events = sample_events(loaded.network, task, sampling, torch.Generator().manual_seed(seed), progress)
    new = written_notes(score, events, parts, loaded.view, first - origin, last - origin)
    new["onset"] += origin
    return with_notes(score, score.notes, new)


def _in_seconds(
    prompt: Score | None, seconds: float, model: Model, sampling: Sampling, seed: int, progress: Progress | None
) -> Score:
    score = prompt if prompt is not None and len(prompt) else Score()
    written = sorted(set(score.notes["track"].tolist()))
    last = int(np.rint(score.ticks(score.duration + seconds)))
    score, new = write_region(score, score.end, last, written, model, sampling, seed, _MAY_END, progress)
    return with_notes(score, score.notes, new)


def _blank(model: Model) -> Score:
    """An empty score with a track for each part."""
    view = model.view
    return Score(
        tempos=np.array([(0, round(60_000_000 / view.quarters_per_minute))], TEMPO),
        meters=np.array([(0, 4, 4)], METER),
        tracks=tuple(Track(name, part) for name, part in zip(view.names, view.parts, strict=True)),
    )
