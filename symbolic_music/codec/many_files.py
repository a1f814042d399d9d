"""Many files at once, by processes of this machine or on a cluster: scores to sound, and sound to codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from symbolic_music.codec.base import AudioCodec
from symbolic_music.codec.encode_decode import encode_audio
from symbolic_music.codec.flow.checkpoint import load_flow
from symbolic_music.codec.flow.rendering import render_file_by_flow
from symbolic_music.codec.language_models.registry import load_writer
from symbolic_music.codec.registry import load_codec
from symbolic_music.codec.rendering import render_file_by_codec
from symbolic_music.errors import OptionError, SymbolicMusicError
from symbolic_music.io.files import check_targets, read
from symbolic_music.parallel import run_all
from symbolic_music.synthesis.audio import read_audio
from symbolic_music.synthesis.rendering import render_file

SUFFIXES = (".flac", ".wav")


class RenderedFile(NamedTuple):
    """What became of a score: the file of sound and its seconds, or the reason why there is none.

    Examples:
        >>> from pathlib import Path
        >>> sm.codec.RenderedFile(Path("a.mid"), None, 0.0, "this score has no notes").error
        'this score has no notes'
    """

    source: Path
    target: Path | None
    seconds: float
    error: str | None


class EncodedFile(NamedTuple):
    """What became of a sound: the file of codes, its codebooks and frames, or the reason why there is none.

    Examples:
        >>> from pathlib import Path
        >>> sm.codec.EncodedFile(Path("a.wav"), Path("a.safetensors"), 8, 750, None).frames
        750
    """

    source: Path
    target: Path | None
    codebooks: int
    frames: int
    error: str | None


@dataclass(frozen=True)
class _Render:
    source: Path
    target: Path
    synth: str
    model: str | None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Encode:
    source: Path
    target: Path
    codec: str
    codebooks: int | None


def render_files(
    files: Sequence[str | Path],
    folder: str | Path,
    synth: str = "ddsp",
    *,
    suffix: str = ".flac",
    model: str | None = None,
    workers: int = 1,
    engine: str = "processes",
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> list[RenderedFile]:
    """Render many scores and write each under its own name into a folder; one that fails does not stop the others.

    A file comes out as it would alone, whatever the workers and the engine.

    Args:
        files: MIDI or notation files, of different stems.
        folder: that is there.
        synth: "ddsp", "midi-ddsp", "soundfont", "codec" or "flow".
        suffix: .flac or .wav.
        model: of "codec" and "flow"; the bundled one when omitted.
        workers: processes.
        engine: processes, or ray on a cluster whose machines share the folders.
        progress: called with the number of files done and of all.
        options: of `synthesis.render_file`, `render_file_by_codec` or `render_file_by_flow`.

    Returns:
        what became of each file, in their order.

    Raises:
        OptionError: when two files would be written to one, for another suffix.
        WorkerError: when a process dies.

    Examples:
        >>> from pathlib import Path
        >>> Path("sound").mkdir()
        >>> (done,) = sm.codec.render_files(["song.mid"], "sound", sample_rate=16000)
        >>> done.target.name
        'song.flac'
    """
    if suffix not in SUFFIXES:
        raise OptionError(f"sound is written as {' or '.join(SUFFIXES)}, not {suffix}")
    paths = [Path(file) for file in files]
    targets = [Path(folder) / f"{path.stem}{suffix}" for path in paths]
    check_targets(paths, targets)
    tasks = [_Render(path, target, synth, model, options) for path, target in zip(paths, targets, strict=True)]
    return run_all(_rendered, tasks, workers, engine, progress)


def encode_files(
    files: Sequence[str | Path],
    codec: str = "codec",
    codebooks: int | None = None,
    *,
    targets: Sequence[str | Path] | None = None,
    workers: int = 1,
    engine: str = "processes",
    progress: Callable[[int, int], None] | None = None,
) -> list[EncodedFile]:
    """Encode many sounds as codes; one that fails does not stop the others.

    Args:
        files: sound files.
        codec: the name or folder of a codec.
        codebooks: the first few alone; all when omitted.
        targets: files of the codes; NAME.safetensors beside each sound when omitted.
        workers, engine, progress: as in `render_files`.

    Returns:
        what became of each file, in their order.

    Raises:
        OptionError: when two files would be written to one.
        WorkerError: when a process dies.

    Examples:
        >>> sound = sm.render(melody.clip(0, 2), sample_rate=24000).write("melody.wav")
        >>> sm.codec.encode_files(["melody.wav"], codebooks=2)[0].target.name
        'melody.safetensors'
    """
    paths = [Path(file) for file in files]
    named = [path.with_suffix(".safetensors") for path in paths] if targets is None else list(map(Path, targets))
    check_targets(paths, named)
    tasks = [_Encode(path, target, codec, codebooks) for path, target in zip(paths, named, strict=True)]
    return run_all(_encoded, tasks, workers, engine, progress)


def _rendered(task: _Render) -> RenderedFile:
    """Render one file; an error is part of the result."""
    try:
        score = read(task.source)
        if task.synth == "codec":
            written = render_file_by_codec(score, task.target, _writer(task.model or "codec-depth"), **task.options)
        elif task.synth == "flow":
            written = render_file_by_flow(score, task.target, _decoder(task.model or "flow"), **task.options)
        else:
            written = render_file(score, task.target, task.synth, **task.options)
    except (SymbolicMusicError, OSError) as error:
        return RenderedFile(task.source, None, 0.0, str(error))
    return RenderedFile(task.source, task.target, written.seconds, None)


def _encoded(task: _Encode) -> EncodedFile:
    """Encode one file; an error is part of the result."""
    try:
        codes = encode_audio(read_audio(task.source), _codec(task.codec), task.codebooks)
        codes.save(task.target)
    except (SymbolicMusicError, OSError) as error:
        return EncodedFile(task.source, None, 0, 0, str(error))
    codebooks, frames = codes.codes.shape
    return EncodedFile(task.source, task.target, codebooks, frames, None)


@lru_cache(maxsize=1)
def _writer(name: str) -> Any:
    return load_writer(name)


@lru_cache(maxsize=1)
def _decoder(name: str) -> Any:
    return load_flow(name)[0]


@lru_cache(maxsize=1)
def _codec(name: str) -> AudioCodec:
    return load_codec(name)
