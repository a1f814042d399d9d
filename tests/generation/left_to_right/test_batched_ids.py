from __future__ import annotations

import numpy as np
import pytest
import torch

from symbolic_music import generate, generation, tokenizers
from symbolic_music.errors import OptionError
from symbolic_music.generation import Limits
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.left_to_right.batched_ids import IdLines
from symbolic_music.models import Card, Model, registry

SHAPES = {
    "performance": ("music-transformer", {"width": 16, "layers": 1, "heads": 2, "hidden": 16, "window": 64}),
    "remi": ("lstm", {"width": 16, "embedding": 8, "layers": 1}),
    "grid": ("frame-transformer", {"width": 16, "layers": 1, "heads": 2, "hidden": 16, "window": 32}),
}


def model(name: str) -> Model:
    tokenizer = tokenizers.get(name)
    architecture, shape = SHAPES[name]
    sizes = {} if architecture == "frame-transformer" else {"vocabulary": tokenizer.vocabulary.sizes[0]}
    torch.manual_seed(0)
    return Model(registry.get(architecture).build(shape | sizes), Card("tiny", 1, "", ""), tokenizer=tokenizer)


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_written_obeys_the_grammar(name: str) -> None:
    one = model(name)
    lines = IdLines(one, Sampling(), [torch.Generator().manual_seed(1)])
    line, drawn = lines.lines[0], []
    drawn.append((line.begin(), 0.0))
    while len(drawn) < 151 and (mask := line.allowed()).any():
        drawn.append(lines.draw({0: mask})[0])
        line.feed([drawn[-1].token])
    ids = np.array([token for token, _ in drawn], np.int32)
    assert one.tokenizer.grammar.violation(ids) is None
    assert len(ids) == 151 or name != "grid"
    assert all(score <= 0 for _, score in drawn)


@pytest.mark.parametrize("name", SHAPES)
def test_a_seed_repeats(name: str) -> None:
    one = model(name)
    first, again, other = (generate(None, 2.0, one, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert first.duration <= 2.0 + 1e-6


def test_a_prompt_stays_and_is_continued(quartet) -> None:
    one = model("remi")
    longer = generate(quartet, 3.0, one, seed=2, allow_empty=True)
    kept = longer.notes[: len(quartet)] if len(longer) > len(quartet) else longer.notes
    early = longer.notes[longer.notes["onset"] < quartet.end]
    assert np.array_equal(np.sort(early), np.sort(quartet.notes))
    assert len(kept) == len(quartet)
    assert longer.tempos.tolist() == quartet.tempos.tolist()


@pytest.mark.parametrize("name", SHAPES)
def test_a_prompt_without_notes_stays(quartet, name: str) -> None:
    silent = quartet.replace(notes=quartet.notes[:0], ticks_per_quarter=96)
    written = generate(silent, 2.0, model(name), seed=3)
    assert len(written) == len(generate(None, 2.0, model(name), seed=3))
    assert written.tracks[: len(silent.tracks)] == silent.tracks
    assert written.replace(notes=silent.notes, tracks=silent.tracks) == silent


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_written_ends_in_time(quartet, name: str) -> None:
    for seed in (0, 1, 2, 1 << 64):
        longer = generate(quartet, 1.0, model(name), seed=seed, allow_empty=True)
        assert longer.duration <= 5 + 1e-6


def test_ids_of_one_field_are_drawn_alike() -> None:
    with pytest.raises(OptionError, match="ids of one field"):
        generate(None, 1.0, model("remi"), {"pitch": Sampling()})


@pytest.mark.parametrize("name", SHAPES)
def test_notes_are_told_as_they_are_drawn(name: str) -> None:
    one = model(name)
    writing = generation.continuation(None, 3.0, one, seed=1, count=2, allow_empty=True)
    told = list(writing.stream())
    first, second = writing.results()
    assert first.score == generate(None, 3.0, one, seed=1, allow_empty=True)
    assert second.score == generate(None, 3.0, one, seed=2, allow_empty=True)
    assert first.complete
    assert len(told) == len(first.notes) + len(second.notes) > 0
    assert writing.done == 1
    assert all(alternative.log_likelihood < 0 for alternative in (first, second) if len(alternative.notes))


def test_what_is_left_early_is_kept(quartet) -> None:
    writing = generation.continuation(quartet, 30.0, model("remi"), seed=1)
    stream = writing.stream()
    drawn = next(stream)
    stream.close()
    found = writing.results()[0]
    assert drawn.onset_seconds >= quartet.duration
    assert not found.complete
    assert 0 < writing.done < 1
    assert np.array_equal(found.score.notes[: len(quartet)], quartet.notes)
    assert len(found.notes)


def test_limits_are_for_models_that_can_keep_them() -> None:
    with pytest.raises(OptionError, match="cannot keep to limits"):
        generate(None, 1.0, model("remi"), limits=Limits(lowest=60))
