"""Typed configurations of the training of transcribers, in YAML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from symbolic_music.training.base_config import (
    MOST_BATCH,
    MOST_SECONDS,
    MOST_STEPS,
    EngineConfig,
    RunConfig,
    RunOptim,
    Shares,
)
from symbolic_music.training.yaml_config import Strict, read_settings


class TranscriberShape(Strict):
    """The shape of a `transcription.network.Transcriber`; see its config."""

    sample_rate: int = 16_000
    hop: int = 400
    width: int = 32
    dilations: tuple[int, ...] = (1, 1, 2, 2, 4, 8, 16)


class ClipData(Strict):
    """What is rendered to learn from: clips of pieces, arranged and played in many ways."""

    stores: Shares = Field(min_length=1, description="note stores, each with its share of the clips")
    train: str = Field("train", description="the split of the training examples")
    validation: str = Field("validation", description="the one that is held out")
    clips: int = Field(700, ge=1, le=1_000_000)
    held_out: int = Field(24, ge=1, le=1_000_000, description="clips of the split that is held out")
    seconds: float = Field(15.0, ge=1, le=120, description="of each clip")
    synths: Shares = Field(
        {"ddsp": 0.35, "midi-ddsp": 0.15, "soundfont": 0.5},
        min_length=1,
        description="synthesizers, and `recordings`, with their shares",
    )
    recordings: dict[int, str] = Field({}, description="program -> folder of recorded notes, for `recordings`")
    unheard: tuple[int, ...] = Field((), description="programs that the SoundFont does not play: timbres to test with")
    solo: float = Field(0.5, ge=0, le=1, description="share of clips in which one instrument plays all the notes")
    piano: float = Field(0.6, ge=0, le=1, description="share of these in which it is a piano")
    scattered: float = Field(0.1, ge=0, le=1, description="share of clips of random notes, for what pieces lack")


class TranscriptionOptim(RunOptim):
    """AdamW and its schedule."""

    steps: int = Field(4_000, ge=1, le=MOST_STEPS)
    batch: int = Field(6, ge=1, le=MOST_BATCH)
    seconds: float = Field(4.0, gt=0, le=MOST_SECONDS, description="of each example")
    learning_rate: float = Field(3e-3, gt=0)
    warmup: int = Field(100, ge=0, le=MOST_STEPS)
    average: float = Field(0.995, ge=0, lt=1)
    weight_decay: float = Field(1e-2, ge=0)


class TranscriptionTraining(RunConfig):
    """A whole run. Its clips are rendered before the first step, and kept in its folder."""

    data: ClipData
    sources: str = Field("", description="words of the card on the data")
    model: TranscriberShape = TranscriberShape()
    optim: TranscriptionOptim = TranscriptionOptim()
    engine: EngineConfig = EngineConfig(precision="bf16-mixed")


def load_transcription_config(path: str | Path, overrides: Sequence[str] = ()) -> TranscriptionTraining:
    """Read a YAML file, with `key=value` overrides. ConfigError names its fault."""
    return read_settings(path, TranscriptionTraining, overrides)
