"""The task that a config describes."""

from __future__ import annotations

from collections.abc import Callable

from symbolic_music.errors import ConfigError
from symbolic_music.training.base_config import RunConfig
from symbolic_music.training.codec.config import CodecTraining
from symbolic_music.training.config import (
    CodesData,
    EditsData,
    GridData,
    LevelData,
    ModelsData,
    RegionsData,
    StoreEditsData,
    TrainConfig,
)
from symbolic_music.training.data.base import EditSource
from symbolic_music.training.flow.config import FlowTraining
from symbolic_music.training.task import Task
from symbolic_music.training.tasks.model_task import ModelTask
from symbolic_music.training.transcription.config import TranscriptionTraining
from symbolic_music.training.voices.config import VoiceConfig


def task_of(config: RunConfig, progress: Callable[[str], None] = lambda what: None) -> Task:
    """The task that a config of a model, a codec, voices, a transcriber or a flow decoder describes.

    Args:
        config: of the run.
        progress: called with what is read, where that takes time.
    """
    if isinstance(config, TrainConfig):
        return model_task(config)
    if isinstance(config, CodecTraining):
        from symbolic_music.training.codec.task import CodecTask

        return CodecTask(config)
    if isinstance(config, VoiceConfig):
        from symbolic_music.training.voices.task import VoicesTask

        return VoicesTask(config, progress)
    if isinstance(config, TranscriptionTraining):
        from symbolic_music.training.transcription.task import TranscriptionTask

        return TranscriptionTask(config, progress)
    if isinstance(config, FlowTraining):
        from symbolic_music.training.flow.task import FlowTask

        return FlowTask(config)
    raise ConfigError(f"{type(config).__name__} describes no task")


def model_task(config: TrainConfig) -> ModelTask:
    """The task of a model."""
    if isinstance(config.data, EditsData | StoreEditsData):
        from symbolic_music.training.tasks.edits import EditsTask

        return EditsTask(config, _edit_source(config))
    if isinstance(config.data, RegionsData):
        from symbolic_music.training.tasks.regions import RegionsTask

        return RegionsTask(config, config.data)
    if isinstance(config.data, CodesData):
        from symbolic_music.training.tasks.codec_codes import CodesTask

        return CodesTask(config, config.data)
    if isinstance(config.data, LevelData):
        from symbolic_music.training.tasks.cascade_levels import LevelTask

        return LevelTask(config, config.data)
    from symbolic_music.training.tasks.tokens import TokenTask

    if isinstance(config.data, GridData):
        from symbolic_music.training.data.chorale_grids import GridSource

        return TokenTask(config, GridSource(config, config.data))
    if isinstance(config.data, ModelsData):
        raise ConfigError("data.kind=of-model takes the ids of the model that init names: set init=MODEL")
    from symbolic_music.training.data.store_windows import WindowSource

    return TokenTask(config, WindowSource(config, config.data))


def _edit_source(config: TrainConfig) -> EditSource:
    if isinstance(config.data, StoreEditsData):
        from symbolic_music.training.data.store_edits import StoreEdits

        return StoreEdits(config.data, int(config.model.settings.get("window", 512)))
    from symbolic_music.training.data.chorale_edits import ChoraleEdits

    assert isinstance(config.data, EditsData)
    return ChoraleEdits(config.data)
