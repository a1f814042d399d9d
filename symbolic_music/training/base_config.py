"""What the settings of every run have in common: its name and folder, its optimizer, its device."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from symbolic_music.training.yaml_config import Licensed, Strict


def _some(shares: dict[str, float]) -> dict[str, float]:
    if not sum(shares.values()):
        raise ValueError("one of the shares is above 0")
    return shares


# Names, each with its share of what is drawn; of numbers that are far apart some would never be drawn.
Shares = Annotated[dict[str, Annotated[float, Field(ge=0, le=1e6)]], AfterValidator(_some)]


# More than any run has: a number above is a slip of the keyboard, which would take the memory or never end.
MOST_STEPS, MOST_BATCH, MOST_LENGTH, MOST_SECONDS = 10**9, 1 << 16, 1 << 20, 600


class RunOptim(Strict):
    """The length of a run, and how its weights are kept steady."""

    steps: int = Field(3_000, ge=1, le=MOST_STEPS)
    batch: int = Field(8, ge=1, le=MOST_BATCH, description="examples of a step")
    learning_rate: float = Field(1e-3, gt=0)
    warmup: int = Field(300, ge=0, le=MOST_STEPS)
    clip: float = Field(1.0, gt=0)
    average: float = Field(0.999, ge=0, lt=1, description="decay of the averaged weights that are evaluated")


class EngineConfig(Strict):
    """Device, precision and logging of a run."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["32-true", "16-mixed", "bf16-mixed", "auto"] = "32-true"
    recompute: bool = Field(False, description="activations of blocks are computed again in the backward pass")
    compile: bool = False
    sharded: bool = Field(False, description="weights, gradients and optimizer are divided among the processes (FSDP)")
    tensorboard: bool = False
    wandb: str = Field("", description="a project of Weights & Biases to send curves to; none where empty")


class RunConfig(Licensed):
    """A whole run; its folder is `out`/`name`."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$")
    out: str = "runs"
    seed: int = Field(0, ge=0, lt=2**32)
    threads: int = Field(0, ge=0, le=4096, description="CPU threads; 0 leaves torch's choice")
    evaluate_every: int = Field(500, ge=1)
    checkpoint_every: int = Field(200, ge=1)
    description: str = ""
    optim: RunOptim = RunOptim()
    engine: EngineConfig = EngineConfig()

    @property
    def folder(self) -> Path:
        """The folder of the run: `out`/`name`."""
        return Path(self.out) / self.name
