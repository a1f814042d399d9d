"""GPT-2 checkpoints in Hugging Face's layout, such as those of the published anticipatory transformers.

A folder has config.json and one of: model.safetensors; several such files with model.safetensors.index.json; the older
pytorch_model.bin (or several with their index), which is a pickle and is read by torch's restricted reader alone. Each
tensor is copied into the network by itself, so that loading takes little more than the network and the file.

Hugging Face's GPT-2 keeps the matrices of a block as (in, out); ours are `nn.Linear`'s (out, in).
"""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from symbolic_music.errors import ModelError
from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config
from symbolic_music.models.checkpoints.safetensors_folder import open_weights, read_config, read_json, write_folder
from symbolic_music.tokenizers.anticipation import vocabulary as v

# In this order: what is looked for in a folder.
WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
# Both are the tanh approximation.
_ACTIVATIONS = ("gelu_new", "gelu_pytorch_tanh")
# Ours -> theirs, within a block.
_IN_A_BLOCK = {
    "attention_norm": "ln_1",
    "attention.query_key_value": "attn.c_attn",
    "attention.out": "attn.c_proj",
    "feed_forward_norm": "ln_2",
    "feed_forward.inner": "mlp.c_fc",
    "feed_forward.out": "mlp.c_proj",
}
_BLOCK = re.compile(r"h\.\d+\.")
# Masks that older versions stored with the weights.
_BUFFER = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)")


def load_pretrained(source: str | Path, vocabulary: int = v.SIZE, revision: str | None = None) -> GPT2:
    """A GPT-2 checkpoint as our network, in float32, on the CPU, ready to evaluate.

    Args:
        source: a folder, or the id (owner/name) of a repository on the Hugging Face hub, whose files are downloaded
            once into the hub's cache.
        vocabulary: ids that it must have; 55,028 for anticipation, 34,025 for its preset interarrival.
        revision: branch, tag or commit on the hub.

    Raises:
        ModelError: when there is no such folder or repository; when it is no GPT-2, has another vocabulary, or
            options that ours does not know; when tensors are missing, too many or of wrong shapes; when a file is
            broken, or a pickle that holds more than tensors.
        MissingExtraError: for a hub id where huggingface_hub is not installed.
    """
    folder = Path(source)
    if not folder.is_dir():
        if not _HUB_ID.fullmatch(str(source)):
            raise ModelError(f"no folder {source}, and it is no id of the hub (owner/name)")
        from symbolic_music.models.checkpoints.hub_download import download

        folder = download(str(source), WEIGHT_FILES, revision)
    config = _config_of(read_config(folder), folder, vocabulary)
    with ExitStack() as stack:
        return _network_of(config, _Checkpoint(folder, stack))


def save_pretrained(network: GPT2, folder: str | Path) -> Path:
    """Write a network as `transformers.GPT2LMHeadModel.from_pretrained` reads it, in the type of its weights.

    Raises:
        FileError: when it cannot be written.
    """
    c = network.config
    config = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": c.vocabulary,
        "n_positions": c.context,
        "n_ctx": c.context,
        "n_embd": c.width,
        "n_layer": c.layers,
        "n_head": c.heads,
        "n_inner": c.hidden or None,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": c.epsilon,
        "scale_attn_weights": True,
        "scale_attn_by_inverse_layer_idx": c.scale_by_layer,
        "reorder_and_upcast_attn": False,
        "resid_pdrop": c.dropout,
        "embd_pdrop": c.dropout,
        "attn_pdrop": c.attention_dropout,
        "tie_word_embeddings": True,
        "torch_dtype": str(network.embedding.weight.dtype).removeprefix("torch."),
        # They have none of these; transformers' own defaults would be ids outside of the vocabulary.
        "bos_token_id": None,
        "eos_token_id": None,
    }
    names = _names(c.layers)
    weights = {
        f"transformer.{names[name]}": _turned(name, parameter.detach()).cpu().contiguous()
        for name, parameter in network.named_parameters()
    }
    return write_folder(folder, config, weights)


def _config_of(theirs: dict[str, Any], folder: Path, vocabulary: int) -> GPT2Config:
    """Our config of theirs; ModelError for what is missing, impossible, or unknown to us."""
    kind = theirs.get("model_type")
    if kind != "gpt2" and not (kind is None and "n_embd" in theirs):
        raise ModelError(f"{folder}/config.json is of a model of type {kind!r}, not 'gpt2'")
    activation = theirs.get("activation_function", "gelu_new")
    if activation not in _ACTIVATIONS:
        raise ModelError(f"{folder}/config.json asks for the activation {activation!r}; only 'gelu_new' is known here")
    scaled = theirs.get("scale_attn_by_inverse_layer_idx", False)
    if not isinstance(scaled, bool):
        raise ModelError(f"{folder}/config.json: scale_attn_by_inverse_layer_idx is true or false, not {scaled!r:.60}")
    for name, known in (("scale_attn_weights", True), ("tie_word_embeddings", True), ("add_cross_attention", False)):
        if theirs.get(name, known) is not known:
            raise ModelError(f"{folder}/config.json has {name} = {theirs[name]}; only {known} is known here")

    def whole(name: str, *others: str) -> int:
        value = next((theirs[key] for key in (name, *others) if theirs.get(key) is not None), None)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 1 << 31:
            raise ModelError(f"{folder}/config.json: {name} is a whole number of at least 1, not {value!r:.60}")
        return value

    def share(name: str, default: float) -> float:
        value = theirs.get(name, default)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < 1:
            raise ModelError(f"{folder}/config.json: {name} is a number from 0 to 1, not {value!r:.60}")
        return float(value)

    size = whole("vocab_size")
    if size != vocabulary:
        hint = "; pass vocabulary=34_025 for the interarrival encoding" if size == 34_025 else ""
        raise ModelError(f"{folder} has a vocabulary of {size:,} ids; {vocabulary:,} are expected{hint}")
    width, heads = whole("n_embd"), whole("n_head")
    if width % heads:
        raise ModelError(f"{folder}/config.json: n_embd {width} is not a multiple of n_head {heads}")
    return GPT2Config(
        vocabulary=size,
        context=whole("n_positions", "n_ctx"),
        width=width,
        layers=whole("n_layer"),
        heads=heads,
        hidden=0 if theirs.get("n_inner") is None else whole("n_inner"),
        dropout=share("resid_pdrop", 0.1),
        attention_dropout=share("attn_pdrop", 0.1),
        epsilon=share("layer_norm_epsilon", 1e-5),
        scale_by_layer=scaled,
    )


def _network_of(config: GPT2Config, checkpoint: _Checkpoint) -> GPT2:
    """The network with a checkpoint's tensors, which are checked before memory is taken."""
    blocks = {match[0] for name in checkpoint.shapes if (match := _BLOCK.match(name))}
    if len(blocks) != config.layers:
        raise ModelError(f"{checkpoint.folder} has tensors of {len(blocks)} layers, its config.json {config.layers}")
    with torch.device("meta"):
        network = GPT2(config)
    names = _names(config.layers)
    wanted = {names[n]: tuple(_turned(n, p).shape) for n, p in network.named_parameters()}
    _check_shapes(checkpoint, wanted)
    network = network.to_empty(device="cpu").eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            # Of a sum, which takes no memory: any number that is not finite shows in it.
            if not parameter.copy_(_turned(name, checkpoint.tensor(names[name]))).sum().isfinite():
                raise ModelError(f"{checkpoint.folder}: {names[name]} is not finite")
        if "lm_head.weight" in checkpoint.shapes and not torch.equal(
            checkpoint.tensor("lm_head.weight").to(torch.float32), network.embedding.weight
        ):
            raise ModelError(f"{checkpoint.folder} has an output matrix that is not its embedding; ours are tied")
    return network


def _check_shapes(checkpoint: _Checkpoint, wanted: Mapping[str, tuple[int, ...]]) -> None:
    found = checkpoint.shapes
    missing = [name for name in wanted if name not in found]
    if missing:
        raise ModelError(f"{checkpoint.folder} lacks {_some(missing)}")
    unknown = [name for name in found if name not in wanted and name != "lm_head.weight"]
    if unknown:
        raise ModelError(f"{checkpoint.folder} has tensors that no GPT-2 of its config has: {_some(unknown)}")
    for name, shape in (*wanted.items(), ("lm_head.weight", wanted["wte.weight"])):
        if name in found and found[name] != shape:
            raise ModelError(f"{checkpoint.folder}: {name} has shape {found[name]}, its config.json makes it {shape}")


class _Checkpoint:
    """Tensors of a folder by name, without the prefix that some versions write; read when asked for.

    Files stay open until the stack ends.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._files: dict[str, tuple[Any, str]] = {}  # our name -> (file, its name there)
        self.shapes: dict[str, tuple[int, ...]] = {}
        for path in _weight_files(folder):
            opened = stack.enter_context(open_weights(path)) if path.suffix == ".safetensors" else _unpickled(path)
            for key in opened.keys():  # noqa: SIM118 - a safetensors file is no mapping
                name = str(key).removeprefix("transformer.")
                if _BUFFER.fullmatch(name):
                    continue
                if name in self._files:
                    raise ModelError(f"{folder} has {name} more than once")
                self._files[name] = (opened, key)
                self.shapes[name] = _shape(opened, key)

    def tensor(self, name: str) -> Tensor:
        """A tensor of floats. ModelError for one of other numbers."""
        opened, key = self._files[name]
        tensor: Tensor = opened[key] if isinstance(opened, dict) else opened.get_tensor(key)
        if not tensor.is_floating_point():
            raise ModelError(f"{self.folder}: {name} is of {str(tensor.dtype).removeprefix('torch.')}, not of floats")
        return tensor


def _shape(opened: Any, key: str) -> tuple[int, ...]:
    return tuple(opened[key].shape if isinstance(opened, dict) else opened.get_slice(key).get_shape())


def _weight_files(folder: Path) -> Iterator[Path]:
    """The files with the tensors, of the first kind that is there."""
    for name in WEIGHT_FILES:
        if not (folder / name).is_file():
            continue
        if not name.endswith(".json"):
            yield folder / name
            return
        placed = read_json(folder / name).get("weight_map")
        if not isinstance(placed, dict) or not placed:
            raise ModelError(f"{folder / name} has no weight_map")
        for part in sorted({str(part) for part in placed.values()}):
            # An index must not lead out of its folder.
            if Path(part).name != part or not (folder / part).is_file():
                raise ModelError(f"{folder / name} names {part}, which is not in its folder")
            yield folder / part
        return
    raise ModelError(f"{folder} has no weights: none of {', '.join(WEIGHT_FILES)}")


def _unpickled(path: Path) -> dict[str, Tensor]:
    """The tensors of a file that torch.save wrote; nothing else in it is let in."""
    try:
        with warnings.catch_warnings():
            # Of a pickle that torch did not write: it is read or refused all the same.
            warnings.simplefilter("ignore")
            tensors = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError:
        raise ModelError(
            f"{path} is a pickle of more than tensors and might run code, or it is broken: it is not read; "
            "ask for the model as safetensors"
        ) from None
    except Exception as error:  # of what a damaged one raises there is no list: struct.error, AssertionError, ...
        reason = " ".join(str(error).split())[:120]
        raise ModelError(f"{path} is broken ({type(error).__name__}: {reason})") from None
    if not isinstance(tensors, dict) or not all(map(_is_plain, tensors.values())):
        raise ModelError(f"{path} holds no table of plain tensors")
    # The output matrix may be the embedding once more; else a small file would ask for much memory.
    if sum(x.numel() * x.element_size() for x in tensors.values()) > 2 * path.stat().st_size:
        raise ModelError(f"{path} has tensors of more numbers than it holds")
    return tensors


def _is_plain(value: object) -> bool:
    """Whether a value is a tensor that holds all of its numbers."""
    return isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu"


def _names(layers: int) -> dict[str, str]:
    """Our names of all weights -> theirs."""
    names = {"embedding.weight": "wte.weight", "position.weight": "wpe.weight"}
    names |= {f"norm.{kind}": f"ln_f.{kind}" for kind in ("weight", "bias")}
    for layer in range(layers):
        for ours, theirs in _IN_A_BLOCK.items():
            names |= {f"blocks.{layer}.{ours}.{kind}": f"h.{layer}.{theirs}.{kind}" for kind in ("weight", "bias")}
    return names


def _turned(name: str, tensor: Tensor) -> Tensor:
    """A tensor between our layout and theirs: the matrices of the blocks are transposed."""
    return tensor.T if name.startswith("blocks.") and tensor.dim() == 2 else tensor


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
