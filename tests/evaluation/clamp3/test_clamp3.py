"""CLaMP 3's text, patches and encoder, tiny and random in its layout, against transformers' BERT."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from symbolic_music.cli import main
from symbolic_music.errors import EmptyScoreError, ModelError
from symbolic_music.evaluation.clamp3 import clamp3_embedding, load_clamp3, midi_text, patches
from symbolic_music.evaluation.clamp3.embedding import FILE
from symbolic_music.models import load_model
from symbolic_music.models.checkpoints import memory
from symbolic_music.score import Score
from tests.corpora.example_stores import band, piano
from tests.tokenizers.public.test_skytnt import piece

CONTEXT, WIDTH = 16, 64
# By the original's scripts, of `piece`.
TEXT = [
    "ticks_per_beat 96",
    "set_tempo 500000 0",
    "time_signature 3 4 24 8 0",
    "program_change 0 3 33",
    "control_change 0 3 7 100",
    "key_signature C 0",
    "control_change 0 5 64 127",
    "key_signature C 0",
    "control_change 10 3 7 102",
    "note_on 86 3 40 80",
    "note_on 4 9 36 90",
    "note_off 1 9 36 64",
    "note_on 49 3 40 81",
    "note_off 10 3 40 64",
    "note_off 32 3 40 64",
    "note_on 0 3 47 70",
    "set_tempo 495000 8",
    "set_tempo 400000 88",
    "time_signature 6 8 24 8 0",
    "note_on 0 0 64 60",
    "note_off 12 3 47 64",
    "end_of_track 0",
]


def test_a_file_as_text() -> None:
    assert midi_text(piece()).split("\n") == TEXT


def test_patches_hold_lines_of_one_kind() -> None:
    ids = patches("\n".join(TEXT))
    told = ["".join(chr(c) for c in row if c > 2) for row in ids.tolist()]
    assert told[0] == told[-1] == ""
    assert ids[0].tolist() == [1] * 64
    assert ids[-1].tolist() == [1, *[2] * 63]
    assert told[1:4] == ["ticks_per_beat 96\n", "set_tempo 500000 0\n", "time_signature 3 4 24 8 0\n"]
    # `note_off` does not begin with `note_on `, but lines of note_on after each other are one patch.
    assert "note_on 86 3 40 80\t4 9 36 90\n" in told
    assert "note_off 10 3 40 64\t32 3 40 64\n" in told
    assert ids[1].tolist() == [1, *map(ord, "ticks_per_beat 96\n"), 2, *[0] * 44]
    long = patches("\n".join(f"note_on {i} 0 60 64" for i in range(40)))
    assert (long[1:-1] != 0).sum(1).max() <= 64
    assert patches("lyric é" + "x" * 90)[1].tolist() == [1, *map(ord, "lyric ?" + "x" * 56)]


def published(path: Path) -> tuple[nn.Linear, BertModel, nn.Linear]:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=1, hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=1, intermediate_size=48,
        max_position_embeddings=CONTEXT,
    )  # fmt: skip
    patch, base, out = nn.Linear(64 * 128, WIDTH), BertModel(config).eval(), nn.Linear(WIDTH, 24)
    with torch.no_grad():
        for parameter in base.parameters():
            parameter.add_(torch.randn(parameter.shape) * 0.2)
    state = {f"symbolic_model.patch_embedding.{k}": x for k, x in patch.state_dict().items()}
    state |= {f"symbolic_model.base.{k}": x for k, x in base.state_dict().items()}
    state |= {f"symbolic_proj.{k}": x for k, x in out.state_dict().items()}
    state |= {"text_model.embeddings.word_embeddings.weight": torch.zeros(3, 4), "audio_proj.bias": torch.zeros(2)}
    torch.save({"model": state, "epoch": 3, "min_eval_loss": 0.5, "optimizer": {"state": {}}}, path)
    return patch, base, out


@torch.no_grad()
def test_embeddings_are_the_originals(tmp_path: Path) -> None:
    patch, base, out = published(tmp_path / FILE)
    model = load_clamp3(tmp_path)
    for score in (piece(), band(1, 90)):
        ids = torch.from_numpy(patches(midi_text(score)))
        features, weights = [], []
        for start in range(0, len(ids), CONTEXT):
            own = ids[start : start + CONTEXT]
            weights.append(len(own))
            if start + CONTEXT >= len(ids):
                own = ids[-CONTEXT:]
            x = patch(functional.one_hot(own, 128).flatten(1).float())[None]
            state = base(inputs_embeds=x, attention_mask=torch.ones(1, len(own))).last_hidden_state
            features.append(out(state.mean(1))[0])
        expected = sum(f * w for f, w in zip(features, weights, strict=True)) / sum(weights)
        assert np.allclose(clamp3_embedding(score, model), expected.numpy(), atol=1e-4)
    with pytest.raises(EmptyScoreError):
        clamp3_embedding(Score(), model)


def test_sets_are_compared_by_them(tmp_path: Path, capsys: Any) -> None:
    published(tmp_path / "w.pth")
    for name, kind in (("a", band), ("b", piano)):
        (tmp_path / name).mkdir()
        for seed in range(3):
            kind(seed, 40).write(tmp_path / name / f"{seed}.mid")
    where = [str(tmp_path / name) for name in "ab"]
    with pytest.raises(SystemExit) as left:
        main(["compare", *where, "--embedding", str(tmp_path / "w.pth"), "--json"])
    assert left.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["embedding"] == "clamp3"
    assert found["frechet"] > 0


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match=r"no file .*nowhere.pth: weights_clamp3_saas"):
        load_clamp3(tmp_path / "nowhere.pth")
    published(tmp_path / "w.pth")
    state = torch.load(tmp_path / "w.pth", weights_only=True)["model"]
    torch.save({k: x for k, x in state.items() if "query" not in k}, tmp_path / "v.pth")
    with pytest.raises(ModelError, match=r"lacks symbolic_model.base.encoder.layer.0.attention.self.query.weight"):
        load_clamp3(tmp_path / "v.pth")
    torch.save({"x": torch.zeros(2, 2)}, tmp_path / "v.pth")
    with pytest.raises(ModelError, match=r"is no CLaMP 3: it lacks symbolic_model.patch_embedding.weight"):
        load_clamp3(tmp_path / "v.pth")
    monkeypatch.setattr(memory, "free_memory", lambda: 1 << 10)
    with pytest.raises(ModelError, match="of memory for its weights"):
        load_clamp3(tmp_path / "w.pth")
    with pytest.raises(ModelError, match="clamp3 embeds pieces for evaluation"):
        load_model("clamp3")
    with pytest.raises(ModelError, match=r"sander-wood/clamp3 is not in the hub's cache"):
        load_clamp3(offline=True)
