"""Compound words, drawn field by field by a tiny model whose weights are random."""

from __future__ import annotations

from functools import cache
from itertools import islice

import numpy as np
import pytest
import torch

from symbolic_music import generate, generation, tokenizers
from symbolic_music.errors import OptionError
from symbolic_music.generation import PUBLISHED_WORD_SAMPLING, Limits, Sampling
from symbolic_music.generation.decoding.compound_sampler import draw_words, field_names, of_each_field, unended
from symbolic_music.models import Card, Model, registry
from symbolic_music.score import Score

OPTIONS = {
    "default": {},
    "chords": {"preset": "default", "use_chords": True},
    "miditok": {"preset": "miditok", "use_programs": True, "use_tempos": True, "use_rests": True},
    "original": {"preset": "original"},
}


@cache
def model(name: str) -> Model:
    tokenizer = tokenizers.get("compound", **OPTIONS[name])
    sizes = tokenizer.vocabulary.sizes
    shape = {"width": 16, "layers": 1, "heads": 2, "hidden": 16, "window": 32}
    leading = field_names(tokenizer.vocabulary).index("family")
    torch.manual_seed(0)
    network = registry.get("compound-transformer").build(
        shape | {"sizes": sizes, "widths": (4,) * len(sizes), "leading": leading}
    )
    for parameter in network.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.5)
    return Model(network, Card("tiny", 1, "", ""), tokenizer=tokenizer)


def drawn(name: str, sampling: object = None, count: int = 200, seed: int = 1) -> np.ndarray:
    one = model(name)
    fields = of_each_field(one.tokenizer.vocabulary, sampling)
    words = draw_words(one, fields, torch.Generator().manual_seed(seed))
    return np.array([word for word, score in islice(words, count) if score <= 0], np.int32)


@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_written_obeys_the_grammar_and_is_music(name: str) -> None:
    tokenizer = model(name).tokenizer
    words = drawn(name)
    assert words.shape == (200, len(tokenizer.vocabulary.sizes))
    assert tokenizer.grammar.violation(words) is None
    assert len(tokenizer.decode(words)) > 0
    assert len(unended(words, tokenizer.vocabulary)) > 150


@pytest.mark.parametrize("name", OPTIONS)
def test_a_seed_repeats(name: str) -> None:
    first, again, other = (generate(None, 8.0, model(name), seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert 0 < first.duration <= 8.01  # a tick more


@pytest.mark.parametrize("name", OPTIONS)
def test_a_prompt_stays_and_is_continued(quartet: Score, name: str) -> None:
    found = 0
    for seed in range(3):
        written = generation.continuation(quartet, 8.0, model(name), seed=seed).finish()[0]
        longer = written.score
        assert np.array_equal(longer.notes[: len(quartet)], quartet.notes)
        assert longer.notes[len(quartet) :]["onset"].min(initial=quartet.end) >= quartet.end
        assert longer.tracks[: len(quartet.tracks)] == quartet.tracks
        assert longer.duration <= quartet.duration + 8 + 1e-6
        assert written.log_likelihood < 0 or not len(written.notes)
        found += len(written.notes)
    assert found


def test_the_end_of_a_prompt_is_opened(quartet: Score) -> None:
    tokenizer = model("original").tokenizer
    words = tokenizer.encode(quartet)
    assert np.array_equal(unended(words, tokenizer.vocabulary), words[:-2])
    assert tokenizer.decode(words[:-2]) == tokenizer.decode(words)
    assert len(unended(words[-2:], tokenizer.vocabulary)) == 0


def test_a_prompt_that_says_nothing_to_the_model(quartet: Score) -> None:
    drums = quartet.replace(notes=quartet.notes[quartet.notes["track"] == 4])
    longer = generate(drums, 2.0, model("original"), seed=3)
    assert np.array_equal(longer.notes[: len(drums)], drums.notes)
    assert len(longer) > len(drums)


@torch.no_grad()
@pytest.mark.parametrize("field", ["pitch", "velocity", "time"])
def test_one_field_may_be_greedy(field: str) -> None:
    one = model("original")
    vocabulary, grammar = one.tokenizer.vocabulary, one.tokenizer.grammar
    at = field_names(vocabulary).index(field)
    words = drawn("original", {field: Sampling(temperature=0)}, 60)
    # What the network says of all words at once, told the families that were drawn, beside what was drawn one by one.
    logits = one.network(torch.from_numpy(words[None].astype(np.int64)))[at][0].numpy()
    state, order = grammar.start(), [3, 2] if field != "time" else [3]
    for i, word in enumerate(words):
        given = [token if j in order else None for j, token in enumerate(word)]
        if i:
            allowed = np.where(grammar.given(state, given)[at], logits[i - 1], -np.inf)
            assert word[at] == allowed.argmax()
        state = grammar.advance(state, word)
    assert len({tuple(word) for word in words}) > 20


def test_all_greedy_is_one_piece() -> None:
    cold = Sampling(temperature=0)
    assert np.array_equal(drawn("default", cold, 40, seed=1), drawn("default", cold, 40, seed=2))


def test_settings_of_fields() -> None:
    vocabulary = model("original").tokenizer.vocabulary
    assert field_names(vocabulary) == ["tempo", "chord", "time", "family", "pitch", "duration", "velocity"]
    assert of_each_field(vocabulary, None) == [PUBLISHED_WORD_SAMPLING[name] for name in field_names(vocabulary)]
    hot = Sampling(temperature=2.0)
    assert of_each_field(vocabulary, hot) == [hot] * 7
    mixed = of_each_field(vocabulary, {"chord": hot})
    assert mixed[1] == hot
    assert mixed[4] == PUBLISHED_WORD_SAMPLING["pitch"]
    assert len({*field_names(model("miditok").tokenizer.vocabulary)}) == 9
    with pytest.raises(OptionError, match="no field 'loudness': they have tempo, chord"):
        generation.continuation(None, 1.0, model("original"), {"loudness": hot})


def test_the_likelihood_is_that_of_the_model_under_the_grammar() -> None:
    one = model("original")
    free = of_each_field(one.tokenizer.vocabulary, Sampling(top_p=1.0))
    words, scores = zip(*islice(draw_words(one, free, torch.Generator().manual_seed(5)), 12), strict=True)
    with torch.no_grad():
        logits = one.network(torch.tensor([words]))
    said = sum(
        float(field[0, :-1].log_softmax(-1)[torch.arange(11), torch.tensor(words)[1:, i]].sum())
        for i, field in enumerate(logits)
    )
    # The grammar takes away what may not follow: what is left is likelier.
    assert said < sum(scores) < 0


def test_limits_are_refused() -> None:
    with pytest.raises(OptionError, match="cannot keep to limits"):
        generate(None, 1.0, model("default"), limits=Limits(lowest=60))
