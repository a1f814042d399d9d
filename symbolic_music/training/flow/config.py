"""Typed configurations of the training of flow decoders, in YAML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from symbolic_music.training.base_config import (
    MOST_BATCH,
    MOST_LENGTH,
    MOST_STEPS,
    EngineConfig,
    RunConfig,
    RunOptim,
    Shares,
)
from symbolic_music.training.yaml_config import Strict, read_settings


class FlowShape(Strict):
    """The shape of a `codec.flow.decoder.FlowDecoder`; see its config."""

    sample_rate: int = 24_000
    size: int = 1024
    hop: int = 256
    bands: int = 100
    width: int = 256
    hidden: int = 768
    condition_blocks: int = 2
    blocks: int = 6
    head_width: int = 256
    head_hidden: int = 768
    head_blocks: int = 6


class FlowOptim(RunOptim):
    """AdamW and its schedule, a cosine for the flow and another for the shortcut."""

    steps: int = Field(4_000, ge=1, le=MOST_STEPS)
    batch: int = Field(10, ge=1, le=MOST_BATCH)
    frames: int = Field(256, ge=16, le=MOST_LENGTH, description="of each example")
    head_batch: int = Field(6, ge=1, le=MOST_BATCH, description="examples of a step that the head learns from")
    head_frames: int = Field(65, ge=16, le=MOST_LENGTH, description="of each of them")
    learning_rate: float = Field(1e-3, gt=0)
    warmup: int = Field(100, ge=0, le=MOST_STEPS)
    average: float = Field(0.995, ge=0, lt=1)
    weight_decay: float = Field(1e-2, ge=0)
    unconditioned: float = Field(0.1, ge=0, lt=1, description="share of the examples without a condition")
    shortcut_from: int = Field(3_000, ge=0, description="from here on the flow stays, and its shortcut is distilled")
    shortcut_steps: int = Field(8, ge=2, le=1024, description="of the flow that the shortcut is distilled from")
    guidance: float = Field(1.5, ge=0, description="of these")
    critic_from: int = Field(2_000, ge=0, description="from here on a discriminator judges the head")
    critic_width: int = Field(8, ge=1, le=4096)
    mel: float = Field(1.0, ge=0, description="weights of the losses of the head")
    spectrum: float = Field(1.0, ge=0)
    adversarial: float = Field(0.2, ge=0)
    matching: float = Field(0.4, ge=0)


class FlowTraining(RunConfig):
    """A whole run. `pairs`: folders of NAME.mid and NAME.flac, each with its share of the examples."""

    pairs: Shares = Field(min_length=1)
    held_out: int = Field(20, ge=2, description="one pair of this many in a folder is held out")
    data: str = ""
    model: FlowShape = FlowShape()
    optim: FlowOptim = FlowOptim()
    engine: EngineConfig = EngineConfig(precision="bf16-mixed")


def load_flow_config(path: str | Path, overrides: Sequence[str] = ()) -> FlowTraining:
    """Read a YAML file, with `key=value` overrides. ConfigError names its fault."""
    return read_settings(path, FlowTraining, overrides)
