"""SkyTNT's checkpoints, tiny and random in their layout, against the parts of transformers that they are made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaModel

from symbolic_music.errors import ModelError
from symbolic_music.evaluation.likelihood import token_nats
from symbolic_music.models import load_model

FIELDS = 8
SIZES = {"v2": 3406, "v1": 3239}


class Theirs(nn.Module):
    """As the original composes them, with its names."""

    def __init__(self, size: int, width: int = 256, context: int = 64) -> None:
        super().__init__()
        shared = {"vocab_size": size, "hidden_size": width, "max_position_embeddings": context, "pad_token_id": 0}
        self.net_config = LlamaConfig(
            num_attention_heads=4, num_key_value_heads=4, num_hidden_layers=2, intermediate_size=48, **shared
        )
        self.net_token_config = LlamaConfig(
            num_attention_heads=1, num_key_value_heads=1, num_hidden_layers=1, intermediate_size=24, **shared
        )
        self.net, self.net_token = LlamaModel(self.net_config), LlamaModel(self.net_token_config)
        self.lm_head = nn.Linear(width, size, bias=False)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1 + (parameter.dim() == 1))

    def hidden(self, rows: Tensor) -> Tensor:
        return self.net(inputs_embeds=self.net.embed_tokens(rows).sum(-2)).last_hidden_state

    def within(self, hidden: Tensor, ids: Tensor) -> Tensor:
        """(B, width) and (B, k) to (B, k + 1, size)."""
        given = torch.cat([hidden[:, None], self.net_token.embed_tokens(ids)], dim=1)
        return self.lm_head(self.net_token(inputs_embeds=given).last_hidden_state)


def config_of(model: Theirs, version: str) -> dict[str, Any]:
    return {
        "model_type": "midi_model",
        "tokenizer": {"version": version, "optimise_midi": True},
        "net_config": json.loads(model.net_config.to_json_string(use_diff=False)),
        "net_token_config": json.loads(model.net_token_config.to_json_string(use_diff=False)),
    }


@pytest.fixture(scope="module", params=["v2", "v1"])
def published(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Theirs, Path, str]:
    version, folder = request.param, tmp_path_factory.mktemp("skytnt")
    model = Theirs(SIZES[version]).eval()
    (folder / "config.json").write_text(json.dumps(config_of(model, version)))
    save_file(model.state_dict(), folder / "model.safetensors")
    return model, folder, version


def some_rows(size: int, length: int, batch: int = 2) -> Tensor:
    return torch.randint(0, size, (batch, length, FIELDS), generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_logits_are_the_originals(published: tuple[Theirs, Path, str]) -> None:
    theirs, folder, version = published
    loaded = load_model(folder, "cpu")
    assert loaded.tokenizer.to_config() == {"name": "skytnt", "preset": version, "optimise": True}
    rows = some_rows(SIZES[version], 7)
    found, hidden = loaded.network(rows), theirs.hidden(rows)
    for place in range(6):
        expected = theirs.within(hidden[:, place], rows[:, place + 1, :-1])
        for field in range(FIELDS):
            assert torch.allclose(found[field][:, place], expected[:, field], atol=1e-4)
    # Of the row after the last: the likeliest ids are given.
    ids = torch.zeros(2, 0, dtype=torch.long)
    for field in range(FIELDS):
        logits = theirs.within(hidden[:, -1], ids)[:, -1]
        assert torch.allclose(found[field][:, -1], logits, atol=1e-4)
        ids = torch.cat([ids, logits.argmax(-1)[:, None]], dim=1)


@torch.no_grad()
def test_steps_are_forward_past_the_window(published: tuple[Theirs, Path, str]) -> None:
    _, folder, version = published
    network = load_model(folder, "cpu").network
    rows, cache, place = some_rows(SIZES[version], 100), network.new_cache(2), 0
    for length in (1, 30, 40, 1, 28):
        found = network.step(rows[:, place : place + length], cache)
        place += length
        assert cache.length == place
        expected = network(rows[:, :place])
        for one, other in zip(found, expected, strict=True):
            assert torch.allclose(one, other[:, -1], atol=1e-4)
    # Within a row, id by id.
    inner, row = network.row_cache(2), rows[:, 0]
    whole = network.row_logits(cache.state[:, None], row[:, None])[:, 0]
    for field in range(FIELDS):
        found = network.row_step(cache.state if field == 0 else row[:, field - 1], inner)
        assert torch.allclose(found, whole[:, field], atol=1e-4)


def test_what_fills_rows_up_is_not_learnt(published: tuple[Theirs, Path, str]) -> None:
    _, folder, version = published
    network = load_model(folder, "cpu").network
    rows = some_rows(SIZES[version] - 1, 4, 1) + 1
    mask = torch.ones(1, 4, dtype=torch.bool)
    padded = rows.clone()
    padded[:, -1, 3:] = 0
    logits = network(padded)
    expected = -sum(logits[i][0, j].log_softmax(-1)[padded[0, j + 1, i]] for j in range(3) for i in range(FIELDS)
                    if padded[0, j + 1, i])  # fmt: skip
    assert torch.isclose(token_nats(network, padded, mask), expected, atol=1e-3)


def test_a_file_of_lightning_is_one_too(published: tuple[Theirs, Path, str], tmp_path: Path) -> None:
    theirs, folder, version = published
    state = {**theirs.state_dict(), "net.rotary_emb.inv_freq": torch.ones(8)}
    path = tmp_path / f"t{version}-medium.ckpt"
    torch.save({"state_dict": state, "optimizer_states": [{"state": {0: torch.zeros(3)}}]}, path)
    rows = some_rows(SIZES[version], 3)
    own = load_model(path, "cpu")
    assert own.tokenizer.to_config() == {"name": "skytnt", "preset": version, "optimise": False}
    with torch.no_grad():
        # Heads are 64 and 256 wide there.
        assert all(map(torch.equal, own.network(rows), load_model(folder, "cpu").network(rows)))
        assert torch.equal(load_model(tmp_path, "cpu").network(rows)[0], own.network(rows)[0])


def test_what_does_not_fit_is_said(published: tuple[Theirs, Path, str], tmp_path: Path) -> None:
    _, folder, _ = published
    state = load_file(folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    for name, change, told in (
        ("model_type", {"tokenizer": {"version": "v3"}}, "names tokenizer 'v3'"),
        ("net_config", {"net_config": {**config["net_config"], "num_attention_heads": 3}}, "3 heads and 4 of keys"),
        ("net_config", {"net_config": {**config["net_config"], "hidden_act": "relu"}}, "only 'silu' is known here"),
    ):
        (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
        save_file(state, tmp_path / "model.safetensors")
        with pytest.raises(ModelError, match=told):
            load_model(tmp_path)
        assert name in config
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file({k: x for k, x in state.items() if "v_proj" not in k}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"lacks net.layers.0.self_attn.v_proj.weight, "):
        load_model(tmp_path)
    save_file({**state, "net.more.weight": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"no SkyTNT model of its config has: net.more.weight"):
        load_model(tmp_path)
    short = {k: x[:100] if k == "net.layers.0.self_attn.q_proj.weight" else x for k, x in state.items()}
    save_file(short, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"rows, its config.json makes it 768"):
        load_model(tmp_path)
