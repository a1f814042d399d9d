"""Typed training configurations in YAML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from symbolic_music.errors import ConfigError, SymbolicMusicError
from symbolic_music.training.base_config import MOST_BATCH, MOST_LENGTH, RunConfig, RunOptim
from symbolic_music.training.yaml_config import Strict, parse_settings, read_tree, unknown_setting

PRIOR = "jukebox-prior"
_Share = Annotated[float, Field(gt=0)]
_Interval = Annotated[int, Field(ge=-127, le=127)]
_Beta = Annotated[float, Field(ge=0, lt=1)]


def _ordered(semitones: tuple[int, int]) -> tuple[int, int]:
    low, high = semitones
    if low > high:
        raise PydanticCustomError(
            "order", "from the lowest to the highest, not {low} to {high}", {"low": low, "high": high}
        )
    return semitones


_Semitones = Annotated[tuple[_Interval, _Interval], AfterValidator(_ordered)]


class ModelConfig(BaseModel):
    """The model: an architecture of `models.registry`, its preset, and settings that override the preset."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())

    architecture: str = "anticipatory"
    preset: str | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the architecture's config."""
        return dict(self.model_extra or {})


class EditsData(Strict):
    """Chorales as anticipated events, half of them arranged as edits; see `corpora.anticipated`."""

    kind: Literal["chorale-edits"] = "chorale-edits"
    path: str
    transpose: _Semitones = (-6, 5)
    edits: float = Field(0.5, ge=0, le=1)
    crops: float = Field(0.3, ge=0, le=1)


class _StoresData(Strict):
    stores: dict[str, _Share] = Field(description="note stores, each with its share of the samples", min_length=1)
    train: str = "train"
    validation: str = "validation"
    validation_sequences: int = Field(96, ge=1, le=MOST_LENGTH)

    @property
    def path(self) -> str:
        """The stores' names."""
        return " + ".join(path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] for path in self.stores)


class StoreEditsData(_StoresData):
    """Stretches of the pieces of note stores as anticipated events, part of them arranged as edits."""

    kind: Literal["edits"]
    transpose: _Semitones = (-5, 6)
    edits: float = Field(0.5, ge=0, le=1)
    openings: float = Field(0.15, ge=0, le=1, description="share of the samples that begin with their piece")


class RegionsData(_StoresData):
    """Pieces of note stores for a region model: stretches, and edits with everything else given."""

    kind: Literal["regions"]
    transpose: _Semitones = (-6, 5)
    pedal: bool = Field(False, description="presses of the sustain pedal are events too")
    edits: float = Field(0.7, ge=0, le=1)
    written_weight: float = Field(3.0, gt=0, description="of a note that is written, beside 1 for one of a stretch")
    velocity_weight: float = Field(0.5, ge=0, description="of velocities, beside 1 for the other fields")
    chords: float = Field(0.0, ge=0, le=1, description="share of the examples that are edits with known chords")
    keys: float = Field(0.0, ge=0, le=1, description="share of the edits with a known key")
    new_parts: float = Field(0.0, ge=0, le=1, description="share of the edits whose written tracks play nowhere else")
    variations: bool = Field(False, description="other drums, octaves and tempos, like tracks in one, now and then")


class GridData(Strict):
    """Chorales as tokens of the 16th grid, a token a voice and step; whole pieces, batches of about one length."""

    kind: Literal["chorale-grid"]
    path: str
    transpose: _Semitones = (-6, 5)
    crops: float = Field(0, ge=0, le=1, description="share of the pieces that begin at a later bar of 4/4")
    spread: int = Field(
        30, ge=0, le=MOST_LENGTH, description="steps of length that pieces of one batch may differ by, and more"
    )


class WindowsData(Strict):
    """Windows of a note store in the ids of a tokenizer; see `corpora.windows`."""

    kind: Literal["windows"]
    path: str = Field(description="a note store, made by `symbolic-music prepare`")
    tokenizer: str = "performance"
    preset: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    windows: Literal["crops", "chunks", "bars", "packed"] = "crops"
    length: int = Field(2048, ge=2, le=MOST_LENGTH)
    factor: int = Field(
        10, ge=1, le=1000, description="of packed windows: variations of a piece, see `windows.packed_chunks`"
    )
    augmentation: str = "none"
    train: str = "train"
    validation: str = "validation"
    validation_windows: int = Field(256, ge=1, le=MOST_LENGTH)
    workers: int = Field(0, ge=0, le=1024)


class ModelsData(Strict):
    """A note store, in what the model that `init` names was trained on: its ids and windows, or edits in its events."""

    kind: Literal["of-model"]
    path: str = Field(description="a note store, made by `symbolic-music prepare`")
    length: int | None = Field(
        None, ge=2, le=MOST_LENGTH, description="ids of a window, where the model has ids; its own when omitted"
    )
    transpose: _Semitones = Field((-5, 6), description="semitones either way, where the model has events")


class CodesData(Strict):
    """Folders of pairs: a score NAME.mid and the codes of its sound, NAME.safetensors, made by `encode`."""

    kind: Literal["codes"]
    pairs: dict[str, _Share] = Field(description="folders, each with its share of the examples", min_length=1)
    codec: str = Field(description="the codec that the codes are of: its name or folder")
    frames: int = Field(512, ge=2, le=MOST_LENGTH, description="of an example")
    tones: bool = Field(False, description="also condition on the codec's features of the score as plain tones")
    melody: bool = Field(False, description="also condition on the melody of the recording, NAME.flac")
    text: str = Field("", description="also condition on words about the score, by this T5 of transformers")
    begin: str = Field("", description="a codec-lm whose weights a codec-depth begins with: its name or folder")
    held_out: int = Field(20, ge=2, description="one pair of this many in a folder is for validation")
    validation_examples: int = Field(64, ge=1, le=MOST_LENGTH)

    @property
    def path(self) -> str:
        """The folders' names."""
        return " + ".join(path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] for path in self.pairs)


class LevelData(Strict):
    """Folders of recordings for a level of a cascade; the name of a folder is the label of its instrument."""

    kind: Literal["levels"]
    sounds: dict[str, _Share] = Field(description="folders, each with its share of the examples", min_length=1)
    codec: str = Field(description="the codec of the level: its name or folder")
    above: str | None = Field(None, description="the codec of the level above; none for the top")
    held_out: int = Field(20, ge=2, description="one recording of this many in a folder is for validation")
    validation_examples: int = Field(64, ge=1, le=MOST_LENGTH)

    @property
    def path(self) -> str:
        """The folders' names."""
        return " + ".join(path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] for path in self.sounds)


class OptimConfig(RunOptim):
    """AdamW, or Muon for matrices with AdamW for the rest, and their schedule."""

    batch: int = Field(
        8, ge=1, le=MOST_BATCH, description="sequences of a step, of all processes and accumulated parts together"
    )
    accumulate: int = Field(1, ge=1, le=MOST_BATCH, description="parts that a process' share of a batch is computed in")
    muon: float = Field(0, ge=0, description="learning rate of matrices by Muon; 0 for AdamW throughout")
    schedule: Literal["cosine", "inverse-root", "constant", "plateau"] = "cosine"
    decay: float = Field(0.6, gt=0, le=1, description="share of the steps in which a plateau falls to its final rate")
    final: float = Field(0.0, ge=0, le=1, description="share of the learning rate that the cosine ends at")
    weight_decay: float = Field(0.1, ge=0)
    betas: tuple[_Beta, _Beta] = (0.9, 0.98)
    patience: int = Field(0, ge=0, description="stop after this many evaluations without a better one; 0 for never")


class LoraConfig(Strict):
    """Only low-rank changes of the matrices are learnt; see `training.lora`."""

    rank: int = Field(8, ge=1)
    scale: float = Field(2.0, gt=0, description="the paper's alpha / rank")


class ContextConfig(Strict):
    """At each evaluation, how what the model writes into validation pieces fits what stands around it."""

    regions: int = Field(12, ge=1, le=100, description="places that are written anew, each of another piece")
    bars: int = Field(4, ge=1, le=16, description="of a place")


class TrainConfig(RunConfig):
    """A whole experiment.

    Examples:
        >>> config = sm.training.load_config("first.yaml")
        >>> config.optim.steps, config.out
        (20, 'runs')
    """

    sample_seconds: float = Field(0.0, ge=0, le=3600, description="of music to write at each evaluation; 0 for none")
    init: str | None = Field(None, description="a model to begin from: a name, a folder, or a GPT-2 of the hub")
    lora: LoraConfig | None = None
    context: ContextConfig | None = None
    model: ModelConfig = ModelConfig()
    data: Annotated[
        EditsData | StoreEditsData | RegionsData | GridData | WindowsData | ModelsData | CodesData | LevelData,
        Field(discriminator="kind"),
    ]
    optim: OptimConfig = OptimConfig()


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a YAML file and apply `key=value` overrides (`optim.steps=100`).

    Raises:
        ConfigError: naming the file's fault, or a key that is unknown and the nearest known one.

    Examples:
        >>> config = sm.training.load_config("first.yaml", ["optim.steps=2", "name=short"])
        >>> config.name, config.optim.steps
        ('short', 2)
    """
    return parse_config(read_tree(path, overrides))


def parse_config(tree: dict[str, Any]) -> TrainConfig:
    """A TrainConfig from a tree of settings; ConfigError as in `load_config`."""
    if isinstance(tree.get("data"), dict):
        tree = {**tree, "data": {"kind": "chorale-edits", **tree["data"]}}
    config = parse_settings(tree, TrainConfig)
    # Else the model that it begins from says what settings there are.
    if config.init is None and not isinstance(config.data, ModelsData):
        _check_model(config)
    return config


def _check_model(config: TrainConfig) -> None:
    """ConfigError for an unknown architecture, preset or setting."""
    import dataclasses

    model = config.model
    if isinstance(config.data, CodesData):
        from symbolic_music.codec.language_models.registry import WRITERS

        if model.architecture not in WRITERS:
            raise ConfigError(f"setting model.architecture: data of codes are for {', '.join(WRITERS)}")
        check_settings(model, [field.name for field in dataclasses.fields(WRITERS[model.architecture].config)])
        return
    if isinstance(config.data, LevelData):
        from symbolic_music.codec.jukebox.prior import FROM_DATA, JukeboxPriorConfig

        if model.architecture != PRIOR:
            raise ConfigError(f"setting model.architecture: data of levels are for {PRIOR}")
        check_settings(
            model, [field.name for field in dataclasses.fields(JukeboxPriorConfig) if field.name not in FROM_DATA]
        )
        return
    from symbolic_music.models import registry

    try:
        kind = registry.get(model.architecture)
    except SymbolicMusicError as error:
        raise ConfigError(f"setting model.architecture: {error}") from None
    if model.preset is not None and model.preset not in kind.presets:
        raise ConfigError(f"setting model.preset: {kind.name} has {', '.join(kind.presets) or 'none'}")
    check_settings(model, [field.name for field in dataclasses.fields(kind.config)])


def check_settings(model: ModelConfig, known: list[str]) -> None:
    """ConfigError for an unknown setting of a model."""
    for name in model.settings:
        if name not in known:
            raise ConfigError(unknown_setting(["model", name], [*known, "architecture", "preset"]))
