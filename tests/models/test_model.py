from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file

from symbolic_music import tokenizers
from symbolic_music.codec import load_codec, load_flow, load_writer
from symbolic_music.errors import FileError, ModelError, UnknownNameError
from symbolic_music.models import registry
from symbolic_music.models.checkpoints import config_and_weights as folders
from symbolic_music.models.hub_mixin import HubModel
from symbolic_music.models.loading import list_models, load_model
from symbolic_music.models.model import Card, Model, View
from symbolic_music.models.saving import save_model
from symbolic_music.transcription import load_transcriber
from tests.models.conftest import Trap

CARD = Card("tiny", 1, "none", "nothing")
# Architecture -> a tiny shape of it, and the tokenizer whose ids it speaks.
SHAPES: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "anticipatory": (
        {"width": 16, "layers": 1, "heads": 2, "hidden": 8, "instruments": [40, 128], "window": 16, "distances": 8},
        ("anticipation", "default"),
    ),
    "frame-transformer": (
        {"width": 16, "layers": 1, "heads": 2, "hidden": 8, "voice_hidden": 8, "window": 16, "distances": 8},
        ("grid", "default"),
    ),
    "gpt2": ({"width": 4, "layers": 1, "heads": 2, "context": 16}, ("anticipation", "default")),
    "lstm": ({"embedding": 8, "width": 8, "layers": 1}, ("performance", "default")),
    "music-transformer": (
        {"width": 16, "layers": 1, "heads": 2, "hidden": 8, "window": 16, "distances": 16},
        ("performance", "default"),
    ),
    "sinusoid-transformer": (
        {"width": 16, "layers": 1, "heads": 2, "hidden": 8, "window": 16},
        ("performance", "default"),
    ),
    "x-transformer": ({"width": 16, "layers": 1, "heads": 2, "hidden": 8, "window": 16}, ("performance", "default")),
    "compound-transformer": (
        {"widths": [4] * 7, "width": 16, "layers": 1, "heads": 2, "hidden": 8, "window": 16},
        ("compound", "original"),
    ),
}


def tiny(architecture: str = "gpt2") -> Model[Any]:
    shape, (name, preset) = SHAPES[architecture]
    tokenizer = tokenizers.get(name, preset=preset)
    if architecture == "compound-transformer":
        shape = {**shape, "sizes": tokenizer.vocabulary.sizes}
    torch.manual_seed(0)
    return Model(registry.get(architecture).build(shape).eval(), CARD, tokenizer=tokenizer)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tiny(), tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A model folder that a test may spoil."""
    return Path(shutil.copytree(saved, tmp_path / "tiny"))


def change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    config = json.loads((folder / "config.json").read_text())
    edit(config)
    (folder / "config.json").write_text(json.dumps(config))


def same_weights(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_every_architecture_has_a_shape_here() -> None:
    # The others are saved and loaded in the tests of training and of public checkpoints.
    assert set(SHAPES) | {"region-transformer", "aria", "midi-llm", "skytnt"} == set(registry.names())


@pytest.mark.parametrize("architecture", SHAPES)
def test_a_model_comes_back_whole(tmp_path: Path, architecture: str) -> None:
    model = tiny(architecture)
    again = load_model(save_model(model, tmp_path / "model", torch.float32), "cpu")
    assert type(again.network) is type(model.network)
    assert again.network.config == model.network.config
    assert same_weights(again.network, model.network)
    assert (again.card, again.view) == (model.card, model.view)
    assert again.tokenizer.to_config() == model.tokenizer.to_config()
    assert not again.network.training
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == ["config.json", "model.safetensors"]


def test_a_view_and_options_of_a_tokenizer_come_back(tmp_path: Path) -> None:
    tokenizer = tokenizers.get("anticipation", control_programs=[33, 128])
    view = View(90.0, (40, 41), ("High", "Low"), (70.0, 50.0))
    again = load_model(save_model(Model(tiny().network, CARD, view, tokenizer), tmp_path), "cpu")
    assert again.view == view
    assert again.tokenizer.to_config()["control_programs"] == [33, 128]


def test_weights_are_kept_in_half_precision_unless_said_otherwise(tmp_path: Path) -> None:
    model = tiny()
    again = load_model(save_model(model, tmp_path), "cpu").network
    weight = model.network.embedding.weight
    assert again.embedding.weight.dtype == torch.float32
    assert torch.equal(again.embedding.weight, weight.half().float())
    assert not torch.equal(again.embedding.weight, weight)


def test_the_config_names_the_tokenizer_with_its_hash(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    assert config["tokenizer"] == {
        "name": "anticipation",
        "preset": "default",
        "options": {"control_programs": []},
        "sha256": tokenizers.fingerprint(tokenizers.get("anticipation")),
    }


def test_another_hash_is_refused_and_none_is_not(folder: Path) -> None:
    change(folder, lambda c: c["tokenizer"].update(sha256="0" * 64))
    with pytest.raises(ModelError, match=r"ids that tokenizer anticipation \(default\) no longer produces"):
        load_model(folder)
    change(folder, lambda c: (c["tokenizer"].pop("sha256"), c["tokenizer"].pop("options")))
    assert load_model(folder).tokenizer.name == "anticipation"


def test_the_bundled_models_load() -> None:
    cards = {card.name: card for card in list_models()}
    for name in cards.keys() - {"codec", "codec-depth", "flow", "transcription"}:
        model = load_model(name, "cpu")
        assert cards[name].parameters == sum(p.numel() for p in model.network.parameters())
        assert model.card == cards[name]
    transcriber = load_transcriber(device="cpu")
    assert cards["transcription"].parameters == sum(p.numel() for p in transcriber.parameters())
    decoder, card = load_flow("flow", "cpu")
    assert (card, card.parameters) == (cards["flow"], sum(p.numel() for p in decoder.parameters()))
    codec = load_codec("codec", "cpu")
    writer = load_writer("codec-depth", device="cpu")
    assert cards["codec-depth"].parameters == sum(p.numel() for p in writer.network.parameters())
    assert writer.codec_name == "codec"
    assert cards["codec"].parameters == sum(p.numel() for p in codec.parameters()) + codec.quantiser.codebooks.numel()


def test_loading_imports_no_compiler() -> None:
    """It would take three seconds, several times what the weights take."""
    code = (
        "import sys; from symbolic_music.models import load_model\n"
        "for name in ('song', 'piano', 'multitrack', 'chorales'): load_model(name)\n"
        "print([name for name in ('torch._dynamo', 'sympy') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_loading_draws_no_random_number(folder: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_model(folder)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda c: c.update(architecture="unknown"), "names no architecture of anticipatory, .*gpt2"),
        (lambda c: c.update(network=[1]), "names no architecture"),
        (lambda c: c["network"].update(wings=2), "gpt2 has no setting 'wings'"),
        (lambda c: c["network"].update(heads=3), "width 4 is not a multiple of 3 heads"),
        (lambda c: c["network"].update(width="wide"), "does not fit this version"),
        (lambda c: c["network"].update(width=8), r"embedding.weight is \(55028, 4\) there, \(55028, 8\) here"),
        (lambda c: c["network"].update(layers=2), "blocks.1.attention_norm.weight is missing there"),
        (lambda c: c["network"].update(vocabulary=388), "vocabulary of 388 ids, tokenizer anticipation .* 55,028"),
        (lambda c: c.update(tokenizer="remi"), "names no tokenizer"),
        (lambda c: c["tokenizer"].update(name="unknown"), "tokenizer that this version does not have: no tokenizer"),
        (lambda c: c["tokenizer"].update(preset="unknown"), "that this version does not have: .*no preset 'unknown'"),
        (lambda c: c["tokenizer"].update(options={"speed": 1}), "tokenizer that this version does not have: .*speed"),
        (lambda c: c["tokenizer"].update(preset="interarrival", options={}), "no longer produces"),
        (lambda c: c["view"].update(colour="red"), "does not fit this version"),
        (lambda c: c["view"].update(parts=[1]), "as many names and centres as parts"),
        (lambda c: c.pop("card"), "does not fit this version"),
        (lambda c: c["card"].update(price=3), "does not fit this version"),
        # Nothing is built that the weights do not hold.
        (lambda c: c["network"].update(width=1 << 20), r"embedding.weight is \(55028, 4\) there, \(55028, 1048576\)"),
        (
            lambda c: c["network"].update(width=1 << 30),
            "does not fit this version .Storage size calculation overflowed",
        ),
        (lambda c: c["network"].update(width=1 << 31, heads=1), "width of a GPT2Config is at least 1 and below 2,147"),
        (
            lambda c: c["network"].update(hidden=(1 << 31) - 1),
            r"inner.weight is \(16, 4\) there, \(2147483647, 4\) here",
        ),
        (lambda c: c["network"].update(layers=1000), "16 tensors; that is too few for 1,000 layers"),
        (lambda c: c["network"].update(layers=1 << 30), "at most 1,024 layers"),
        # What JSON holds may be of any type.
        (lambda c: c.update(network=None), "names no architecture"),
        (lambda c: c.update(architecture=["gpt2"]), "names no architecture"),
        (lambda c: c["network"].update(layers=True), "layers of a GPT2Config is a whole number, not True"),
        (lambda c: c["network"].update(dropout=float("nan")), "dropout of a GPT2Config is a number, not nan"),
        (lambda c: c["tokenizer"].update(name=["anticipation"]), "tokenizer that this version does not have"),
        (lambda c: c["tokenizer"].update(preset=["default"]), "tokenizer that this version does not have"),
        (lambda c: c["tokenizer"].update(options=None), "names no tokenizer"),
        (lambda c: c["tokenizer"].update(options={"preset": "x"}), "tokenizer that this version does not have"),
        (lambda c: c["tokenizer"].update(options={"control_programs": 5}), "tokenizer that this version does not have"),
        (lambda c: c["tokenizer"].update(sha256=5), "no longer produces"),
        (lambda c: c["view"].update(quarters_per_minute="fast"), "quarters_per_minute of a View is a number"),
        (lambda c: c["view"].update(quarters_per_minute=0), "tempo of a view is above 0, not 0"),
        (lambda c: c["view"].update(quarters_per_minute=float("inf")), "quarters_per_minute of a View is a number"),
        (lambda c: c["view"].update(parts=5), "parts of a View is a list of whole numbers, not 5"),
        (lambda c: c["view"].update(parts="x", names="x", centres=[1]), "parts of a View is a list of whole numbers"),
        (lambda c: c.update(view=[]), "does not fit this version"),
        (lambda c: c["card"].update(parameters="many"), "parameters of a Card is a whole number, not 'many'"),
        (lambda c: c["card"].update(figures=[1]), "figures of a Card is a table of numbers"),
        (lambda c: c.update(card="chorales"), "does not fit this version"),
    ],
)
def test_configs_that_do_not_fit_are_refused(folder: Path, edit: Any, message: str) -> None:
    change(folder, edit)
    with pytest.raises(ModelError, match=message):
        load_model(folder)


def test_a_network_and_a_tokenizer_that_do_not_fit_are_no_model() -> None:
    with pytest.raises(ModelError, match=r"55,028 ids, tokenizer performance \(default\) 388"):
        Model(tiny().network, CARD, tokenizer=tokenizers.get("performance"))


def test_missing_and_broken_files_are_refused(folder: Path, tmp_path: Path) -> None:
    weights = folder / "model.safetensors"
    data = weights.read_bytes()
    for broken in (data[:-1], b"not a model", b""):
        weights.write_bytes(broken)
        with pytest.raises(ModelError, match="is broken, or not safetensors"):
            load_model(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match="is not JSON"):
        load_model(folder)
    (folder / "config.json").unlink()
    weights.write_bytes(data)
    with pytest.raises(ModelError, match=r"config.json"):
        load_model(folder)
    with pytest.raises(UnknownNameError, match="no model named 'nothing'"):
        load_model("nothing")


def test_tensors_too_many_too_few_or_of_other_shapes_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    whole = load_file(path)
    cases = [
        ({k: x for k, x in whole.items() if k != "norm.bias"}, r"norm.bias is missing there, \(4,\) here"),
        (whole | {"norm.more": torch.zeros(2)}, r"norm.more is \(2,\) there, unknown here"),
        (whole | {"norm.bias": torch.zeros(2, 2)}, r"norm.bias is \(2, 2\) there, \(4,\) here"),
    ]
    for tensors, message in cases:
        save_file(tensors, path)
        with pytest.raises(ModelError, match=message):
            load_model(folder)


def test_weights_that_are_no_finite_floats_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    whole = load_file(path)
    for wrong, message in (
        (torch.full((4,), float("nan")), "norm.bias is not finite"),
        (torch.tensor([0, 0, 0, float("-inf")]), "norm.bias is not finite"),
        (torch.zeros(4, dtype=torch.int64), "norm.bias is of int64 there, float32 here"),
        (torch.zeros(4, dtype=torch.complex64), "norm.bias is of complex64 there, float32 here"),
    ):
        save_file(whole | {"norm.bias": wrong}, path)
        with pytest.raises(ModelError, match=message):
            load_model(folder)
    for kind in (torch.float64, torch.bfloat16, torch.float8_e4m3fn):
        save_file(whole | {"norm.bias": torch.ones(4).to(kind)}, path)
        assert load_model(folder).network.norm.bias.tolist() == [1.0] * 4


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../chorales", "chorales/", "chorales\0", "\0", "x" * 5000, "/", "~", "CHORALES"]
)
def test_names_that_are_no_model_are_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises((UnknownNameError, ModelError)) as caught:
        load_model(name)
    assert len(str(caught.value)) < 500


def test_nothing_is_unpickled(folder: Path, tmp_path: Path) -> None:
    sprung, weights = tmp_path / "sprung", folder / "model.safetensors"
    for data in (pickle.dumps(Trap(sprung)), pickle.dumps(Trap(sprung), 0)):
        weights.write_bytes(data)
        with pytest.raises(ModelError, match="is broken, or not safetensors"):
            load_model(folder)
    for name in ("model.bin", "pytorch_model.bin", "model.pt"):
        torch.save(Trap(sprung), folder / name)
    weights.unlink()
    with pytest.raises(ModelError, match=r"has no model.safetensors \(pickles .* are not read\)"):
        load_model(folder)
    with pytest.raises(ModelError, match=r"has no model.safetensors"):
        HubModel.from_pretrained(folder)
    assert not sprung.exists()
    pickle.loads(pickle.dumps(Trap(sprung)))
    assert sprung.exists()  # the trap works


# -- whole or not at all -----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_weights_that_half_precision_does_not_hold_are_not_saved(folder: Path, value: float) -> None:
    model, before = tiny(), (folder / "model.safetensors").read_bytes()
    with torch.no_grad():
        model.network.norm.bias[0] = value
    with pytest.raises(ModelError, match=r"weights of norm.bias are not finite as float16: nothing is saved"):
        save_model(model, folder)
    assert (folder / "model.safetensors").read_bytes() == before
    if value == 1e6:
        assert load_model(save_model(model, folder, torch.float32)).network.norm.bias[0] == 1e6


def test_a_full_disk_leaves_the_old_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    monkeypatch.setattr(folders, "save_file", full)
    with pytest.raises(FileError, match=r"cannot write a model to .*: No space left"):
        save_model(tiny(), folder)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_a_fault_between_the_files_leaves_no_mixture(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, done = os.replace, []

    def once(source: Path, target: Path) -> None:
        if done:
            raise OSError(5, "Input/output error")
        done.append(target)
        real(source, target)

    monkeypatch.setattr(os, "replace", once)
    with pytest.raises(FileError, match="Input/output error"):
        save_model(tiny(), folder)
    assert [p.name for p in folder.iterdir()] == ["model.safetensors"]
    with pytest.raises(ModelError, match=r"has no config.json"):
        load_model(folder)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot write a model to"):
        save_model(tiny(), tmp_path / "file" / "model")


# -- the hub -----------------------------------------------------------------------------------------------


def test_the_mixin_saves_and_loads_a_folder(tmp_path: Path) -> None:
    model = tiny()
    HubModel(model).save_pretrained(tmp_path / "hub")
    again = HubModel.from_pretrained(tmp_path / "hub", device="cpu").model
    assert torch.equal(again.network.embedding.weight, model.network.embedding.weight.half().float())
    assert again.card == model.card
    assert same_weights(load_model(tmp_path / "hub").network, again.network)
    assert "library_name: symbolic-music" in (tmp_path / "hub" / "README.md").read_text()
    ids = torch.tensor([[55_026, 3]])
    assert torch.equal(HubModel(again)(ids), again.network(ids))


def test_pushed_and_pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what crosses the network is played: the folder that is sent is what the cache then holds."""
    root = tmp_path / "cache" / "models--me--tiny"
    snapshot = root / "snapshots" / ("0" * 40)

    def receive(api: Any, *, repo_id: str, folder_path: str, **options: Any) -> None:
        assert repo_id == "me/tiny"
        shutil.copytree(folder_path, snapshot)

    class Repository:
        repo_id = "me/tiny"

    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", lambda *args, **options: Repository)
    monkeypatch.setattr(huggingface_hub.HfApi, "upload_folder", receive)
    HubModel(tiny()).push_to_hub("me/tiny")
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text("0" * 40)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    again = HubModel.from_pretrained("me/tiny", cache_dir=tmp_path / "cache", device="cpu").model
    assert again.card == CARD
    with pytest.raises(ModelError, match="me/other is not in the hub's cache"):
        HubModel.from_pretrained("me/other", cache_dir=tmp_path / "cache")
