"""Public checkpoints by folder, short name and id of the hub; tiny random ones in the published layouts."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2Config as TheirConfig
from transformers import GPT2LMHeadModel

import symbolic_music as sm
from symbolic_music import tokenizers
from symbolic_music.errors import ModelError, UnknownNameError
from symbolic_music.models import load_model
from symbolic_music.models.checkpoints import memory
from symbolic_music.models.checkpoints.catalogue import CATALOGUE, entry, is_non_commercial
from symbolic_music.models.checkpoints.hub_download import download
from symbolic_music.models.checkpoints.public import say_licence
from symbolic_music.tokenizers.anticipation import vocabulary as v
from tests.corpora.example_stores import band
from tests.models.conftest import place


def theirs(rows: int = v.SIZE, **options: Any) -> GPT2LMHeadModel:
    torch.manual_seed(0)
    shape = {"n_positions": 256, "n_embd": 8, "n_layer": 2, "n_head": 2, "bos_token_id": 0, "eos_token_id": 0}
    model = GPT2LMHeadModel(TheirConfig(vocab_size=rows, **{**shape, **options})).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.4)
    return model


def published(folder: Path, model: GPT2LMHeadModel, prefixed: bool = True, kind: str = "safetensors") -> Path:
    """A checkpoint as the published ones are: with or without the prefix, safetensors or a pickle of tensors."""
    folder.mkdir(parents=True)
    config = {**json.loads(model.config.to_json_string()), "scale_attn_by_inverse_layer_idx": False}
    (folder / "config.json").write_text(json.dumps(config))
    state = {k: x for k, x in model.state_dict().items() if k != "lm_head.weight"}
    state = {k if prefixed else k.removeprefix("transformer."): x for k, x in state.items()}
    if kind == "bin":
        torch.save({**state, "lm_head.weight": model.lm_head.weight.data}, folder / "pytorch_model.bin")
    else:
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("rows", [v.SIZE, 55_030])
@pytest.mark.parametrize(("prefixed", "kind"), [(True, "safetensors"), (False, "safetensors"), (True, "bin")])
def test_an_anticipatory_checkpoint_is_a_model(tmp_path: Path, rows: int, prefixed: bool, kind: str) -> None:
    model = theirs(rows)
    loaded = load_model(published(tmp_path / "m", model, prefixed, kind), "cpu")
    ids = torch.randint(0, v.SIZE, (1, 50), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.allclose(loaded.network(ids), model(ids).logits[..., : v.SIZE], atol=1e-4)
    assert loaded.tokenizer.name == "anticipation"
    assert loaded.card.name == "m"


def test_rows_that_no_id_stands_for_are_never_drawn(tmp_path: Path) -> None:
    """The two rows of the large checkpoint: here they would win wherever they may."""
    model = theirs(55_030)
    with torch.no_grad():
        model.transformer.wte.weight[v.SIZE :] = 50.0
        model.transformer.ln_f.bias.fill_(1.0)
    loaded = load_model(published(tmp_path / "m", model), "cpu")
    assert loaded.network(torch.tensor([[v.AUTOREGRESS]])).shape[-1] == v.SIZE
    score = sm.generate(None, 2.0, loaded, seed=1)
    assert len(score)
    edited = sm.infill(band(1, 40), 2.0, 4.0, None, loaded, seed=1)
    assert len(edited)


def test_interarrival_checkpoints_are_told_by_their_vocabulary(tmp_path: Path) -> None:
    loaded = load_model(published(tmp_path / "m", theirs(34_025)), "cpu")
    assert (loaded.tokenizer.name, loaded.tokenizer.preset) == ("anticipation", "interarrival")


@pytest.mark.parametrize("trained", [False, True])
def test_a_gpt2_with_a_miditok_tokenizer_beside_it(tmp_path: Path, trained: bool) -> None:
    tokenizer = tokenizers.get("miditok:REMI", use_programs=True, num_velocities=16)
    score = band(1, 60)
    if trained:
        tokenizer = tokenizer.train([score], len(tokenizer.vocabulary) + 40)
    folder = published(tmp_path / "m", theirs(len(tokenizer.vocabulary)))
    tokenizer.miditok.save_pretrained(folder)
    loaded = load_model(folder, "cpu")
    assert loaded.tokenizer.vocabulary == tokenizer.vocabulary
    assert loaded.tokenizer.encode(score).tolist() == tokenizer.miditok(tokenizer._to_symusic(score)).ids
    longer = sm.generate(score, 2.0, loaded, seed=1)
    assert len(longer) >= len(score)


def test_a_gpt2_of_other_ids_needs_a_tokenizer(tmp_path: Path) -> None:
    folder = published(tmp_path / "m", theirs(300))
    with pytest.raises(ModelError, match="no MidiTok tokenizer"):
        load_model(folder)
    (folder / "tokenizer.json").write_text(json.dumps({"tokenization": "Other", "config": {}}))
    with pytest.raises(ModelError, match="is no tokenizer of MidiTok"):
        load_model(folder)
    (folder / "tokenizer.json").write_text(json.dumps({"tokenization": "REMI", "config": {"num_velocities": "many"}}))
    with pytest.raises(ModelError, match="does not fit the MidiTok that is installed"):
        load_model(folder)
    tokenizers.get("miditok:REMI").miditok.save_pretrained(folder)
    with pytest.raises(ModelError, match=r"vocabulary of 300 ids; \d+ are expected"):
        load_model(folder)


def test_what_is_wrong_with_a_layout_is_said(tmp_path: Path) -> None:
    folder = published(tmp_path / "m", theirs())
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    with pytest.raises(ModelError, match="of a model of type 'bert'; known here are"):
        load_model(folder)
    (folder / "config.json").write_text(json.dumps(config))
    path = folder / "model.safetensors"
    state = load_file(path)
    save_file({k: x for k, x in state.items() if "c_fc" not in k}, path)
    with pytest.raises(ModelError, match=r"lacks h.0.mlp.c_fc.weight, .* and 1 more"):
        load_model(folder)
    save_file({**state, "transformer.more": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match="no GPT-2 of its config has: more"):
        load_model(folder)


def test_too_little_memory_is_said_before_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = published(tmp_path / "m", theirs())
    monkeypatch.setattr(memory, "free_memory", lambda: 1 << 20)
    with pytest.raises(ModelError, match=r"m needs 0\.0 GB of memory for its weights; 0\.0 GB are free"):
        load_model(folder)


def test_an_optimizer_beside_the_weights_is_left_alone(tmp_path: Path) -> None:
    model = theirs()
    folder = published(tmp_path / "m", model, kind="bin")
    path = folder / "pytorch_model.bin"
    state = torch.load(path, weights_only=True)
    torch.save({"model": state, "optimizer": {"state": {0: torch.zeros(3)}, "param_groups": []}, "epoch": 3}, path)
    ids = torch.tensor([[v.AUTOREGRESS, 5, v.DURATION]])
    with torch.no_grad():
        assert torch.allclose(load_model(folder, "cpu").network(ids), model(ids).logits, atol=1e-4)


def test_names_that_are_near_are_told() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean amt-small"):
        load_model("amt-smal")
    with pytest.raises(UnknownNameError, match=r"did you mean chorales"):
        load_model("choral")
    with pytest.raises(UnknownNameError, match=r"models --all lists all"):
        load_model("zzzzzz")


def test_every_entry_of_the_catalogue_is_found() -> None:
    assert len({one.name for one in CATALOGUE}) == len(CATALOGUE)
    for one in CATALOGUE:
        assert entry(one.name) is one
        assert one.file or entry(one.repository) is one


@pytest.mark.parametrize(
    ("licence", "only"),
    [("CC BY-NC-SA 4.0", True), ("MIT", False), ("non-commercial research", True), ("Apache-2.0", False)],
)
def test_a_licence_for_non_commercial_use_is_said(licence: str, only: bool, caplog: Any) -> None:
    assert is_non_commercial(licence) is only
    say_licence("x", licence)
    assert [r.getMessage() for r in caplog.records] == ([f"model x is for non-commercial use only: {licence}"] * only)


def test_our_own_piano_model_says_so_too(caplog: Any) -> None:
    load_model("piano", "cpu")
    assert "non-commercial use only: CC BY-NC-SA" in caplog.text


# -- the hub -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["amt-small", "stanford-crfm/music-small-800k"])
@pytest.mark.parametrize("offline", [True, False])
def test_what_is_in_the_cache_is_used_by_its_names(cache: Path, name: str, offline: bool) -> None:
    published(place(cache, "stanford-crfm/music-small-800k"), theirs())
    loaded = load_model(name, "cpu", offline)
    assert (loaded.card.name, loaded.card.license) == ("amt-small", "Apache-2.0")


def test_without_the_hub_what_to_put_where_is_said(cache: Path) -> None:
    with pytest.raises(ModelError, match=r"music-large-800k is not in the hub's cache .* put them in a folder"):
        load_model("amt-large", offline=True)
    with pytest.raises(ModelError, match=r"someone/music is not in the hub's cache"):
        load_model("someone/music")


class _Hub:
    """A hub of one repository, whose files come from a folder into the cache by their SHA-256."""

    def __init__(self, source: Path, cache: Path) -> None:
        self.source, self.cache, self.spoilt = source, cache, False

    def __call__(self, repository: str, name: str, revision: str | None = None, **options: Any) -> str:
        if not (self.source / name).is_file():
            response = SimpleNamespace(headers={}, status_code=404, request=None)
            raise huggingface_hub.errors.RemoteEntryNotFoundError(name, response=response)
        data = (self.source / name).read_bytes()
        blob = self.cache / hashlib.sha256(data).hexdigest()
        self.cache.mkdir(exist_ok=True)
        blob.write_bytes(data[:-1] + b"?" if self.spoilt and name.startswith("model") else data)
        link = self.cache / name
        link.unlink(missing_ok=True)
        link.symlink_to(blob)
        return str(link)

    def info(self, *args: Any, **options: Any) -> Any:
        files = [SimpleNamespace(rfilename=p.name, size=p.stat().st_size) for p in self.source.iterdir()]
        return SimpleNamespace(siblings=files, card_data=SimpleNamespace(license="cc-by-4.0"))


def test_a_download_is_told_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    hub = _Hub(published(tmp_path / "there", theirs()), tmp_path / "here")
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hub)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", hub.info)
    caplog.set_level(logging.INFO, "symbolic_music")
    assert load_model("someone/music", "cpu").card.license == "see https://huggingface.co/someone/music"
    assert "downloading someone/music: 0.00 GB, licence cc-by-4.0" in caplog.text
    hub.spoilt = True
    with pytest.raises(ModelError, match=r"model\.safetensors of someone/music was damaged during the download"):
        download("someone/music", ["model.safetensors"])
    assert not (tmp_path / "here" / "model.safetensors").exists()


def test_a_network_that_is_down_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*args: Any, **options: Any) -> Any:
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", down)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="the hub cannot be reached"):
        load_model("someone/music")


def test_a_folder_misspelt_and_the_folder_of_a_run_are_named(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "first" / "best").mkdir(parents=True)
    (tmp_path / "runs" / "first" / "config.json").write_text('{"name": "first"}')
    (tmp_path / "runs" / "first" / "best" / "config.json").write_text("{}")
    with pytest.raises(UnknownNameError, match=r"there is no folder runs/frist; runs has first$"):
        load_model("runs/frist")
    with pytest.raises(ModelError, match=r"runs/first is the folder of a run; its model is runs/first/best"):
        load_model("runs/first")
