from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from symbolic_music import tokenizers
from symbolic_music.cli import main
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.errors import CorpusError, ModelError, OptionError
from symbolic_music.evaluation import Likelihood, evaluate
from symbolic_music.models import AnticipatoryConfig, AnticipatoryTransformer, Card, Model, registry
from tests.training.tiny_runs import grid_file


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> NoteStore:
    folder = tmp_path_factory.mktemp("store")
    with pytest.raises(SystemExit) as end:
        main(["prepare", "chorales", str(grid_file(folder)), "-o", str(folder / "store")])
    assert not end.value.code
    return NoteStore(folder / "store")


def card(name: str = "tiny") -> Card:
    return Card(name, 1, "none", "none")


def uniform(network: Any) -> Any:
    """A network that thinks everything equally likely."""
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)
    return network


def test_a_uniform_model_costs_the_logarithm_of_its_vocabulary(store: NoteStore) -> None:
    network = uniform(registry.get("lstm").build({"width": 4, "embedding": 4, "layers": 1, "vocabulary": 388}))
    found = evaluate(Model(network, card(), tokenizer=tokenizers.get("performance")), store, "validation")
    assert found.per_token == pytest.approx(math.log(388), rel=1e-6)
    assert found.notes == sum(store.piece(int(i)).notes for i in store.splits["validation"])
    assert found.bits_per_second == pytest.approx(found.nats / math.log(2) / found.seconds)


def test_every_id_but_the_first_of_a_chunk_is_counted(store: NoteStore) -> None:
    tokenizer = tokenizers.get("performance")
    network = registry.get("music-transformer").build(
        {"width": 8, "layers": 1, "heads": 2, "hidden": 8, "window": 16, "distances": 4, "dropout": 0.0}
    )
    found = evaluate(Model(network, card(), tokenizer=tokenizer), store, "validation", batch=3)
    nats, tokens = 0.0, 0
    for index in store.splits["validation"]:
        ids = torch.from_numpy(np.asarray(tokenizer.encode(store.music(int(index))), np.int64))
        for chunk in ids.split(16):
            logits = network.eval()(chunk[None])[0, :-1].detach().double()
            nats -= float(logits.log_softmax(-1).gather(-1, chunk[1:, None]).sum())
            tokens += len(chunk) - 1
    assert found.tokens == tokens
    assert found.nats == pytest.approx(nats, rel=1e-5)


@pytest.mark.parametrize("stride", [1, 5, 16])
def test_with_a_stride_every_id_is_counted_once_after_what_stands_before(store: NoteStore, stride: int) -> None:
    tokenizer = tokenizers.get("performance")
    network = registry.get("music-transformer").build(
        {"width": 8, "layers": 1, "heads": 2, "hidden": 8, "window": 16, "distances": 4, "dropout": 0.0}
    )
    model, pieces = Model(network, card(), tokenizer=tokenizer), dict[int, Likelihood]()
    found = evaluate(model, store, "validation", 3, None, pieces, stride)
    nats, tokens = 0.0, 0
    for index in store.splits["validation"].tolist():
        ids = torch.from_numpy(np.asarray(tokenizer.encode(store.music(index)), np.int64))
        for at in range(1, len(ids)):
            # The chunk in which the id is new: the first that reaches it. With stride 16 its first id is not counted.
            start = max(0, -(-(at - 15) // stride)) * stride
            if start < at:
                logits = network.eval()(ids[None, start : start + 16])[0, at - start - 1].detach().double()
                nats -= float(logits.log_softmax(-1)[ids[at]])
                tokens += 1
        assert pieces[index].notes == store.piece(index).notes
    assert found.tokens == sum(one.tokens for one in pieces.values()) == tokens
    assert found.nats == pytest.approx(nats, rel=1e-5)
    for bad in (0, 17):
        with pytest.raises(OptionError, match="1 to 16"):
            evaluate(model, store, "validation", stride=bad)


def test_events_of_our_model(store: NoteStore) -> None:
    config = AnticipatoryConfig(8, 1, 2, 8, instruments=(40, 41, 42, 43), window=8)
    found = evaluate(Model(AnticipatoryTransformer(config), card()), store, "validation")
    assert found.tokens == 3 * found.parts["event"][1]
    assert found.perplexities["event"] == pytest.approx(
        math.prod(found.perplexities[name] for name in ("time", "duration", "note"))
    )
    with pytest.raises(OptionError, match="stride"):
        evaluate(Model(AnticipatoryTransformer(config), card()), store, "validation", stride=4)
    other = AnticipatoryTransformer(AnticipatoryConfig(8, 1, 2, 8, instruments=(0,), window=8))
    with pytest.raises(ModelError, match="40, 41, 42, 43"):
        evaluate(Model(other, card()), store, "validation")


def test_a_split_too_short_for_the_published_chunks_is_refused(store: NoteStore) -> None:
    shape = {"width": 8, "layers": 1, "heads": 2}
    network = registry.get("gpt2").build(shape)
    with pytest.raises(CorpusError):
        evaluate(Model(network, card()), store, "validation")
    with pytest.raises(CorpusError, match="no split 'none'"):
        evaluate(Model(network, card()), store, "none")
