"""Typed configurations of the training of voices, in YAML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from symbolic_music.training.base_config import MOST_BATCH, MOST_LENGTH, MOST_STEPS, RunConfig, RunOptim
from symbolic_music.training.yaml_config import Strict, read_settings


class VoiceSource(Strict):
    """The recordings of one instrument, and the General MIDI programs that it plays."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9._-]+$")
    folder: str
    struck: bool = Field(
        False, description="a piano, a guitar, a bell: it rings by itself, and its partials may be stiff"
    )
    programs: tuple[int, ...] = ()
    vibrato: float = Field(0.0, ge=0, le=2, description="semitones either way, added to what was recorded")
    recorded_velocity: int = Field(100, ge=1, le=127, description="the one whose brightness the recordings have")


class VoiceOptim(RunOptim):
    """Adam and its schedule: first the measured frames are learnt, then the sound."""

    steps: int = Field(5000, ge=1, le=MOST_STEPS, description="on measured frames")
    spectral_steps: int = Field(0, ge=0, le=MOST_STEPS, description="after them, on the sound by the spectral loss")
    batch: int = Field(48, ge=1, le=MOST_BATCH, description="notes of a step")
    frames: int = Field(48, ge=4, le=MOST_LENGTH, description="frames of a note")
    learning_rate: float = Field(2e-3, gt=0)
    spectral_rate: float = Field(2e-4, gt=0)
    warmup: int = Field(100, ge=0, le=MOST_STEPS)
    average: float = Field(0.998, ge=0, lt=1)


class VoiceConfig(RunConfig):
    """A whole run."""

    path: str = Field(description="folder of the voices' folders")
    voices: tuple[VoiceSource, ...] = Field(min_length=1)
    begin: str | None = Field(None, description='a folder of voices to add to, or "bundled"; their networks stay')
    held_out: int = Field(7, ge=0, description="one note of this many of a voice is held out; 0 for none")
    data: str = ""
    optim: VoiceOptim = VoiceOptim()


def load_voice_config(path: str | Path, overrides: Sequence[str] = ()) -> VoiceConfig:
    """Read a YAML file, with `key=value` overrides. ConfigError names its fault."""
    return read_settings(path, VoiceConfig, overrides)
