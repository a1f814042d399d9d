"""Flow decoders, transcribers, sound that is transcribed, and pairs that a flow decoder learns from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.models import taken
from tests.fuzz.music import sound_seeds, tune, wav
from tests.fuzz.target import Files, Target

SHAPE = {"sample_rate": 8_000, "size": 128, "hop": 32, "bands": 16, "width": 16, "hidden": 32, "condition_blocks": 1,
         "blocks": 2, "head_width": 16, "head_hidden": 32, "head_blocks": 2}  # fmt: skip
FLOW = """name: tiny
pairs: {{{folder}: 1.0}}
held_out: 3
data: tones
model: {model}
optim: {{steps: 4, batch: 2, frames: 80, head_batch: 2, head_frames: 70, warmup: 1}}
"""


def flow_seeds() -> Sequence[Files]:
    """A flow decoder of new networks."""
    import torch

    from symbolic_music.codec import FlowConfig, FlowDecoder, save_flow
    from symbolic_music.models.model import Card

    torch.manual_seed(0)
    decoder = FlowDecoder(FlowConfig(**SHAPE)).eval()
    return [taken(lambda folder: save_flow(decoder, Card("tiny", 1, "MIT", "nothing"), folder))]


def render_flow(folder: Path) -> None:
    """Load it, and render a little."""
    from symbolic_music.codec import load_flow
    from symbolic_music.codec.flow.rendering import render_by_flow

    decoder, _ = load_flow(folder, "cpu")
    render_by_flow(tune().replace(notes=tune().notes[:2]), decoder, steps=2)


def transcriber_seeds() -> Sequence[Files]:
    """A transcriber of a new network."""
    import torch

    from symbolic_music.models.model import Card
    from symbolic_music.transcription import Transcriber, TranscriberConfig, save_transcriber

    torch.manual_seed(0)
    network = Transcriber(TranscriberConfig(width=8, dilations=(1,)))
    return [taken(lambda folder: save_transcriber(network, Card("tiny", 1, "MIT", "nothing"), folder))]


def load_transcriber(folder: Path) -> None:
    """Load it, and transcribe a little."""
    from symbolic_music.transcription import load_transcriber, transcribe

    network = load_transcriber(folder, "cpu")
    (folder / "sound.wav").write_bytes(wav(0.3))
    transcribe(folder / "sound.wav", model=network)


def transcribe(folder: Path) -> None:
    """Transcribe a file with the bundled network."""
    from symbolic_music.transcription import transcribe

    (path,) = folder.iterdir()
    transcribe(path, device="cpu")


def pairs_seeds() -> Sequence[Files]:
    """Three pairs, and the config that names their folder."""
    from symbolic_music.io import midi_bytes

    flac = sound_seeds()[2]["a.flac"]
    pairs = {f"p/{i}.{kind}": data for i in range(3) for kind, data in (("mid", midi_bytes(tune())), ("flac", flac))}
    return [{**pairs, "flow.yaml": FLOW.format(folder="FOLDER", model=json.dumps(SHAPE)).encode()}]


def draw_pairs(folder: Path) -> None:
    """What `train-flow` reads before its first step, and examples of it."""
    import numpy as np

    from symbolic_music.codec.flow.decoder import FlowConfig
    from symbolic_music.training.flow.config import load_flow_config
    from symbolic_music.training.flow.pairs import Pairs, batch

    path = folder / "flow.yaml"
    path.write_bytes(path.read_bytes().replace(b"FOLDER", str(folder / "p").encode()))
    config = load_flow_config(path)
    pairs = Pairs(config.pairs, FlowConfig(**config.model.model_dump()), config.held_out)
    batch(pairs.drawn(4, 80, np.random.default_rng(0)), 80)


TARGETS = (
    Target("flow decoder", flow_seeds, render_flow, seconds=20.0),
    Target("transcriber", transcriber_seeds, load_transcriber, seconds=20.0),
    Target("sound to transcribe", sound_seeds, transcribe, seconds=20.0),
    Target("pairs of a flow", pairs_seeds, draw_pairs, seconds=20.0),
)
