"""CLaMP 3's symbolic encoder: a BERT over patches, whose mean is projected to 768 numbers.

Source: Wu et al. 2025 (arXiv 2502.10362); github.com/sanderwood/clamp3. The encoders of text and sound, which the same
file holds, are not loaded.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.errors import EmptyScoreError, ModelError
from symbolic_music.evaluation.clamp3.midi_text import PATCH, midi_text, patches
from symbolic_music.models.checkpoints.catalogue import CATALOGUE
from symbolic_music.models.checkpoints.hub_download import download
from symbolic_music.models.checkpoints.memory import check_memory
from symbolic_music.models.checkpoints.published_tensors import CheckpointTensors, copy_into
from symbolic_music.score import Score

_PUBLISHED = next(one for one in CATALOGUE if one.name == "clamp3")
REPOSITORY, FILE = _PUBLISHED.repository, _PUBLISHED.file
_CHARACTERS, _HEAD_WIDTH, _EPSILON = 128, 64, 1e-12
_OURS = "symbolic_"
_BASE = "symbolic_model.base."
_BLOCK = re.compile(rf"{re.escape(_BASE)}encoder\.layer\.(\d+)\.")
# Ours -> theirs, within a block; queries, keys and values are one matrix here.
_IN_A_BLOCK = {
    "self_attn.out_proj": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "linear1": "intermediate.dense",
    "linear2": "output.dense",
    "norm2": "output.LayerNorm",
}
# Of no use here: words that do not exist, the head of BERT's own task, and numbers of positions.
_UNUSED = ("pooler.dense.weight", "pooler.dense.bias", "embeddings.word_embeddings.weight", "embeddings.position_ids")


class Clamp3(nn.Module):
    """See the module's docstring.

    Args:
        width, layers, hidden: of the encoder, whose heads are 64 wide.
        context: patches that it sees at once.
        embedding: numbers of an embedding.
    """

    def __init__(self, width: int, layers: int, hidden: int, context: int, embedding: int) -> None:
        super().__init__()
        self.context = context
        self.patch = nn.Linear(PATCH * _CHARACTERS, width)
        self.position = nn.Embedding(context, width)
        self.kind = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, _EPSILON)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, max(1, width // _HEAD_WIDTH), hidden, 0.0, "gelu", _EPSILON, batch_first=True
            )
            for _ in range(layers)
        )
        self.out = nn.Linear(width, embedding)

    def forward(self, ids: Tensor) -> Tensor:
        """The embedding (embedding,) of patches (n, 64), n at most the context."""
        x = self.patch(functional.one_hot(ids, _CHARACTERS).flatten(1).to(self.patch.weight.dtype))
        x = self.norm(x + self.position.weight[: len(ids)] + self.kind.weight[0])[None]
        for block in self.blocks:
            x = block(x)
        return torch.as_tensor(self.out(x[0].mean(0)))


@torch.inference_mode()
def clamp3_embedding(score: Score, model: Clamp3) -> NDArray[np.float32]:
    """The embedding of a piece: the mean of those of its stretches of 512 patches, by their lengths.

    The last stretch is the last 512 patches, and counts as those that the others have not.

    Raises:
        EmptyScoreError: when the score has no notes.
        MidiError, MissingExtraError: as `midi_text`.
    """
    if not len(score):
        raise EmptyScoreError("the score has no notes: nothing to embed")
    ids = torch.from_numpy(patches(midi_text(score)))
    starts = list(range(0, len(ids), model.context))
    parts = [ids[start : start + model.context] for start in starts]
    lengths = [len(part) for part in parts]
    parts[-1] = ids[-model.context :]
    found = torch.stack([model(part.to(model.patch.weight.device)).float().cpu() for part in parts])
    weights = torch.tensor(lengths, dtype=torch.float32)[:, None]
    return np.asarray(((found * weights).sum(0) / weights.sum()).numpy())


def load_clamp3(source: str | Path = REPOSITORY, offline: bool = False) -> Clamp3:
    """CLaMP 3's symbolic encoder, from the hub or a file or a folder with it.

    Args:
        source: the id of the repository, a .pth or .safetensors file, or a folder with the published file.
        offline: take nothing from the network.

    Raises:
        ModelError: when the file is missing, broken or of another layout, or the hub cannot be reached.
        MissingExtraError: for the hub where huggingface_hub is not installed.
    """
    path = Path(source)
    if path.is_dir():
        path = path / FILE
    if not path.is_file():
        if str(source) != REPOSITORY:
            raise ModelError(f"no file {path}: {FILE} of {REPOSITORY} on the hub is CLaMP 3")
        path = download(REPOSITORY, [FILE], has_config=False, local_files_only=offline) / FILE
    return _loaded(path)


def _loaded(path: Path) -> Clamp3:
    checkpoint = CheckpointTensors([path], _kept, path)
    shapes, blocks = checkpoint.shapes, {match[1] for name in checkpoint.shapes if (match := _BLOCK.match(name))}
    needed = ("symbolic_model.patch_embedding.weight", f"{_BASE}embeddings.position_embeddings.weight",
              f"{_BASE}encoder.layer.0.intermediate.dense.weight", "symbolic_proj.weight")  # fmt: skip
    for name in needed:
        if len(shapes.get(name, ())) != 2:
            raise ModelError(f"{path} is no CLaMP 3: it lacks {name}")
    width, context, hidden, size = (shapes[name][0] for name in needed)
    with torch.device("meta"):
        network = Clamp3(width, len(blocks), hidden, context, size)
    names = dict(_names(len(network.blocks)))
    checkpoint.check_joined(network, names, "CLaMP 3")
    check_memory(network, path)
    network = network.to_empty(device="cpu").eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            begin = 0
            for theirs in names[name]:
                rows = shapes[theirs][0]
                copy_into(parameter[begin : begin + rows], checkpoint.tensor(theirs), theirs, path)
                begin += rows
    return network


def _kept(key: str) -> str | None:
    unused = not key.startswith(_OURS) or key.removeprefix(_BASE) in _UNUSED
    return None if unused else key


def _names(layers: int) -> list[tuple[str, tuple[str, ...]]]:
    """Our names of all weights, and theirs, of which several stand one after the other."""
    names: list[tuple[str, tuple[str, ...]]] = [
        ("position.weight", (f"{_BASE}embeddings.position_embeddings.weight",)),
        ("kind.weight", (f"{_BASE}embeddings.token_type_embeddings.weight",)),
    ]
    for kind in ("weight", "bias"):
        names += [
            (f"patch.{kind}", (f"symbolic_model.patch_embedding.{kind}",)),
            (f"norm.{kind}", (f"{_BASE}embeddings.LayerNorm.{kind}",)),
            (f"out.{kind}", (f"symbolic_proj.{kind}",)),
        ]
        for layer in range(layers):
            own, other = f"blocks.{layer}", f"{_BASE}encoder.layer.{layer}"
            parts = tuple(f"{other}.attention.self.{part}.{kind}" for part in ("query", "key", "value"))
            names.append((f"{own}.self_attn.in_proj_{kind}", parts))
            names += [(f"{own}.{ours}.{kind}", (f"{other}.{theirs}.{kind}",)) for ours, theirs in _IN_A_BLOCK.items()]
    return names
