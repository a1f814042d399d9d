"""Sample music word by word, with a compound word model and the grammar of its tokenizer.

Fields go by what they hold: family (which kind of word it is; the paper's type), time (bar or position), pitch,
velocity, duration, program, part, tempo, meter, chord, rest, as far as a tokenizer has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.errors import OptionError
from symbolic_music.generation.decoding.sampling import Sampling, draw
from symbolic_music.models import Model
from symbolic_music.models.protocol import TokenModel
from symbolic_music.score import Score, note_table
from symbolic_music.tokenizers.base import Ids, Tokenizer, Vocabulary
from symbolic_music.tokenizers.grammars.compound import WordGrammar

Word = list[int]
# How the code of Hsiao et al. 2021 (arXiv 2101.02402) draws: temperature and nucleus of each of its fields. There they
# look at all ids, here at those that the grammar allows.
PUBLISHED_WORD_SAMPLING: Mapping[str, Sampling] = MappingProxyType(
    {
        "family": Sampling(top_p=0.9),
        "time": Sampling(temperature=1.2, top_p=1.0),
        "pitch": Sampling(top_p=0.9),
        "velocity": Sampling(temperature=5.0, top_p=1.0),
        "duration": Sampling(temperature=2.0, top_p=0.9),
        "tempo": Sampling(temperature=1.2, top_p=0.9),
        "chord": Sampling(top_p=0.99),
    }
)
_OTHERWISE = Sampling()


@runtime_checkable
class WordNetwork(TokenModel, Protocol):
    """A `TokenModel` of compound words that draws the field `config.leading` first, and the others given it."""

    def leading_logits(self, state: Tensor) -> Tensor:
        """Logits of the leading field, (B, size), at the states (B, width) of a cache."""
        ...

    def logits(self, state: Tensor, leading: Tensor) -> tuple[Tensor, ...]:
        """Logits of all fields, (B, size) each, given the ids (B,) of the leading one."""
        ...


# What a field is called, where it is not called as the type of its last tokens.
_NAMES = {"type": "family", "beat": "time", "position": "time", "pitchdrum": "pitch", "timesig": "meter"}
_BEFORE_AND_AFTER = ("BOS_None", "EOS_None", "PAD_None", "Type_EOS")


def field_names(vocabulary: Vocabulary) -> list[str]:
    """Names of the fields of compound words; see the docstring of the module."""
    types = [names[-1].partition("_")[0].lower() for names in vocabulary.fields]
    return [_NAMES.get(one, one) for one in types]


def of_each_field(vocabulary: Vocabulary, sampling: Sampling | Mapping[str, Sampling] | None) -> list[Sampling]:
    """How each field is drawn: all alike, or as named, and those that are not named as published.

    Raises:
        OptionError: if the field does not exist.
    """
    names = field_names(vocabulary)
    if isinstance(sampling, Sampling):
        return [sampling] * len(names)
    named = {} if sampling is None else sampling
    for name in named:
        if name not in names:
            raise OptionError(f"these words have no field {name!r}: they have {', '.join(names)}")
    return [named.get(name, PUBLISHED_WORD_SAMPLING.get(name, _OTHERWISE)) for name in names]


@torch.no_grad()
def draw_words(
    model: Model[Any],
    sampling: list[Sampling],
    generator: torch.Generator,
    prompt: Ids | None = None,
    permitted: Sequence[NDArray[np.bool_]] | None = None,
) -> Iterator[tuple[Word, float]]:
    """Words that obey the grammar, one after the other, and the log-probability of each; without an end.

    The leading field of each word is drawn first, then the other fields conditioned on it, in order, each among the ids
    that the grammar allows after the previous ones. Words that end a piece are never drawn. Without a prompt the first
    word is the beginning of a piece in 4/4.

    Args:
        model: of compound words.
        sampling: of each field; see `of_each_field`.
        prompt: words to go on from, (n, fields).
        permitted: mask of the ids of each field that may follow it; None for all.

    Raises:
        OptionError: for a network that draws words otherwise.
        TokenError: when the prompt does not obey the grammar.
    """
    network, vocabulary, grammar = model.network, model.tokenizer.vocabulary, model.tokenizer.grammar
    if not isinstance(network, WordNetwork) or not isinstance(grammar, WordGrammar):
        raise OptionError(f"{model.card.name!r} predicts words of several fields, but is not a compound transformer")
    first, names = network.config.leading, field_names(vocabulary)
    order = sorted((i for i in range(len(names)) if i != first), key=lambda i: names[i] != "time")
    inside = np.array([name not in _BEFORE_AND_AFTER for name in vocabulary.fields[first]])
    words: list[Word] = [] if prompt is None else prompt.tolist()
    state = grammar.start()
    for word in words:
        state = grammar.advance(state, word)
    if not words:
        words = [_opening(model.tokenizer)]
        state = grammar.advance(state, words[0])
        yield words[0], 0.0
    model.network.eval()
    free = [inside if field == first else np.True_ for field in range(len(names))]
    if permitted is not None:
        free = [one & mask for one, mask in zip(free, permitted, strict=True)]
    cache, pending = network.new_cache(1), torch.tensor([words], device=model.device)
    while True:
        network.step(pending, cache)
        drawn: list[int | None] = [None] * len(names)
        drawn[first], total = _draw(
            network.leading_logits(cache.state), grammar.allowed(state)[first] & free[first], sampling[first], generator
        )
        logits = network.logits(cache.state, torch.tensor([drawn[first]], device=model.device))
        for field in order:
            mask = grammar.given(state, drawn)[field] & free[field]
            drawn[field], log_probability = _draw(logits[field], mask, sampling[field], generator)
            total += log_probability
        word = [token for token in drawn if token is not None]
        state = grammar.advance(state, word)
        pending = torch.tensor([[word]], device=model.device)
        yield word, total


def unended(words: Ids, vocabulary: Vocabulary) -> Ids:
    """Words (n, fields) without those at their end that end the piece, or begin bars in which nothing is."""
    columns = zip(vocabulary.fields, words.T, strict=True)
    last = [np.isin(ids, [i for i, name in enumerate(names) if _is_no_note(name)]) for names, ids in columns]
    kept = np.flatnonzero(~np.logical_or.reduce(last))
    return words[: kept[-1] + 1] if len(kept) else words[:0]


def _is_no_note(name: str) -> bool:
    return name == "Bar_None" or name in _BEFORE_AND_AFTER


def _opening(tokenizer: Tokenizer) -> Word:
    encoded = tokenizer.encode(Score(notes=note_table([(0, 480, 60, 64, 0, 0, 0)])))
    opening = encoded[0] if isinstance(encoded, list) else encoded
    return [int(token) for token in opening[0]]


def _draw(logits: Tensor, mask: NDArray[np.bool_], sampling: Sampling, generator: torch.Generator) -> tuple[int, float]:
    """An id from logits (1, n), and its log-probability among what the mask allows."""
    allowed = logits[0].float().cpu().masked_fill(~torch.from_numpy(np.array(mask)), float("-inf"))
    token = draw(allowed, sampling, generator)
    return token, float(allowed.log_softmax(0)[token])
