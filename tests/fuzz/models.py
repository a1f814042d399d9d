"""Ways in for models, codecs, voices, stores, checkpoints, configs and archives."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz.music import midi_seeds, tune, wav
from tests.fuzz.target import Files, Target

CONFIG = """name: tiny
out: {out}
seed: 1
model: {{width: 16, layers: 1, heads: 2, hidden: 16, window: 128}}
data: {{path: grid.json, transpose: [-6, 5]}}
optim: {{steps: 4, batch: 2, learning_rate: 1.0e-3, betas: [0.9, 0.98]}}
engine: {{device: cpu}}
"""
CODEC = """name: tiny
sounds: {a: 1.0}
codec: {sample_rate: 8000, channels: 1, width: 4, dim: 8, ratios: [16, 25], codebooks: 2, size: 8}
optim: {steps: 4, batch: 2}
"""
VOICES = """name: tiny
path: recordings
voices:
  - {name: one, folder: a, programs: [40, 41]}
  - {name: two, folder: b, struck: true}
optim: {steps: 4, batch: 2}
"""


def taken(make: Callable[[Path], object]) -> Files:
    """The files that a function writes into a folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def model_seeds() -> Sequence[Files]:
    """Tiny models of several architectures."""
    import torch

    from symbolic_music import tokenizers
    from symbolic_music.models import registry
    from symbolic_music.models.model import Card, Model
    from symbolic_music.models.saving import save_model

    out = []
    transformer = {"width": 16, "layers": 1, "heads": 2, "hidden": 16, "window": 32, "distances": 32}
    for name, tokenizer, settings in (
        ("lstm", "performance", {"width": 8, "layers": 1}),
        ("music-transformer", "remi", transformer),
    ):
        torch.manual_seed(0)
        ids = tokenizers.get(tokenizer)
        kind = registry.get(name)
        network = kind.model(kind.config(vocabulary=ids.vocabulary.sizes[0], **settings))
        model = Model(network, Card("tiny", 1, "MIT", "nothing"), tokenizer=ids)
        out.append(taken(lambda folder, model=model: save_model(model, folder)))
    return out


def load_model(folder: Path) -> None:
    """Load, and ask for its next id."""
    import torch

    from symbolic_music.models import load_model

    model = load_model(folder, "cpu")
    with torch.no_grad():
        model.network(torch.zeros(1, 4, dtype=torch.int64))


def published_seeds() -> Sequence[Files]:
    """A GPT-2 in Hugging Face's layout."""
    import torch

    from symbolic_music.models import save_pretrained
    from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config

    torch.manual_seed(0)
    network = GPT2(GPT2Config(vocabulary=32, context=16, width=8, layers=1, heads=2))
    return [taken(lambda folder: save_pretrained(network, folder))]


def load_published(folder: Path) -> None:
    """Load it."""
    from symbolic_music.models.checkpoints.huggingface_gpt2 import load_pretrained

    load_pretrained(folder, 32)


def codec_seeds() -> Sequence[Files]:
    """A tiny codec."""
    import torch

    from symbolic_music.codec.autoencoder.checkpoint import save_codec
    from symbolic_music.codec.autoencoder.model import Codec, CodecConfig
    from symbolic_music.models.model import Card

    torch.manual_seed(0)
    codec = Codec(CodecConfig(8_000, 1, 4, 8, (16, 25), (1,), 8, 2, 8)).eval()
    return [taken(lambda folder: save_codec(codec, Card("tiny", 1, "MIT", "nothing"), folder))]


def load_codec(folder: Path) -> None:
    """Load it, and code a little."""
    import torch

    from symbolic_music.codec.registry import load_codec

    with torch.no_grad():
        load_codec(folder, "cpu").encode(torch.zeros(1, 1, 800))


def codes_seeds() -> Sequence[Files]:
    """A file of codes."""
    from symbolic_music.codec import Codes, Format

    rng = np.random.default_rng(0)
    codes = Codes(rng.integers(0, 8, (2, 20)), Format(8_000, 1, 2, 8, 400), 8_000)
    return [taken(lambda folder: codes.save(folder / "a.safetensors"))]


def load_codes(folder: Path) -> None:
    """Read it."""
    from symbolic_music.codec.codes import load_codes

    load_codes(folder / "a.safetensors")


def voices_seeds() -> Sequence[Files]:
    """A bank of one voice of new networks."""
    import torch

    from symbolic_music.synthesis.midi_ddsp.networks import Shape, VoiceNetworks
    from symbolic_music.synthesis.midi_ddsp.voices import NeuralVoices, TrainedVoice, save_voices

    torch.manual_seed(0)
    bank = NeuralVoices(VoiceNetworks(Shape(1)), (TrainedVoice("one", (40,), False, 50.0, 80.0),), {"name": "tiny"})
    return [taken(lambda folder: save_voices(bank, folder))]


def load_voices(folder: Path) -> None:
    """Load it, and no cached one."""
    from symbolic_music.synthesis.midi_ddsp import voices

    voices.load_voices.cache_clear()
    voices.load_voices(folder)


def store_seeds() -> Sequence[Files]:
    """A store of six pieces in two segments."""
    from symbolic_music.corpora.preparation.pipeline import prepare
    from symbolic_music.transforms import transpose

    def make(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as source:
            for i in range(6):
                transpose(tune(), i).write(Path(source, f"{i}.mid"))
            prepare("folder", source, folder / "s", pieces=3)

    return [taken(make)]


def sealed(files: Files, rng: random.Random) -> Files:
    """Damaged files with hashes that fit, in half of the mutants: as one who damages on purpose would leave them."""
    if rng.random() < 0.5:
        return files
    files = dict(files)
    for name in sorted(name for name in files if name.startswith("s/segments/")):
        _seal(files, name)
    with suppress(ValueError, TypeError, LookupError, RecursionError):  # the manifest may be what is damaged
        manifest = json.loads(files["s/manifest.json"])
        for row in manifest["segments"]:
            about, data = (files[f"s/segments/{row['name']}.{suffix}"] for suffix in ("json", "safetensors"))
            row |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            row["about_sha256"] = hashlib.sha256(about).hexdigest()
        check = manifest.pop("check")
        text = json.dumps(manifest, indent=1, sort_keys=True).removesuffix("}").rstrip()
        files["s/manifest.json"] = f'{text},\n"check": "{check}"}}\n'.encode()
    _seal(files, "s/manifest.json")
    return files


def _seal(files: Files, name: str) -> None:
    head, mark, _ = files[name].rpartition(b',\n"check": "')
    if mark:
        files[name] = head + mark + hashlib.sha256(head).hexdigest().encode() + b'"}\n'


def load_store(folder: Path) -> None:
    """Open it, and read each piece."""
    from symbolic_music.corpora.store.store import NoteStore

    store = NoteStore(folder / "s")
    for i in range(len(store)):
        store[i]
    store.left_out()
    list(store.splits)


def _trained() -> tuple[Any, Any]:
    import torch

    torch.manual_seed(0)
    network = torch.nn.Linear(4, 3)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    network(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    return network, optimizer


def checkpoint_seeds() -> Sequence[Files]:
    """A checkpoint of a small run."""
    from symbolic_music.training.run.checkpoints import save_checkpoint

    network, optimizer = _trained()
    state = {"step": 3, "best": 1.5, "worse": 0, "seconds": 2.0, "total": 1.0, "since": 2, "norms": 1.0,
             "log": [{"step": 2, "split": "train"}], "scaler": {}, "config": {"seed": 1}}  # fmt: skip
    average = {name: value.clone() for name, value in network.state_dict().items()}
    return [taken(lambda folder: save_checkpoint(folder, network, average, optimizer, state))]


def load_checkpoint(folder: Path) -> None:
    """Put it back."""
    from symbolic_music.training.run.checkpoints import load_checkpoint

    network, optimizer = _trained()
    load_checkpoint(folder, network, network.state_dict(), optimizer)


def yaml_seeds() -> Sequence[Files]:
    """A config of each training."""
    return [{"train.yaml": CONFIG.format(out="runs").encode()}, {"codec.yaml": CODEC.encode()},
            {"voices.yaml": VOICES.encode()}]  # fmt: skip


def load_yaml(folder: Path) -> None:
    """Read it as the verb of its name does."""
    from symbolic_music.training.codec.config import load_codec_config
    from symbolic_music.training.config import load_config
    from symbolic_music.training.voices.config import load_voice_config

    (path,) = folder.iterdir()
    {"train": load_config, "codec": load_codec_config, "voices": load_voice_config}[path.stem](path)  # type: ignore[operator]


def archive_seeds() -> Sequence[Files]:
    """Music in a zip, and in tars of each compression."""
    (song, other), out = midi_seeds(), []
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("music/a.mid", song["a.mid"])
        archive.writestr("music/b.mid", other["a.mid"])
    out.append({"a.zip": buffer.getvalue()})
    for suffix in ("gz", "bz2", "xz"):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=f"w:{suffix}") as tar:
            info = tarfile.TarInfo("music/a.mid")
            info.size = len(song["a.mid"])
            tar.addfile(info, io.BytesIO(song["a.mid"]))
        out.append({f"a.tar.{suffix}": buffer.getvalue()})
    return out


def unpack(folder: Path) -> None:
    """Unpack it; nothing may come to lie outside."""
    from symbolic_music.corpora.datasets.archives import unpacked

    (path,) = folder.iterdir()
    into = folder / "1/2/3/4"  # what goes up comes to lie in a folder that no one else writes to
    into.mkdir(parents=True)
    try:
        unpacked(path, into / "into")
    finally:
        found = [p for p in folder.rglob("*") if p.is_file() and p != path and not p.is_relative_to(into / "into")]
        assert not found, found


def expression_seeds() -> Sequence[Files]:
    """Controls of the notes of a score."""
    score = tune()
    notes = [
        {"note": i, "onset": 0.0, "pitch": int(note["pitch"]), "track": int(note["track"]), "tied": False}
        for i, note in enumerate(score.notes)
    ]
    return [{"a.json": json.dumps({"format": 1, "notes": notes}).encode()}]


def load_expression(folder: Path) -> None:
    """Read them for the score."""
    from symbolic_music.synthesis.midi_ddsp.expression import read_expression

    read_expression(folder / "a.json", tune())


def recordings_seeds() -> Sequence[Files]:
    """Two sound files to learn a codec from."""
    return [{"a/1.wav": wav(0.3), "a/2.wav": wav(0.2)}]


def load_recordings(folder: Path) -> None:
    """What `train-codec` reads."""
    from symbolic_music.codec import Format
    from symbolic_music.training.codec.audio_clips import Sounds

    Sounds({str(folder / "a"): 1.0}, Format(8_000, 1, 2, 8, 400), 2)


TARGETS = (
    Target("model folder", model_seeds, load_model),
    Target("published GPT-2", published_seeds, load_published),
    Target("codec", codec_seeds, load_codec),
    Target("codes", codes_seeds, load_codes),
    Target("voices", voices_seeds, load_voices),
    Target("controls of notes", expression_seeds, load_expression),
    Target("note store", store_seeds, load_store, sealed),
    Target("checkpoint", checkpoint_seeds, load_checkpoint),
    Target("YAML", yaml_seeds, load_yaml),
    Target("archive", archive_seeds, unpack),
    Target("recordings", recordings_seeds, load_recordings, seconds=20.0),
)
