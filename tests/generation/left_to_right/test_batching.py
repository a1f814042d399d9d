"""Alternatives that are written together are those that are written alone, for each family of public models."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch

from symbolic_music import tokenizers
from symbolic_music.generation import Region, bars, edit
from symbolic_music.generation.continuation import continuation
from symbolic_music.generation.inference import token_backends
from symbolic_music.generation.inference.ragged_families import RaggedWindows
from symbolic_music.generation.left_to_right.aria_infill import AriaInfilling
from symbolic_music.generation.left_to_right.bar_infill import BarInfilling
from symbolic_music.generation.left_to_right.batching import HandedOut
from symbolic_music.generation.left_to_right.candidate_infill import CandidateInfilling
from symbolic_music.generation.left_to_right.token_continuation import TokenWriting
from symbolic_music.generation.regions import spans_of
from symbolic_music.generation.results import Written
from symbolic_music.models import GPT2, Card, GPT2Config, Model
from symbolic_music.models.architectures.aria import Aria, AriaConfig
from symbolic_music.models.architectures.midi_llm import MidiLlm, MidiLlmConfig
from symbolic_music.score import Score
from tests.corpora.example_stores import band, piano
from tests.generation.left_to_right.test_skytnt_infill import performances
from tests.models.token_models import lively

BAND, PIANO = band(1, 100), piano(1, 120)


def gpt2_of(name: str, **options: Any) -> Model:
    """A tiny GPT-2 of a tokenizer's ids that likes to end bars."""
    tokenizer = tokenizers.get(name, **options)
    torch.manual_seed(0)
    network = GPT2(GPT2Config(len(tokenizer.vocabulary), 1024, 16, 1, 2, scale_by_layer=False, tied=False)).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    with torch.no_grad():
        assert network.head is not None
        for token, name in enumerate(tokenizer.vocabulary.fields[0]):
            if name.partition("_")[0] in ("FillInEnd", "Bar"):
                network.head.weight[token] *= 4
    return Model(network, Card("tiny", 1, "", ""), tokenizer=tokenizer)


@cache
def of_text() -> Model:
    config = MidiLlmConfig(text=40, context=256, width=32, layers=1, heads=2, key_heads=1, hidden=24)
    network = lively(MidiLlm(config), 0.2)
    network.text_ids = lambda text: [1, 2, len(text)]
    return Model(network, Card("midi-llm", 1, "", ""), tokenizer=tokenizers.get("anticipation"))


def infilled(kind: type[CandidateInfilling], model: Model, seed: int, count: int) -> list[Written]:
    """As many candidates as alternatives, so that each is one."""
    score, region = (PIANO, Region(5, 6, "seconds")) if kind is AriaInfilling else (BAND, bars(3, 4))
    return kind(score, spans_of(score, [region]), None, model, None, seed, count, count).finish()


@cache
def midigpt() -> Model:
    return gpt2_of("midigpt")


@cache
def remi() -> Model:
    return gpt2_of("remi", preset="miditok", use_programs=True)


def continued(model: Model, score: Score | None, seed: int, count: int, **options: Any) -> list[list[int]]:
    """The ids themselves: of random weights time hardly goes on."""
    session = continuation(score, 0.05, model, seed=seed, count=count, allow_empty=True, **options)
    assert isinstance(session, TokenWriting)
    session.finish()
    return session._ids


def notes_of(found: list[Written]) -> list[Any]:
    """In an order of their own: candidates come in that of their likelihoods."""
    return sorted(one.notes.tolist() for one in found)


FAMILIES: dict[str, Callable[[int, int], list[Any]]] = {
    "midigpt": lambda seed, n: notes_of(edit(BAND, [bars(3, 9)], [0], midigpt(), seed=seed, count=n).finish()),
    "aria": lambda seed, n: continued(performances(), PIANO, seed, n),
    "aria, infill": lambda seed, n: notes_of(infilled(AriaInfilling, performances(), seed, n)),
    "miditok": lambda seed, n: continued(remi(), BAND, seed, n),
    "miditok, infill": lambda seed, n: notes_of(infilled(BarInfilling, remi(), seed, n)),
    "midi-llm": lambda seed, n: continued(of_text(), None, seed, n, text="a waltz"),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_an_alternative_is_what_it_is_alone(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[int] = []
    read = RaggedWindows.read

    def counted(self: RaggedWindows[int], pieces: list[int], items: list[list[int]]) -> list[torch.Tensor]:
        turns.append(len(pieces))
        return read(self, pieces, items)

    monkeypatch.setattr(RaggedWindows, "read", counted)
    together = FAMILIES[family](3, 3)
    assert max(turns) == 3
    assert sum(map(len, together)) > 5
    assert together == sorted(FAMILIES[family](3 + number, 1)[0] for number in range(3)) or together == [
        FAMILIES[family](3 + number, 1)[0] for number in range(3)
    ]
    # Where memory holds one alone.
    monkeypatch.setattr(token_backends, "free_memory", lambda: 1)
    turns.clear()
    assert FAMILIES[family](3, 3) == together
    assert max(turns) == 1


@pytest.mark.parametrize("verb", ["infill", "continue"])
def test_a_prompt_is_read_once_for_all_alternatives(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = lively(Aria(AriaConfig(context=4096, width=32, layers=1, heads=2, hidden=24)), 0.2)
    model = Model(network, Card("tiny", 1, "", ""), tokenizer=tokenizers.get("aria"))
    from_the_start: list[int] = []
    run = RaggedWindows._run

    def counted(self: RaggedWindows[int], pieces: list[int], chunks: list[list[int]]) -> list[torch.Tensor]:
        from_the_start.extend(len(own) for piece, own in zip(pieces, chunks, strict=True) if not self._windows[piece])
        return run(self, pieces, chunks)

    monkeypatch.setattr(RaggedWindows, "_run", counted)
    if verb == "infill":
        infilled(AriaInfilling, model, 1, 3)
    else:
        continued(model, PIANO, 1, 3)
    assert len(from_the_start) == 1


def test_pieces_are_handed_out_one_after_the_other() -> None:
    ends, asked = [3, 5, 1], []

    def draw(pieces: list[int]) -> dict[int, tuple[int, int]]:
        asked.append(list(pieces))
        turn = len(asked)
        return {piece: (piece, turn) for piece in pieces if turn <= ends[piece]}

    handed = HandedOut(3, draw)
    assert [list(handed.of(number)) for number in range(3)] == [
        [(n, turn + 1) for turn in range(end)] for n, end in enumerate(ends)
    ]
    assert asked == [[0, 1, 2], [0, 1, 2], [0, 1], [0, 1], [1], [1]]


def test_what_is_not_waited_for_is_not_drawn() -> None:
    asked: list[list[int]] = []

    def draw(pieces: list[int]) -> dict[int, int]:
        asked.append(list(pieces))
        return dict.fromkeys(pieces, 0)

    handed = HandedOut(2, draw)
    assert next(handed.of(0)) == 0
    second = handed.of(1)
    assert [next(second), next(second)] == [0, 0]
    assert asked == [[0, 1], [1]]
