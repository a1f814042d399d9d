"""Train a model, a codec, voices or a transcriber from a config."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

import torch

from symbolic_music.errors import TrainingError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.io.folder_lock import held
from symbolic_music.models import load_model
from symbolic_music.models.loading import resolve_device
from symbolic_music.training.base_config import RunConfig
from symbolic_music.training.config import CodesData, LevelData, TrainConfig
from symbolic_music.training.fine_tuning import check_ids, resolved, with_data_of
from symbolic_music.training.loop import Loop, Report, Result
from symbolic_music.training.memory import bounded_memory, memory_errors
from symbolic_music.training.run.callbacks import Callback
from symbolic_music.training.run.checkpoints import check_resume
from symbolic_music.training.run.fabric import fabric_of, leave
from symbolic_music.training.run.precision import chosen_precision
from symbolic_music.training.run.tensorboard_and_wandb import TensorBoard, WeightsAndBiases
from symbolic_music.training.task import Task
from symbolic_music.training.tasks.factory import model_task, task_of

__all__ = ["Result", "begin", "train"]


def train(
    config: RunConfig, resume: bool = False, report: Report | None = None, callbacks: Sequence[Callback] = (),
    progress: Callable[[str], None] = lambda what: None,
) -> Result:  # fmt: skip
    """Train to the end, or until Ctrl-C or SIGTERM, which save a checkpoint.

    Under torchrun the processes share each batch, with the losses of a single process. The folder of the run contains
    config.json, log.csv, curves.png, the last two checkpoints and the model folder: `best`, with the averaged weights
    of the best validation loss, or `codec` or `voices`, with those of the last evaluation.

    Args:
        config: of a model (`load_config`), a codec (`codec.config.load_codec_config`), voices
            (`voices.config.load_voice_config`) or a transcriber (`transcription.config.load_transcription_config`).
        resume: continue from the checkpoint of the folder; the weights are those of an uninterrupted run. With another
            number of steps, also for a finished run, the schedule of the new number applies from there on.
        report: called after each step with a dictionary: step, loss (of models nats a token), rate (tokens a second)
            and left (seconds).
        callbacks: called at each step and each row of the log; see `run.callbacks`.
        progress: called with what is read before the first step, where that takes time.

    Raises:
        TrainingError: when a run of this name exists, there is none to resume, another process trains in its folder, or
            the loss is not finite, or there is not enough memory.
        CorpusError: when the corpus cannot be read.

    Examples:
        >>> result = sm.training.train(sm.training.load_config("first.yaml", ["optim.steps=2"]))
        >>> sm.load_model(result.folder).card.name
        'first'
    """
    with ExitStack() as stack:
        stack.enter_context(memory_errors())
        if resolve_device(config.engine.device).type == "cpu":
            stack.enter_context(bounded_memory())
        resumes = config.folder.is_dir()
        if resumes:
            stack.enter_context(_alone(config.folder))
        loop = begin(config, resume, progress)
        if not resumes:
            stack.enter_context(_alone(config.folder))
        is_first = loop.fabric.is_global_zero
        own = _callbacks(loop.config) if is_first else ()
        result = loop.go(report if is_first else None, [*own, *callbacks])
        leave(loop.fabric)
    return result


def _alone(folder: Path) -> AbstractContextManager[None]:
    """Nobody else trains in the folder meanwhile; of the processes of one run the first holds it."""
    if any(int(os.environ.get(name, "0")) for name in ("RANK", "LOCAL_RANK")):
        return nullcontext()
    return held(folder, TrainingError(f"{folder}: another process trains there; wait for it, or stop it"))


def begin(config: RunConfig, resume: bool = False, progress: Callable[[str], None] = lambda what: None) -> Loop:
    """A run that is ready to `go`, or to go on; see `train`."""
    check_resume(config.folder, resume)
    if config.threads:
        torch.set_num_threads(config.threads)
    task = _task(config, progress)
    if config.engine.precision == "auto":
        engine = task.config.engine.model_copy(update={"precision": _precision(task, resume)})
        task.config = task.config.model_copy(update={"engine": engine})
    loop = Loop(task, fabric_of(task.config.engine))
    if resume:
        loop.load()
    with loop.fabric.rank_zero_first():
        config.folder.mkdir(parents=True, exist_ok=True)
    if loop.fabric.is_global_zero:
        write_bytes(config.folder / "config.json", task.config.model_dump_json(indent=2).encode())
    return loop


def _task(config: RunConfig, progress: Callable[[str], None]) -> Task:
    """The task of a run; that of a model that begins from another has its shape, weights and kind of data."""
    if not isinstance(config, TrainConfig) or config.init is None or isinstance(config.data, CodesData | LevelData):
        return task_of(config, progress)  # a task of codes says itself that it begins from nothing
    model = load_model(config.init, "cpu")
    config = with_data_of(config, model)
    task = model_task(resolved(config, model.network))
    check_ids(str(config.init), model, task.tokenizer)
    task.config = resolved(config, model.network, task.instruments)
    task.start, task.base = model.network, model.card
    return task


def _precision(task: Task, resume: bool) -> str:
    """That of the run that goes on, or the faster one."""
    config = task.config
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise TrainingError("engine.precision=auto is measured by one process; for several name 32-true or bf16-mixed")
    if resume:
        try:
            return str(json.loads((config.folder / "config.json").read_text())["engine"]["precision"])
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            raise TrainingError(f"{config.folder / 'config.json'} has no precision; name it to resume") from None
    return chosen_precision(task, resolve_device(config.engine.device))


def _callbacks(config: RunConfig) -> Iterator[Callback]:
    """The callbacks of a config."""
    if config.engine.tensorboard:
        yield TensorBoard(config.folder)
    if config.engine.wandb:
        yield WeightsAndBiases(config.engine.wandb, config.name, config.model_dump(mode="json"))
