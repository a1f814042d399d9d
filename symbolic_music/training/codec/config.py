"""Typed configurations of the training of codecs, in YAML."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from symbolic_music.training.yaml_config import Licensed, Strict, read_settings


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


class CodecOptim(Strict):
    """AdamW and its schedule. Codebooks start at step `quantise_from`, the discriminator at `critic_from`."""

    steps: int = Field(20_000, ge=1)
    batch: int = Field(8, ge=1)
    seconds: float = Field(1.0, gt=0, description="of each example")
    learning_rate: float = Field(5e-4, gt=0)
    warmup: int = Field(200, ge=0)
    average: float = Field(0.998, ge=0, lt=1)
    clip: float = Field(5.0, gt=0)
    quantise_from: int = Field(300, ge=0, description="nothing is quantised before: vectors would outrun codebooks")
    critic_from: int = Field(8_000, ge=0)
    decoder_from: int = Field(0, ge=0, description="from here on only the decoder learns, so codes stay; 0 for never")
    critic_width: int = Field(8, ge=1)
    bfloat16: bool = Field(False, description="convolutions in half precision")


class CodecTraining(Licensed):
    """A whole run. `sounds`: folders of sound files, each with its share of the examples."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9._-]+$")
    out: str = "runs"
    seed: int = Field(0, ge=0)
    threads: int = Field(0, ge=0, description="CPU threads; 0 leaves torch's choice")
    sounds: dict[str, float] = Field(min_length=1)
    held_out: int = Field(20, ge=2, description="every so many files of a folder are held out")
    evaluate_every: int = Field(500, ge=1)
    checkpoint_every: int = Field(200, ge=1)
    data: str = ""
    description: str = ""
    codec: CodecShape = CodecShape()
    weights: CodecWeights = CodecWeights()
    optim: CodecOptim = CodecOptim()

    @property
    def folder(self) -> Path:
        """The folder of the run: `out`/`name`."""
        return Path(self.out) / self.name


def load_codec_config(path: str | Path) -> CodecTraining:
    """Read a YAML file. ConfigError names its fault."""
    return read_settings(path, CodecTraining)
