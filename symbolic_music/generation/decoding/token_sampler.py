"""Sample music id by id, or word by word, with any token model and the grammar of its tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from symbolic_music.generation.decoding.sampling import Sampling, draw
from symbolic_music.models import Model
from symbolic_music.score import Array
from symbolic_music.tokenizers.base import Ids


@torch.no_grad()
def draw_ids(
    model: Model[Any],
    sampling: Sampling,
    generator: torch.Generator,
    prompt: Ids | None = None,
    permitted: Array | None = None,
) -> Iterator[tuple[int, float]]:
    """Ids that obey the grammar, one after the other, and the log-probability of each; endless unless the grammar is.

    The model has no say in the first id of all: where the grammar allows several it is drawn evenly.

    Args:
        model: of one sequence of ids; for words of several fields see `compound_sampler.draw_words`.
        prompt: ids to go on from.
        permitted: mask of the ids that may follow it, wherever the grammar allows them; None for all.

    Raises:
        TokenError: when the prompt does not obey the grammar.
    """
    grammar = model.tokenizer.grammar
    ids = [] if prompt is None else [int(token) for token in prompt]
    state: Any = grammar.start()
    for token in ids:
        state = grammar.advance(state, token)
    if not ids:
        first = torch.from_numpy(np.where(grammar.allowed(state), 0.0, -np.inf))
        ids.append(draw(first, Sampling(top_p=1.0), generator))
        state = grammar.advance(state, ids[0])
        yield ids[0], 0.0
    model.network.eval()
    cache = model.network.new_cache(1)
    pending = torch.tensor([ids], device=model.device)
    free = torch.tensor(True) if permitted is None else torch.from_numpy(permitted)
    while (allowed := torch.from_numpy(np.array(grammar.allowed(state))) & free).any():
        logits = model.network.step(pending, cache)[0].float().cpu().masked_fill(~allowed, float("-inf"))
        token = draw(logits, sampling, generator)
        state = grammar.advance(state, token)
        pending = torch.tensor([[token]], device=model.device)
        yield token, float(logits.log_softmax(0)[token])
