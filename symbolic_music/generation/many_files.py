"""The same edit of many files, by processes of this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from symbolic_music.errors import SymbolicMusicError
from symbolic_music.generation.default_model import adding_drums, chosen_name, loaded_model
from symbolic_music.generation.edits import edit
from symbolic_music.generation.ranking import ranked_by_fit
from symbolic_music.generation.results import Written
from symbolic_music.generation.sampling_defaults import default_sampling
from symbolic_music.io.files import MIDI_SUFFIXES, check_targets, read
from symbolic_music.io.provenance import statement, write_with_statement
from symbolic_music.models import Model
from symbolic_music.parallel import check, run_all


@dataclass(frozen=True)
class FileEdit:
    """The edit of one file.

    Args:
        source: a MIDI or notation file.
        targets: where the alternatives are written.
        model: a name or folder; None for the bundled one that suits the piece.
        rank: whether alternatives are ordered by their fit.
        device, offline: as in `models.load_model`.
        sampling_options: settings that change the default sampling of the model.
        signed: whether a text event says what wrote it, in MIDI.
        arguments: of `edit`.
    """

    source: Path
    targets: tuple[Path, ...]
    model: str | None = None
    rank: bool = False
    device: str = "auto"
    offline: bool = False
    sampling_options: Mapping[str, Any] = field(default_factory=dict)
    signed: bool = True
    arguments: Mapping[str, Any] = field(default_factory=dict)


class EditedFile(NamedTuple):
    """What became of a file: the files written and the notes in each, or the reason why there are none.

    Examples:
        >>> from pathlib import Path
        >>> edited = sm.generation.EditedFile(Path("song.mid"), (Path("new/song.mid"),), (12,), None)
        >>> edited.error is None
        True
    """

    source: Path
    targets: tuple[Path, ...]
    notes_written: tuple[int, ...]
    error: str | None


def edit_files(
    files: Sequence[str | Path],
    folder: str | Path,
    model: str | None = None,
    *,
    workers: int = 1,
    engine: str = "processes",
    rank: bool = False,
    device: str = "auto",
    offline: bool = False,
    sampling_options: Mapping[str, Any] | None = None,
    signed: bool = True,
    progress: Callable[[int, int], None] | None = None,
    **arguments: Any,
) -> list[EditedFile]:
    """Edit many files and write each under its own name into a folder; one that cannot be edited does not stop others.

    A file comes out as it would alone, with the same seed, whatever the workers and the engine.

    Args:
        files: MIDI or notation files, of different names.
        folder: that is there; NAME-1.mid, NAME-2.mid ... where `count` asks for several alternatives.
        model: a name or folder; None for the bundled one that suits each piece.
        workers: processes, each with a model of its own.
        engine: processes, or ray on a cluster.
        rank: whether alternatives are ordered by their fit.
        device, offline: as in `models.load_model`.
        sampling_options: settings that change the default sampling of each model, such as temperature.
        signed: whether a text event says what wrote it, in MIDI.
        progress: called with the number of files done and of all.
        arguments: of `edit`, such as regions, tracks, seed, count, limits, verb.

    Returns:
        what became of each file, in their order.

    Raises:
        OptionError: when two files have one name, or a file would be written over.
        WorkerError: when a process dies.

    Examples:
        >>> from pathlib import Path
        >>> Path("new").mkdir()
        >>> (edited,) = sm.generation.edit_files(["song.mid"], "new", bars=(9, 9), tracks=["bass"], seed=1)
        >>> edited.error is None, edited.targets[0].name
        (True, 'song.mid')
    """
    check(engine, workers)
    count = arguments.get("count", 1)
    tasks = []
    for source in map(Path, files):
        targets, options = targets_in(Path(folder), source, count), sampling_options or {}
        tasks.append(FileEdit(source, targets, model, rank, device, offline, options, signed, arguments))
    check_targets([task.source for task in tasks], [target for task in tasks for target in task.targets])
    return run_all(edit_file, tasks, workers, engine, progress)


def save(one: Written, target: Path, model: str, seed: int, signed: bool = True) -> None:
    """Write a result; in MIDI with a text event that says what wrote it, unless it is not signed."""
    if signed and target.suffix.lower() in MIDI_SUFFIXES:
        write_with_statement(one.score, target, statement(model, seed, one.number + 1))
    else:
        one.score.write(target)


def targets_in(folder: Path, source: Path, count: int) -> tuple[Path, ...]:
    """Where the alternatives of a file are written."""
    one = folder / source.name
    return (one,) if count == 1 else tuple(one.with_stem(f"{one.stem}-{i + 1}") for i in range(count))


def edit_file(task: FileEdit) -> EditedFile:
    """Run one edit and write its results; an error is part of the result."""
    try:
        score = read(task.source)
        verb = task.arguments.get("verb")
        adds_drums = adding_drums(*(task.arguments.get(key) for key in ("verb", "program", "role", "instruments")))
        name = task.model or chosen_name(score, verb == "thin_out", adds_drums)[0]
        model, arguments = _loaded(name, task.device, task.offline), {"best_of": None, **task.arguments}
        if task.sampling_options:
            arguments["sampling"] = replace(default_sampling(model), **task.sampling_options)
        found: list[Written] = edit(score, model=model, **arguments).finish()
        found = ranked_by_fit(found) if task.rank else found
        for one, target in zip(found, task.targets, strict=True):
            save(one, target, name, task.arguments.get("seed", 0), task.signed)
    except (SymbolicMusicError, OSError) as error:
        return EditedFile(task.source, (), (), str(error))
    return EditedFile(task.source, task.targets, tuple(len(one.notes) for one in found), None)


@lru_cache(maxsize=2)
def _loaded(name: str, device: str, offline: bool) -> Model[Any]:
    return loaded_model(name, None, device, offline)
