"""Checkpoints that `transformers` made, and ours read by it."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import GPT2Config as TheirConfig
from transformers import GPT2LMHeadModel
from transformers.utils import logging as their_logging

from symbolic_music.errors import FileError, MissingExtraError, ModelError
from symbolic_music.models import load_pretrained, save_pretrained
from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config
from symbolic_music.models.checkpoints import huggingface_gpt2 as pretrained
from symbolic_music.tokenizers.anticipation import vocabulary as v
from tests.models.conftest import Trap, place

their_logging.disable_progress_bar()
VOCABULARY = 60


def theirs(**options: Any) -> GPT2LMHeadModel:
    """A random GPT-2 of transformers, small, with attention far from uniform and biases that count."""
    shape = {"vocab_size": VOCABULARY, "n_positions": 32, "n_embd": 24, "n_layer": 3, "n_head": 2}
    torch.manual_seed(0)
    model = GPT2LMHeadModel(TheirConfig(**{**shape, "bos_token_id": 0, "eos_token_id": 0, **options})).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
    return model


def some_ids(vocabulary: int = VOCABULARY) -> torch.Tensor:
    return torch.randint(0, vocabulary, (2, 32), generator=torch.Generator().manual_seed(1))


def save_bin(model: GPT2LMHeadModel, folder: Path) -> None:
    """The older layout, as older versions of transformers wrote it."""
    folder.mkdir()
    (folder / "config.json").write_text(model.config.to_json_string())
    state = model.state_dict() | {"transformer.h.0.attn.bias": torch.ones(1, 1, 32, 32, dtype=torch.bool)}
    torch.save(state, folder / "pytorch_model.bin")


def equal(ours: GPT2, model: GPT2LMHeadModel, ids: torch.Tensor) -> bool:
    with torch.no_grad():
        return torch.allclose(ours(ids), model(ids).logits, atol=1e-4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    theirs().save_pretrained(tmp_path / "theirs")
    return tmp_path / "theirs"


# The second is what the config of the published checkpoints says.
@pytest.mark.parametrize("options", [{}, {"scale_attn_by_inverse_layer_idx": True}, {"n_inner": 40}])
def test_their_logits_from_safetensors(tmp_path: Path, options: dict[str, Any]) -> None:
    model = theirs(**options)
    model.save_pretrained(tmp_path)
    assert equal(load_pretrained(tmp_path, VOCABULARY), model, some_ids())


def test_their_logits_from_shards(tmp_path: Path) -> None:
    model = theirs()
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    assert equal(load_pretrained(tmp_path, VOCABULARY), model, some_ids())


def test_their_logits_from_pickles(tmp_path: Path) -> None:
    model = theirs(scale_attn_by_inverse_layer_idx=True)
    save_bin(model, tmp_path / "bin")
    assert equal(load_pretrained(tmp_path / "bin", VOCABULARY), model, some_ids())
    # What torch wrote before 1.6, no zip file, and the base model's names without their prefix.
    state = {key.removeprefix("transformer."): x for key, x in model.state_dict().items() if "lm_head" not in key}
    torch.save(state, tmp_path / "bin" / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    assert equal(load_pretrained(tmp_path / "bin", VOCABULARY), model, some_ids())
    # In parts, with an index.
    half = len(state) // 2
    parts = dict(list(state.items())[:half]), dict(list(state.items())[half:])
    (tmp_path / "bin" / "pytorch_model.bin").unlink()
    placed = {key: f"pytorch_model-{i}.bin" for i, part in enumerate(parts) for key in part}
    for i, part in enumerate(parts):
        torch.save(part, tmp_path / "bin" / f"pytorch_model-{i}.bin")
    (tmp_path / "bin" / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": placed}))
    assert equal(load_pretrained(tmp_path / "bin", VOCABULARY), model, some_ids())


def test_the_published_vocabulary(tmp_path: Path) -> None:
    model = theirs(vocab_size=v.SIZE, n_embd=8, bos_token_id=55_025, eos_token_id=55_025)
    model.save_pretrained(tmp_path)
    assert equal(load_pretrained(tmp_path), model, some_ids(v.SIZE))


def test_half_precision_is_read_as_float32(tmp_path: Path) -> None:
    model = theirs().half()
    model.save_pretrained(tmp_path)
    assert equal(load_pretrained(tmp_path, VOCABULARY), model.float(), some_ids())


@pytest.mark.parametrize("scale", [True, False])
def test_transformers_reads_ours(tmp_path: Path, scale: bool) -> None:
    torch.manual_seed(0)
    ours = GPT2(GPT2Config(VOCABULARY, 32, 24, 3, 2, hidden=56, scale_by_layer=scale, dropout=0.2)).eval()
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model, report = GPT2LMHeadModel.from_pretrained(save_pretrained(ours, tmp_path), output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert equal(ours, model.eval(), some_ids())
    assert (model.config.resid_pdrop, model.config.embd_pdrop) == (0.2, 0.2)


def test_there_and_back_nothing_changes(folder: Path, tmp_path: Path) -> None:
    first = load_pretrained(folder, VOCABULARY)
    again = load_pretrained(save_pretrained(first, tmp_path / "ours"), VOCABULARY)
    assert again.config == first.config
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    before, after = (load_file(f / "model.safetensors") for f in (folder, tmp_path / "ours"))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert sorted(p.name for p in (tmp_path / "ours").iterdir()) == ["config.json", "model.safetensors"]


def test_another_vocabulary_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="vocabulary of 60 ids; 55,028 are expected"):
        load_pretrained(folder)
    theirs(vocab_size=34_025).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="vocabulary=34_025 for the interarrival"):
        load_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "llama"}, "of a model of type 'llama'"),
        ({"model_type": None, "n_embd": None}, "n_embd is a whole number of at least 1, not None"),
        ({"activation_function": "relu"}, "has the activation 'relu'"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings = False; only True"),
        ({"scale_attn_weights": False}, "scale_attn_weights = False; only True"),
        ({"n_layer": "3"}, "n_layer is a whole number of at least 1, not '3'"),
        ({"n_head": 5}, "n_embd 24 is not a multiple of n_head 5"),
        ({"resid_pdrop": 1.5}, "resid_pdrop is a number from 0 to 1, not 1.5"),
        ({"n_layer": 1000}, "has tensors of 3 layers, its config.json 1000"),
        ({"n_layer": 10**9}, "at most 1,024 layers"),
        ({"n_positions": 10**9}, r"wpe.weight has shape \(32, 24\), its config.json makes it \(1000000000, 24\)"),
        ({"n_inner": 100}, r"c_fc.weight has shape \(24, 96\), its config.json makes it \(24, 100\)"),
    ],
)
def test_configs_that_do_not_fit_are_refused(folder: Path, changes: dict[str, Any], message: str) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(ModelError, match=message):
        load_pretrained(folder, VOCABULARY)


def test_broken_configs_are_refused(folder: Path, tmp_path: Path) -> None:
    for content, message in (("[1]", "not a JSON object"), ("{", "is not JSON"), ("[" * 100_000, "is not JSON")):
        (folder / "config.json").write_text(content)
        with pytest.raises(ModelError, match=message):
            load_pretrained(folder, VOCABULARY)
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"has no config.json"):
        load_pretrained(folder, VOCABULARY)
    with pytest.raises(ModelError, match=r"no folder .*no id of the hub"):
        load_pretrained(tmp_path / "nothing")


def test_tensors_that_do_not_fit_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    whole = load_file(path)
    cases = [
        ({k: x for k, x in whole.items() if "c_fc" not in k}, r"lacks h.0.mlp.c_fc.weight, .* and 3 more"),
        (whole | {"transformer.h.1.attn.c_attn.weight": torch.zeros(72, 24)}, r"has shape \(72, 24\), .* \(24, 72\)"),
        (
            whole | {"transformer.h.0.crossattention.c_attn.weight": torch.zeros(2)},
            "no GPT-2 of its config has: h.0.cr",
        ),
        (whole | {"wte.weight": whole["transformer.wte.weight"].clone()}, "wte.weight more than once"),
        (whole | {"lm_head.weight": torch.zeros(VOCABULARY, 24)}, "output matrix that is not its embedding"),
        (whole | {"lm_head.weight": torch.zeros(2, 24)}, r"lm_head.weight has shape \(2, 24\)"),
        (whole | {"transformer.ln_f.bias": torch.zeros(24, dtype=torch.int64)}, "ln_f.bias is of int64, not of floats"),
    ]
    for tensors, message in cases:
        save_file(tensors, path)
        with pytest.raises(ModelError, match=message):
            load_pretrained(folder, VOCABULARY)


def test_broken_files_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = path.read_bytes()
    for broken in (data[:-10], data[:5], b"", b"\xff" * 100):
        path.write_bytes(broken)
        with pytest.raises(ModelError, match="is broken, or not safetensors"):
            load_pretrained(folder, VOCABULARY)
    path.unlink()
    with pytest.raises(ModelError, match=r"has no weights: none of model.safetensors"):
        load_pretrained(folder, VOCABULARY)


def test_an_index_stays_in_its_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").rename(tmp_path / "elsewhere.safetensors")
    for content, message in (
        ({"weight_map": {"wte.weight": "../elsewhere.safetensors"}}, "names ../elsewhere.safetensors, which is not in"),
        ({"weight_map": {"wte.weight": "missing.safetensors"}}, "names missing.safetensors, which is not in"),
        ({"weight_map": {}}, "has no weight_map"),
    ):
        (folder / "model.safetensors.index.json").write_text(json.dumps(content))
        with pytest.raises(ModelError, match=message):
            load_pretrained(folder, VOCABULARY)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_of_more_than_tensors_is_not_read(tmp_path: Path, zipped: bool) -> None:
    model, sprung = theirs(), tmp_path / "sprung"
    save_bin(model, tmp_path / "bin")
    path = tmp_path / "bin" / "pytorch_model.bin"
    torch.save({"more": Trap(sprung), **model.state_dict()}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelError, match="pickle of more than tensors and might run code"):
        load_pretrained(tmp_path / "bin", VOCABULARY)
    path.write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(ModelError, match=r"might run code|is broken"):
        load_pretrained(tmp_path / "bin", VOCABULARY)
    assert not sprung.exists()
    torch.load(_written(tmp_path / "trap", Trap(sprung)), weights_only=False)
    assert sprung.exists()  # the trap works


def _written(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def test_broken_pickles_are_refused(tmp_path: Path) -> None:
    save_bin(theirs(), tmp_path / "bin")
    path = tmp_path / "bin" / "pytorch_model.bin"
    data = path.read_bytes()
    for broken in (data[: len(data) // 2], b"", b"hello", data[:100] + bytes(100) + data[200:]):
        path.write_bytes(broken)
        with pytest.raises(ModelError, match=r"broken|might run code"):
            load_pretrained(tmp_path / "bin", VOCABULARY)
    torch.save([torch.zeros(2)], path)
    with pytest.raises(ModelError, match="holds no table of plain tensors"):
        load_pretrained(tmp_path / "bin", VOCABULARY)


def test_tensors_that_are_not_plain_numbers_are_refused(tmp_path: Path) -> None:
    """Restricted unpickling lets tensors in that hold no numbers, or few for a large shape."""
    model = theirs()
    save_bin(model, tmp_path / "bin")
    path = tmp_path / "bin" / "pytorch_model.bin"
    state = model.state_dict()
    name = "transformer.ln_f.bias"
    for wrong, message in (
        (torch.full((24,), float("nan")), "ln_f.bias is not finite"),
        (torch.zeros(24, dtype=torch.complex64), "ln_f.bias is of complex64, not of floats"),
        (torch.zeros(24, device="meta"), "no table of plain tensors"),
        (torch.zeros(24).to_sparse(), "no table of plain tensors"),
    ):
        for zipped in (True, False):
            try:
                torch.save(state | {name: wrong}, path, _use_new_zipfile_serialization=zipped)
            except NotImplementedError:
                continue
            with pytest.raises(ModelError, match=message):
                load_pretrained(tmp_path / "bin", VOCABULARY)


def test_a_small_file_asks_for_little_memory(tmp_path: Path) -> None:
    """Its config and its tensors agree on a petabyte, which one number stands for."""
    model = theirs()
    save_bin(model, tmp_path / "bin")
    config = json.loads((tmp_path / "bin" / "config.json").read_text()) | {"n_positions": 1 << 30, "n_ctx": 1 << 30}
    (tmp_path / "bin" / "config.json").write_text(json.dumps(config))
    state = model.state_dict() | {"transformer.wpe.weight": torch.zeros(1, 1).expand(1 << 30, 24)}
    torch.save(state, tmp_path / "bin" / "pytorch_model.bin")
    with pytest.raises(ModelError, match="tensors of more numbers than it holds"):
        load_pretrained(tmp_path / "bin", VOCABULARY)


@pytest.mark.parametrize("wrong", ["3", 2.5, True, None, [3], {}, -1, 0, 1 << 70, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["vocab_size", "n_embd", "n_layer", "n_head", "n_positions", "n_inner", "resid_pdrop",
                                  "attn_pdrop", "layer_norm_epsilon", "scale_attn_by_inverse_layer_idx",
                                  "activation_function", "model_type", "tie_word_embeddings"])  # fmt: skip
def test_any_type_in_a_config_is_refused_or_read(folder: Path, name: str, wrong: Any) -> None:
    path = folder / "config.json"
    known = json.loads(path.read_text())
    path.write_text(json.dumps(known | {name: wrong}))
    try:
        config = load_pretrained(folder, VOCABULARY).config
    except ModelError as error:
        assert str(folder) in str(error)  # noqa: PT017 - either is right
    else:
        # A layer norm and dropout may have 0; None stands for a default in places.
        assert wrong in (None, 0, True)
        assert (config.width, config.layers, config.inner) == (24, 3, 96)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Weight files of a small model, by kind, each in a folder with its config."""
    model, root = theirs(n_embd=8, n_layer=1), tmp_path_factory.mktemp("small")
    model.save_pretrained(root / "safetensors")
    for kind in ("zip", "pickle"):
        save_bin(model, root / kind)
    old = root / "pickle" / "pytorch_model.bin"
    torch.save(model.state_dict(), old, _use_new_zipfile_serialization=False)
    return {
        "safetensors": root / "safetensors" / "model.safetensors",
        "zip": root / "zip" / "pytorch_model.bin",
        "pickle": old,
    }


@settings(max_examples=150)
@given(
    kind=st.sampled_from(["safetensors", "zip", "pickle"]),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8),
    head=st.booleans(),
    length=st.one_of(st.just(1.0), st.floats(0, 1)),
)
def test_a_damaged_file_loads_or_is_refused(
    small: dict[str, Path], kind: str, changes: list[tuple[float, int]], head: bool, length: float
) -> None:
    """Whatever bytes are changed, most of them in the file's head where names and shapes are."""
    path = small[kind]
    whole = path.read_bytes()
    data = bytearray(whole[: int(length * len(whole))])
    for share, byte in changes:
        if data:
            data[int(share * (min(len(data), 1500) if head else len(data)))] = byte
    try:
        path.write_bytes(data)
        assert load_pretrained(path.parent, VOCABULARY).config.layers == 1
    except ModelError as error:
        assert str(path.parent) in str(error)  # noqa: PT017 - either is right
    finally:
        path.write_bytes(whole)


_MEASURE = """
import sys
from pathlib import Path
from symbolic_music.models.checkpoints.huggingface_gpt2 import load_pretrained

def peak():  # not getrusage's, which begins with that of the process that started this one
    return 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])

load_pretrained(sys.argv[1], 60)  # what torch imports on the way
before = peak()
load_pretrained(sys.argv[2], 60)
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="peak memory is read from Linux's /proc")
@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_loading_takes_little_more_than_the_network(folder: Path, tmp_path: Path, kind: str) -> None:
    model = theirs(n_embd=512, n_head=4, n_layer=10)
    if kind == "bin":
        save_bin(model, tmp_path / "model")
    else:
        model.save_pretrained(tmp_path / "model")
    size = 4 * sum(p.numel() for p in model.parameters())
    command = [sys.executable, "-c", _MEASURE, str(folder), str(tmp_path / "model")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert size < int(done.stdout) < 1.2 * size


# -- the hub -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["whole", "shards", "bin"])
def test_what_the_cache_holds_needs_no_hub(cache: Path, kind: str) -> None:
    model, folder = theirs(), place(cache, "someone/music")
    if kind == "bin":
        folder.parent.mkdir()
        save_bin(model, folder)
    else:
        model.save_pretrained(folder, max_shard_size="20KB" if kind == "shards" else "1GB")
    assert equal(load_pretrained("someone/music", VOCABULARY), model, some_ids())


def test_without_the_hub_the_error_says_so(cache: Path) -> None:
    with pytest.raises(ModelError, match=r"someone/other is not in the hub's cache and the hub cannot be reached"):
        load_pretrained("someone/other")
    folder = place(cache, "someone/half")
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="someone/half on the hub has no weights"):
        load_pretrained("someone/half")


class _Response:
    """As much of a response as the hub's errors look at."""

    headers: dict[str, str] = {}  # noqa: RUF012
    status_code = 404
    request = None


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("RepositoryNotFoundError", "no folder a/b, and no such repository on the hub"),
        ("GatedRepoError", "a/b on the hub requires you to accept its terms"),
        ("RevisionNotFoundError", "a/b on the hub has no revision 'v9'"),
        ("RemoteEntryNotFoundError", "a/b on the hub has no config.json"),
        ("HfHubHTTPError", "cannot download config.json of a/b from the hub: the words"),
    ],
)
def test_what_the_hub_refuses(monkeypatch: pytest.MonkeyPatch, kind: str, message: str) -> None:
    def refuse(*args: Any, **options: Any) -> str:
        raise getattr(huggingface_hub.errors, kind)("the words", response=_Response())

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", refuse)
    with pytest.raises(ModelError, match=message):
        load_pretrained("a/b", revision="v9")


def test_files_are_asked_for_in_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fetch(repository: str, name: str, revision: str | None = None, **options: Any) -> str:
        asked.append(name)
        if not (folder / name).is_file():
            raise huggingface_hub.errors.RemoteEntryNotFoundError(name, response=_Response())
        return str(folder / name)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fetch)
    load_pretrained("a/b", VOCABULARY)
    assert asked == ["config.json", "model.safetensors"]
    model, asked[:] = theirs(), []
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    load_pretrained("a/b", VOCABULARY)
    assert asked == ["config.json", *pretrained.WEIGHT_FILES[:3]]


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"symbolic-music-torch\[hub\]"):
        load_pretrained("a/b")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot write a model to"):
        save_pretrained(GPT2(GPT2Config(5, 4, 4, 1, 1)), tmp_path / "file" / "model")
