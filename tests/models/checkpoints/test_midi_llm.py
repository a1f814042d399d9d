"""MIDI-LLM's checkpoints, tiny and random in their layout, against transformers' Llama; and pieces from a text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import LlamaConfig, LlamaForCausalLM

import symbolic_music as sm
from symbolic_music.cli import main
from symbolic_music.errors import ModelError, OptionError
from symbolic_music.models import load_model
from symbolic_music.models.architectures.midi_llm import TextConditioned
from symbolic_music.score import Score, Track
from symbolic_music.tokenizers.anticipation import vocabulary as v

TEXT, MUSIC = 40, 55_030
WORDS = ["<s>", "<unk>", "You", "are", "a", "world", "class", "composer", "music", "waltz", "for", "piano"]
STRETCH = {
    "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16, "rope_theta": 500000.0,
}  # fmt: skip


def text_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return tokenizer


def published(folder: Path, tied: bool = True, **options: Any) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=TEXT + MUSIC, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=24, max_position_embeddings=512, rms_norm_eps=1e-5, tie_word_embeddings=tied,
        rope_parameters=STRETCH, bos_token_id=0, eos_token_id=1, **options,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3 + (parameter.dim() == 1))
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(config.to_json_string(use_diff=False))
    state = {k: x for k, x in model.state_dict().items() if not (tied and k == "lm_head.weight")}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    text_tokenizer().save(str(folder / "tokenizer.json"))
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("llm") / "m"
    published(path)
    return path


def music(length: int, batch: int = 1) -> torch.Tensor:
    return torch.randint(0, v.SIZE, (batch, length), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("tied", [True, False])
@torch.no_grad()
def test_logits_are_the_originals(tmp_path: Path, tied: bool) -> None:
    theirs = published(tmp_path / "m", tied)
    network = load_model(tmp_path / "m", "cpu").network
    text, ids = torch.tensor([[0, 5, 7, 2]]), music(30, 2)
    expected = theirs(torch.cat([text.expand(2, -1), ids + TEXT], dim=1)).logits[:, 4:, TEXT : TEXT + v.SIZE]
    assert torch.allclose(network(ids, text), expected, atol=1e-4)
    without = theirs(ids + TEXT).logits[..., TEXT : TEXT + v.SIZE]
    assert torch.allclose(network(ids), without, atol=1e-4)


@torch.no_grad()
def test_transformers_reads_what_is_saved(folder: Path, tmp_path: Path) -> None:
    """As it was published, whether a music id or a text id follows."""
    saved = sm.models.save_pretrained(load_model(folder, "cpu").network, tmp_path / "back")
    ids = torch.cat([torch.tensor([[0, 5, 7, 2]]), music(30) + TEXT], dim=1)
    theirs, back = (LlamaForCausalLM.from_pretrained(path).eval()(ids).logits for path in (folder, saved))
    assert torch.allclose(back[..., : TEXT + v.SIZE], theirs[..., : TEXT + v.SIZE], atol=1e-5)
    assert (saved / "tokenizer.json").read_bytes() == (folder / "tokenizer.json").read_bytes()
    again = load_model(saved, "cpu").network
    assert torch.equal(again(music(30)), load_model(folder, "cpu").network(music(30)))


@torch.no_grad()
def test_what_transformers_cannot_read_is_not_saved_for_it(tmp_path: Path) -> None:
    published(tmp_path / "m", tied=False)
    with pytest.raises(ModelError, match="output matrix"):
        sm.models.save_pretrained(load_model(tmp_path / "m", "cpu").network, tmp_path / "back")
    with pytest.raises(ModelError, match="transformers has no architecture anticipatory"):
        sm.models.save_pretrained(load_model("chorales", device="cpu").network, tmp_path / "back")
    assert not (tmp_path / "back").exists()


@torch.no_grad()
def test_steps_are_forward_past_the_window_with_the_text_in_view(folder: Path) -> None:
    network = load_model(folder, "cpu").network
    conditioned = TextConditioned(network, torch.tensor([[0, 5, 7, 2] * 60]))
    ids, cache, place = music(1100), conditioned.new_cache(1), 0
    whole = conditioned(ids)
    for length in (1, 200, 71, 1, 500, 327):
        found = conditioned.step(ids[:, place : place + length], cache)
        place += length
        assert cache.length == place
        assert torch.allclose(found, whole[:, place - 1], atol=1e-4)
    with pytest.raises(ModelError, match="a text of 300 ids is too long"):
        network.new_cache(1, torch.zeros(1, 300, dtype=torch.long))


def test_a_text_is_read_as_in_training(folder: Path) -> None:
    ids = load_model(folder, "cpu").network.text_ids("a waltz for piano")
    opening = "You are a world-class composer. Please compose some music according to the following description: "
    assert list(ids) == text_tokenizer().encode(f"{opening}a waltz for piano ").ids
    assert ids[0] == 0
    assert ids[-1] == WORDS.index("piano")


def test_a_text_makes_a_piece(folder: Path, tmp_path: Path, capsys: Any) -> None:
    one, same, other = (sm.generate(None, 100.0, folder, seed=1, text=text) for text in ("waltz", "waltz", "piano"))
    assert len(one)
    assert one == same
    assert not np.array_equal(one.notes, other.notes)
    assert one.duration <= 100.001
    out = tmp_path / "o.mid"
    with pytest.raises(SystemExit) as left:
        main(["generate", "-m", str(folder), "--text", "waltz", "--seconds", "100", "--seed", "1", "-o", str(out)])
    assert left.value.code == 0
    assert sm.read(out).notes[["pitch"]].tolist() == one.notes[["pitch"]].tolist()
    capsys.readouterr()


def test_what_cannot_be_is_said(folder: Path) -> None:
    model = load_model(folder, "cpu")
    for arguments, conditioned in (
        ({"text": " "}, "needs a text"),
        ({}, "needs a text"),
        ({"text": "x", "prompt": Score(tracks=(Track(),))}, "a text or a prompt, not both"),
        ({"text": "x", "seconds": 101}, "at most 100 seconds"),
        ({"text": "x", "limits": sm.Limits(lowest=50)}, "cannot keep to limits"),
    ):
        with pytest.raises(OptionError, match=conditioned):
            sm.generate(model=model, **arguments)
    with pytest.raises(OptionError, match="'chorales' takes no text; midi-llm does"):
        sm.generate(model="chorales", text="x")


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    path = tmp_path / "m"
    published(path)
    (path / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"m has no tokenizer.json, the tokenizer of its text"):
        sm.generate(None, 1.0, path, text="x")
    (path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer.json is no tokenizer"):
        sm.generate(None, 1.0, path, text="x")
    state = load_file(path / "model.safetensors")
    save_file({k: x for k, x in state.items() if "k_proj" not in k}, path / "model.safetensors")
    with pytest.raises(ModelError, match=r"lacks model.layers.0.self_attn.k_proj.weight"):
        load_model(path)
    save_file({**state, "lm_head.weight": torch.zeros(TEXT + MUSIC, 16)}, path / "model.safetensors")
    with pytest.raises(ModelError, match=r"an output matrix that is not its embedding"):
        load_model(path)
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "vocab_size": 32_000}))
    with pytest.raises(ModelError, match=r"is a Llama of 32,000 ids; known here is MIDI-LLM"):
        load_model(path)
    (path / "config.json").write_text(json.dumps({**config, "rope_parameters": {"rope_type": "yarn"}}))
    with pytest.raises(ModelError, match=r"rotary positions of type 'yarn' are not known here"):
        load_model(path)
    for broken in ({"rope_theta": float("nan")}, {"factor": float("nan")}, {"factor": 1 << 4000}):
        (path / "config.json").write_text(json.dumps({**config, "rope_parameters": {**STRETCH, **broken}}))
        with pytest.raises(ModelError, match=r"rope_theta is a whole number|rotary positions of type 'llama3'"):
            load_model(path)
