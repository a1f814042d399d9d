"""Each public family is fine-tuned on a store of music, whole and by low-rank changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from symbolic_music import tokenizers
from symbolic_music.corpora.store.manifest import Piece, write_manifest, write_segment
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.models import GPT2, GPT2Config, load_model, save_pretrained
from symbolic_music.training import train
from symbolic_music.training.config import parse_config
from tests.corpora.example_stores import band, piano
from tests.models.checkpoints import test_aria, test_midi_llm, test_midigpt_file, test_skytnt


def anticipation(folder: Path) -> Path:
    return save_pretrained(GPT2(GPT2Config(width=16, layers=1, heads=2)), folder)


def miditok(folder: Path) -> Path:
    tokenizer = tokenizers.get("miditok:REMI", use_programs=True)
    config = GPT2Config(len(tokenizer.vocabulary), context=128, width=16, layers=1, heads=2)
    save_pretrained(GPT2(config), folder)
    tokenizer.miditok.save_pretrained(folder)
    return folder


def skytnt(folder: Path) -> Path:
    model = test_skytnt.Theirs(3406, 32)
    config = test_skytnt.config_of(model, "v2")
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    save_file(model.state_dict(), folder / "model.safetensors")
    return folder


def aria(folder: Path) -> Path:
    folder.mkdir()
    save_file(test_aria.tensors(layers=1), folder / "model.safetensors")
    return folder


def midigpt(folder: Path) -> Path:
    folder.mkdir()
    test_midigpt_file.written(folder / "tiny.safetensors")
    return folder


def midi_llm(folder: Path) -> Path:
    test_midi_llm.published(folder)
    return folder


FAMILIES: dict[str, Callable[[Path], Path]] = {
    "anticipation": anticipation, "miditok": miditok, "skytnt": skytnt, "aria": aria, "midigpt": midigpt,
    "midi-llm": midi_llm,
}  # fmt: skip


def store(folder: Path, name: str) -> NoteStore:
    make = piano if name == "aria" else band
    pieces = [
        (Piece(str(i), "0" * 64, "validation" if i == 2 else "train", len(score), score.duration), score)
        for i, score in enumerate(make(seed, 500) for seed in range(3))
    ]
    write_segment(folder, 0, "plan", pieces, [])
    write_manifest(folder, 1, "made", {})
    return NoteStore(folder)


def tuning(folder: Path, name: str, lora: bool, steps: int = 2) -> dict[str, Any]:
    """A config that trains a published model of a family further."""
    source = folder / "public"
    tree: dict[str, Any] = {
        "name": "tuned", "out": str(folder / "runs"), "init": str(FAMILIES[name](source)),
        "data": {"kind": "of-model", "path": str(store(folder / "store", name).path)},
        "optim": {"steps": steps, "batch": 1, "warmup": 1, "learning_rate": 1e-2},
        "checkpoint_every": 1,
    }  # fmt: skip
    if lora:
        tree["lora"] = {"rank": 2}
    if name not in ("anticipation", "midi-llm"):  # whose windows are of a fixed length
        tree["data"]["length"] = 48
    return tree


# A MIDI-LLM's tables take long; whole, it is trained in the next test.
@pytest.mark.parametrize(
    ("name", "lora"), [(name, lora) for name in FAMILIES for lora in (False, True) if lora or name != "midi-llm"]
)
def test_a_family_is_fine_tuned(tmp_path: Path, name: str, lora: bool) -> None:
    tree = tuning(tmp_path, name, lora)
    before, after = load_model(tree["init"], "cpu"), load_model(train(parse_config(tree)).folder, "cpu")
    assert tokenizers.fingerprint(before.tokenizer) == tokenizers.fingerprint(after.tokenizer)
    assert type(before.network) is type(after.network)
    moved = {
        key
        for key, x in after.network.state_dict().items()
        if not torch.allclose(x, before.network.state_dict()[key], atol=2e-3)
    }
    assert moved
    if lora:
        assert all(key.startswith("blocks.") for key in moved)


@pytest.mark.parametrize(("name", "lora"), [*((name, False) for name in FAMILIES), ("skytnt", True)])
def test_it_is_resumed_to_the_same_weights(tmp_path: Path, name: str, lora: bool) -> None:
    tree = tuning(tmp_path, name, lora)
    whole = load_model(train(parse_config(tree)).folder, "cpu").network.state_dict()
    config = parse_config({**tree, "out": str(tmp_path / "again")})

    def stop(report: dict[str, float]) -> None:
        if report["step"] == 2:  # after the checkpoint of step 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, report=stop)
    again = load_model(train(config, resume=True).folder, "cpu").network.state_dict()
    assert all(torch.equal(again[key], x) for key, x in whole.items())
