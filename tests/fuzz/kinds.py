"""Model folders of every kind: each architecture, published layouts, models of codes, codecs of transformers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.fuzz.models import taken
from tests.fuzz.target import Files, Target

SMALL = {"width": 16, "layers": 1, "heads": 2, "hidden": 16}
# Architecture -> tokenizer, shape; `vocabulary`, or `sizes` and `widths`, are the tokenizer's.
SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "anticipatory": ("anticipation", SMALL | {"window": 8, "distances": 3, "time_reach": 3, "instruments": [0, 128]}),
    "compound-transformer": ("compound", SMALL | {"window": 8, "leading": 0}),
    "frame-transformer": ("grid", SMALL | {"window": 4, "distances": 2, "voice_hidden": 16}),
    "gpt2": ("performance", SMALL | {"context": 8}),
    "lstm": ("performance", {"width": 8, "layers": 1, "embedding": 8}),
    "music-transformer": ("remi", SMALL | {"window": 8, "distances": 4}),
    "region-transformer": ("region", {"width": 64, "layers": 1, "note_layers": 1, "hidden": 16, "window": 16}),
    "sinusoid-transformer": ("performance", SMALL | {"window": 8}),
    "x-transformer": ("performance", SMALL | {"window": 8, "width": 64}),
}


def every_seeds() -> Sequence[Files]:
    """A folder of each architecture."""
    import torch

    from symbolic_music import tokenizers
    from symbolic_music.models import registry
    from symbolic_music.models.model import Card, Model
    from symbolic_music.models.saving import save_model

    out = []
    for name, (tokenizer, shape) in SHAPES.items():
        torch.manual_seed(0)
        ids, kind = tokenizers.get(tokenizer), registry.get(name)
        settings = {field.name for field in kind.config.__dataclass_fields__.values()}
        sizes = ids.vocabulary.sizes
        known = {"vocabulary": sizes[0], "sizes": sizes, "widths": (4,) * len(sizes)}
        network = kind.build(shape | {key: value for key, value in known.items() if key in settings})
        out.append(taken(partial(save_model, Model(network, Card("tiny", 1, "MIT", "nothing"), tokenizer=ids))))
    return out


def load(folder: Path) -> None:
    """Load it, and ask what generates for its memory of the past."""
    from symbolic_music.models import load_model

    model: Any = load_model(folder, "cpu")
    if hasattr(model.network, "new_cache"):
        model.network.new_cache()


def aria_seeds() -> Sequence[Files]:
    """Aria's layout."""
    import torch
    from safetensors.torch import save_file

    size, width, hidden = 17_727, 64, 64
    shapes: dict[str, tuple[int, ...]] = {"model.tok_embeddings.weight": (size, width), "lm_head.weight": (size, width)}
    block = "model.encode_layers.0"
    shapes |= {f"{block}.mixed_qkv.weight": (3 * width, width), f"{block}.att_proj_linear.weight": (width, width)}
    shapes |= {f"{block}.ff_{kind}_proj.weight": (hidden, width) for kind in ("gate", "up")}
    shapes |= {f"{block}.ff_down_proj.weight": (width, hidden)}
    norms = (f"{block}.norm1", f"{block}.norm2", "model.out_layer_norm")
    shapes |= {f"{norm}.{kind}": (width,) for norm in norms for kind in ("weight", "bias")}

    def make(folder: Path) -> None:
        config = {"model_type": "aria", "n_heads": 1, "d_model": width, "n_layers": 1, "vocab_size": size}
        (folder / "config.json").write_text(json.dumps(config))
        tensors = {name: torch.zeros(shape, dtype=torch.float16) for name, shape in shapes.items()}
        save_file(tensors, folder / "model.safetensors")

    return [taken(make)]


def skytnt_seeds() -> Sequence[Files]:
    """SkyTNT's layout, of both versions."""
    from safetensors.torch import save_file

    from tests.models.checkpoints.test_skytnt import SIZES, Theirs, config_of

    def make(version: str, folder: Path) -> None:
        model = Theirs(SIZES[version]).half()
        (folder / "config.json").write_text(json.dumps(config_of(model, version)))
        save_file(model.state_dict(), folder / "model.safetensors")

    return [taken(partial(make, version)) for version in SIZES]


def llama_seeds() -> Sequence[Files]:
    """MIDI-LLM's layout."""
    from tests.models.checkpoints.test_midi_llm import published

    return [taken(published)]


def midigpt_seeds() -> Sequence[Files]:
    """MIDI-GPT's file."""
    from tests.models.checkpoints.test_midigpt_file import written

    return [taken(lambda folder: written(folder / "tiny.safetensors"))]


def writer_seeds() -> Sequence[Files]:
    """A model of codes of each kind, beside its codec."""
    import torch

    from symbolic_music.codec.autoencoder.checkpoint import save_codec
    from symbolic_music.codec.language_models.masked import MaskedWriter, MaskedWriterConfig
    from symbolic_music.codec.language_models.registry import save_writer
    from tests.codec.language_models.test_registry import CARD, codec, network

    def make(kind: str, folder: Path) -> None:
        own, torch_seed = codec(), torch.manual_seed(0)
        assert torch_seed
        save_codec(own, CARD, folder / "codec")
        writer = network() if kind == "lm" else MaskedWriter(MaskedWriterConfig(2, 16, 16, 1, 2, 32, 50)).eval()
        save_writer(writer, "codec", own.format, CARD, folder / "lm")

    return [taken(partial(make, kind)) for kind in ("lm", "masked")]


def load_writer(folder: Path) -> None:
    """Load it with its codec."""
    from symbolic_music.codec.language_models import registry

    registry.load_writer(folder / "lm", folder / "codec", "cpu")


@contextmanager
def _quiet() -> Iterator[None]:
    from transformers.utils import logging

    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    yield


def encodec_seeds() -> Sequence[Files]:
    """An EnCodec in transformers' layout."""
    import torch
    from transformers import EncodecConfig, EncodecModel

    torch.manual_seed(0)
    with _quiet():
        shape = EncodecConfig(num_filters=2, hidden_size=4, codebook_dim=4, codebook_size=16, num_lstm_layers=1)
        return [taken(lambda folder: EncodecModel(shape).save_pretrained(folder))]


def load_encodec(folder: Path) -> None:
    """Load it, and code a little."""
    import torch

    from symbolic_music.codec.registry import load_codec

    with _quiet(), torch.no_grad():
        codec = load_codec(folder, "cpu")
        codec.encode(torch.zeros(1, codec.format.channels, 2 * codec.format.hop))


def miditok_seeds() -> Sequence[Files]:
    """A GPT-2 beside a trained tokenizer of MidiTok."""
    import torch

    from symbolic_music.models import save_pretrained
    from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config
    from tests.fuzz.music import tune

    def make(folder: Path) -> None:
        import miditok

        with tempfile.TemporaryDirectory() as name:
            song = tune().write(Path(name, "a.mid"))
            tokenizer = miditok.REMI(miditok.TokenizerConfig(use_programs=False))
            tokenizer.train(vocab_size=len(tokenizer) + 8, files_paths=[song])
        tokenizer.save(folder / "tokenizer.json")
        torch.manual_seed(0)
        save_pretrained(GPT2(GPT2Config(vocabulary=len(tokenizer), context=16, width=8, layers=1, heads=2)), folder)

    return [taken(make)]


TARGETS = (
    Target("models of every kind", every_seeds, load),
    Target("published Aria", aria_seeds, load),
    Target("published SkyTNT", skytnt_seeds, load),
    Target("published MIDI-LLM", llama_seeds, load),
    Target("published MIDI-GPT", midigpt_seeds, load),
    Target("published MidiTok", miditok_seeds, load),
    Target("model of codes", writer_seeds, load_writer),
    Target("EnCodec of transformers", encodec_seeds, load_encodec),
)
