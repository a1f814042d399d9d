"""Networks of the public families with lighter weights, tiny and random."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import symbolic_music as sm
from symbolic_music.errors import OptionError
from symbolic_music.generation import with_weights
from symbolic_music.generation.inference.quantised_models import lightened
from symbolic_music.generation.inference.weight_formats import WEIGHTS
from symbolic_music.models.architectures.aria import Aria, AriaConfig
from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config
from symbolic_music.models.architectures.midi_llm import MidiLlm, MidiLlmConfig
from symbolic_music.models.architectures.skytnt import SkyTnt, SkyTntConfig
from tests.corpora.example_stores import band
from tests.generation.left_to_right.test_skytnt_infill import rows

SHAPE = {"context": 32, "width": 32, "layers": 2, "heads": 2}
ERROR = {"float32": 1e-5, "float16": 1e-3, "bfloat16": 3e-2, "int8": 3e-2}


def networks() -> list[nn.Module]:
    """One of each family, larger in what they add than at the start of training."""
    torch.manual_seed(0)
    found: list[nn.Module] = [
        Aria(AriaConfig(**SHAPE, vocabulary=90, hidden=64)),
        GPT2(GPT2Config(**SHAPE, vocabulary=90)),
        GPT2(GPT2Config(**SHAPE, vocabulary=90, tied=False)),
        MidiLlm(MidiLlmConfig(**SHAPE, vocabulary=90, text=40, key_heads=1, hidden=64)),
        MidiLlm(MidiLlmConfig(**SHAPE, vocabulary=90, text=40, key_heads=2, hidden=64, tied=False)),
        SkyTnt(SkyTntConfig(**SHAPE, vocabulary=90, hidden=64, row_layers=1, row_heads=2, row_hidden=32)),
    ]
    for network in found:
        for parameter in network.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.15)
    return [network.eval() for network in found]


@pytest.mark.parametrize("kind", WEIGHTS)
@torch.no_grad()
def test_logits_are_nearly_those_of_the_network(kind: str) -> None:
    for network in networks():
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        light = lightened(network, WEIGHTS[kind])
        ids = torch.randint(3, 90, (2, 9, 8) if isinstance(network, SkyTnt) else (2, 9))
        own, other = network.new_cache(2), light.new_cache(2)
        for first, last in ((0, 7), (7, 8), (8, 9)):
            expected, found = network.step(ids[:, first:last], own), light.step(ids[:, first:last], other)
            if isinstance(network, SkyTnt):  # later fields follow the likeliest earlier ones, which may differ
                expected, found = expected[0], found[0]
            assert (found - expected).abs().max() < ERROR[kind] * (1 + expected.std() * 5), type(network)
        assert {name for name, m in light.named_modules() if isinstance(m, nn.Linear)} <= {"head"}
        assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "int8", "auto"])
def test_pieces_go_on_with_lighter_weights(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # where what is measured is kept
    score, model = band(1, 60), with_weights(rows(), kind)
    written = sm.generate(score, 2.0, model, seed=1)
    assert len(written) > len(score)
    new = sm.infill(score, 2.0, 4.0, [0], model, seed=3)
    kept = score.notes[score.notes["track"] != 0]
    assert np.array_equal(new.notes[new.notes["track"] != 0], kept)
    assert not model.network.training


def test_weights_that_there_are_not() -> None:
    with pytest.raises(OptionError, match="choose from float32, float16, bfloat16, int8"):
        with_weights(rows(), "int4")
    with pytest.raises(OptionError, match="they are for models of the public families"):
        with_weights(sm.load_model("chorales"), "int8")
