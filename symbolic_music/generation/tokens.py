"""Write music id by id, with any model of ids and the grammar of its tokenizer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from symbolic_music.errors import OptionError
from symbolic_music.generation.sampling import Sampling, draw
from symbolic_music.models import Model
from symbolic_music.score import Score, Track
from symbolic_music.tokenizers.base import Ids, Tokenizer

# Ids between two looks at how long the music is.
_STRIDE = 32
_MOST_IDS_A_SECOND = 1000


@torch.no_grad()
def sample_ids(
    model: Model[Any],
    enough: Callable[[Ids], float],
    sampling: Sampling,
    generator: torch.Generator,
    prompt: Ids | None = None,
    most: int = 100_000,
    progress: Callable[[float], None] | None = None,
) -> Ids:
    """Ids that obey the grammar, the prompt's first.

    The model has no say in the first id of all: where the grammar allows several it is drawn evenly.

    Args:
        model: of one sequence of ids.
        enough: called with all ids now and then; 1 or more ends the music, less is the part that is done.
        prompt: ids to go on from.
        most: ids beside the prompt's.

    Returns:
        int32, (n,).

    Raises:
        OptionError: for compound words, which are not drawn id by id.
        TokenError: when the prompt does not obey the grammar.
    """
    if len(model.tokenizer.vocabulary.sizes) > 1:
        raise OptionError(f"{model.card.name!r} speaks compound words, which cannot be drawn yet")
    grammar = model.tokenizer.grammar
    ids = [] if prompt is None else [int(token) for token in prompt]
    state: Any = grammar.start()
    for token in ids:
        state = grammar.advance(state, token)
    if not ids:
        first = torch.from_numpy(np.where(grammar.allowed(state), 0.0, -np.inf))
        ids.append(draw(first, Sampling(top_p=1.0), generator))
        state = grammar.advance(state, ids[0])
    was_training, begun = model.network.training, len(ids)
    model.network.eval()
    cache, logits = model.network.new_cache(1), None
    pending = torch.tensor([ids], device=model.device)
    while len(ids) - begun < most:
        allowed = torch.from_numpy(np.array(grammar.allowed(state)))
        if not allowed.any():
            break
        logits = model.network.step(pending, cache)[0].float().cpu()
        ids.append(draw(logits.masked_fill(~allowed, float("-inf")), sampling, generator))
        state = grammar.advance(state, ids[-1])
        pending = torch.tensor([ids[-1:]], device=model.device)
        if (len(ids) - begun) % _STRIDE == 0:
            part = enough(np.array(ids, np.int32))
            if progress:
                progress(min(part, 1.0))
            if part >= 1:
                break
    model.network.train(was_training)
    return np.array(ids, np.int32)


def continued(
    model: Model[Any],
    prompt: Score | None,
    seconds: float,
    sampling: Sampling,
    seed: int,
    progress: Callable[[float], None] | None = None,
) -> Score:
    """A piece and some seconds more, or a new one: see `continuation.generate`.

    With a prompt its notes stay as they are; new ones go to its tracks of their program, or to new tracks.
    """
    tokenizer: Tokenizer = model.tokenizer
    given, before = None, 0.0
    if prompt is not None and len(prompt):
        encoded = tokenizer.encode(prompt)
        if isinstance(encoded, list):
            raise OptionError(
                f"{tokenizer.name} ({tokenizer.preset}) writes each track apart; it cannot continue a piece"
            )
        given, before = encoded, tokenizer.decode(encoded).duration

    def enough(ids: Ids) -> float:
        return (tokenizer.decode(ids).duration - before) / seconds

    generator = torch.Generator().manual_seed(seed)
    ids = sample_ids(model, enough, sampling, generator, given, int(seconds * _MOST_IDS_A_SECOND), progress)
    written = tokenizer.decode(ids)
    if prompt is None or given is None:
        return written.clip(0.0, seconds)
    return _joined(prompt, written, before, before + seconds)


def _joined(prompt: Score, written: Score, start: float, end: float) -> Score:
    """The prompt, and after it what was written from one second to another."""
    tracks, place = list(prompt.tracks), {}
    for index, track in enumerate(written.tracks):
        same = [i for i, own in enumerate(tracks) if (own.program, own.is_drum) == (track.program, track.is_drum)]
        place[index] = same[0] if same else len(tracks)
        if not same:
            tracks.append(Track(track.name, track.program, track.is_drum))
    onset = written.seconds(written.notes["onset"])
    inside = (onset >= start - 1e-6) & (onset < end)
    notes, later = written.notes[inside], prompt.duration - start
    ends = written.seconds(notes["onset"].astype(np.int64) + notes["duration"])
    notes["onset"] = np.rint(prompt.ticks(onset[inside] + later))
    notes["duration"] = np.maximum(1, np.rint(prompt.ticks(ends + later)) - notes["onset"])
    notes["track"] = [place[int(track)] for track in notes["track"]]
    return dataclasses.replace(prompt, notes=np.concatenate([prompt.notes, notes]), tracks=tuple(tracks))
