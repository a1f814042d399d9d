"""MIDI-GPT's files: tiny and random, with the header that the published ones have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel

from symbolic_music.errors import ModelError
from symbolic_music.models import load_model
from symbolic_music.tokenizers.public.midigpt_layout import PRESETS, YELLOW

SIZES = {"yellow": 647, "prism": 843, "expressive": 964}
SHAPE = {"vocab_size": 647, "n_positions": 64, "n_embd": 16, "n_layer": 2, "n_head": 2}


def written(path: Path, preset: str = "yellow", **changes: Any) -> GPT2LMHeadModel:
    """A file at this path, and transformers' model of the same weights."""
    torch.manual_seed(0)
    shape = {**SHAPE, "vocab_size": SIZES[preset]}
    config = GPT2Config(**shape, tie_word_embeddings=False, bos_token_id=0, eos_token_id=0)
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.4)
    header = {"format_version": "2", "arch": "gpt2", "config": json.dumps(shape),
              "encoder_config": json.dumps(PRESETS[preset])}  # fmt: skip
    save_file({k: x.clone() for k, x in model.state_dict().items()}, path, {**header, **changes})
    return model


@pytest.mark.parametrize(("by_folder", "preset"), [(True, "yellow"), (False, "prism"), (False, "expressive")])
def test_one_file_is_a_model(tmp_path: Path, by_folder: bool, preset: str) -> None:
    path, size = tmp_path / "tiny-final.safetensors", SIZES[preset]
    theirs = written(path, preset)
    model = load_model(tmp_path if by_folder else path, "cpu")
    ids = torch.randint(0, size, (2, 50), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.allclose(model.network(ids), theirs(ids).logits, atol=1e-4)
    assert (model.tokenizer.name, len(model.tokenizer.vocabulary)) == ("midigpt", size)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": "3"}, "of version '3'"),
        ({"config": "[]"}, "has no config in its header"),
        ({"config": json.dumps({**SHAPE, "vocab_size": 700})}, "vocabulary of 700 ids; its configuration has 647"),
        ({"encoder_config": json.dumps({"resolution": 12})}, "no configuration of its tokenizer"),
        (
            {"encoder_config": json.dumps({**YELLOW, "token_domains": [{"type": "Tension", "domain_size": 3}]})},
            "tokens of Tension",
        ),
    ],
)
def test_headers_that_do_not_fit_are_refused(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    path = tmp_path / "m.safetensors"
    written(path, **changes)
    with pytest.raises(ModelError, match=message):
        load_model(path)


def test_a_checkpoint_of_notagen_is_named_and_refused(tmp_path: Path) -> None:
    torch.save({"model": {"patch_level_decoder.patch_embedding.weight": torch.zeros(8, 8)}}, tmp_path / "x.pth")
    with pytest.raises(ModelError, match="is a checkpoint of NotaGen, which is not supported"):
        load_model(tmp_path / "x.pth")
