"""Typed configurations of the training of codecs, in YAML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from symbolic_music.training.base_config import MOST_SECONDS, MOST_STEPS, RunConfig, RunOptim, Shares
from symbolic_music.training.yaml_config import Strict, read_settings


class CodecShape(Strict):
    """The shape of a `codec.autoencoder.Codec`; see its config."""

    sample_rate: int = 24_000
    channels: int = 1
    width: int = 16
    widest: int = 256
    ratios: tuple[int, ...] = (2, 4, 5, 8)
    dilations: tuple[int, ...] = (1, 3)
    dim: int = 96
    codebooks: int = 8
    size: int = 1024


class CodecWeights(Strict):
    """The weights of the losses of the codec."""

    waveform: float = Field(10.0, ge=0)
    mel: float = Field(2.0, ge=0)
    commitment: float = Field(0.25, ge=0)
    adversarial: float = Field(0.5, ge=0)
    matching: float = Field(1.0, ge=0)


class CodecOptim(RunOptim):
    """AdamW and its schedule. Codebooks start at step `quantise_from`, the discriminator at `critic_from`."""

    steps: int = Field(20_000, ge=1, le=MOST_STEPS)
    seconds: float = Field(1.0, gt=0, le=MOST_SECONDS, description="of each example")
    learning_rate: float = Field(5e-4, gt=0)
    warmup: int = Field(200, ge=0, le=MOST_STEPS)
    average: float = Field(0.998, ge=0, lt=1)
    clip: float = Field(5.0, gt=0)
    quantise_from: int = Field(300, ge=0, description="nothing is quantised before: vectors would outrun codebooks")
    critic_from: int = Field(8_000, ge=0)
    decoder_from: int = Field(0, ge=0, description="from here on only the decoder learns, so codes stay; 0 for never")
    critic_width: int = Field(8, ge=1, le=4096)


class CodecTraining(RunConfig):
    """A whole run. `sounds`: folders of sound files, each with its share of the examples."""

    sounds: Shares = Field(min_length=1)
    held_out: int = Field(20, ge=2, description="one file of this many in a folder is held out")
    data: str = ""
    codec: CodecShape = CodecShape()
    weights: CodecWeights = CodecWeights()
    optim: CodecOptim = CodecOptim()

    @model_validator(mode="before")
    @classmethod
    def _half(cls, values: Any) -> Any:
        """`optim.bfloat16`, the key of before, is `engine.precision`."""
        optim = values.get("optim") if isinstance(values, dict) else None
        if not isinstance(optim, dict) or "bfloat16" not in optim:
            return values
        rest = {key: value for key, value in optim.items() if key != "bfloat16"}
        precision = "bf16-mixed" if optim["bfloat16"] else "32-true"
        return {**values, "optim": rest, "engine": {**values.get("engine", {}), "precision": precision}}


def load_codec_config(path: str | Path, overrides: Sequence[str] = ()) -> CodecTraining:
    """Read a YAML file, with `key=value` overrides. ConfigError names its fault."""
    return read_settings(path, CodecTraining, overrides)
