"""Distances between sets of pieces as they sound: rendered, then measured by fadtk or kadtk, where one is installed.

Fréchet audio distance as Gui et al. (2024) have it, kernel audio distance as Chung et al. (2025). Both packages bring
networks that turn sound into vectors and download their weights on first use; neither is needed by anything else here,
and each has versions of PyTorch of its own, so no extra installs them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from symbolic_music.errors import EmptyScoreError, MissingExtraError, UnknownNameError
from symbolic_music.score import Score

MODEL = "clap-laion-music"
RATE = 48000


def rendered_distance(
    generated: Iterable[Score], reference: Iterable[Score], tool: str = "fadtk", model: str = MODEL
) -> float:
    """Distance between two sets of pieces, rendered by the built-in synthesizer at 48 kHz.

    Args:
        generated: pieces, of which none is empty.
        reference: pieces to compare with.
        tool: fadtk, Fréchet's distance; or kadtk, the kernel distance.
        model: the embedding, by the tool's name.

    Raises:
        MissingExtraError: when the tool is not installed.
        UnknownNameError: for another tool, or an embedding that the tool does not have.
        EmptyScoreError: when a set has no pieces.

    Examples:
        >>> from symbolic_music.evaluation.distances import rendered_distance
        >>> rendered_distance([song], [song], "visqol")
        Traceback (most recent call last):
        symbolic_music.errors.UnknownNameError: ...
    """
    measure = _measure(tool, model)  # before minutes of rendering
    with tempfile.TemporaryDirectory() as temporary:
        folders = []
        for name, pieces in (("reference", reference), ("generated", generated)):
            folder = Path(temporary) / name
            folder.mkdir()
            if not _rendered(pieces, folder):
                raise EmptyScoreError(f"the {name} set has no pieces")
            folders.append(folder)
        return float(measure(*folders))


def _rendered(pieces: Iterable[Score], folder: Path) -> int:
    from symbolic_music.synthesis.rendering import render

    count = 0
    for count, piece in enumerate(pieces, 1):
        render(piece, sample_rate=RATE).write(folder / f"{count:05d}.wav")
    return count


def _measure(tool: str, model: str) -> Any:
    """A function of the folders of reference and generated sound."""
    if tool not in ("fadtk", "kadtk"):
        raise UnknownNameError(f"no distance of sound named {tool[:100]!r}; there are: fadtk, kadtk")
    try:
        loader = import_module(f"{tool}.model_loader")
    except ImportError:
        raise MissingExtraError(tool) from None
    models = {one.name: one for one in loader.get_all_models()}
    if model not in models:
        raise UnknownNameError(f"{tool} has no embedding {model[:100]!r}; it has: {', '.join(sorted(models))}")
    embedding = models[model]

    def measured(reference: Path, generated: Path) -> float:
        words: dict[str, Any]
        if tool == "fadtk":
            cache = import_module("fadtk.fad_batch").cache_embedding_files
            kind, words = import_module("fadtk.fad").FrechetAudioDistance, {"load_model": False}
        else:
            cache = import_module("kadtk.emb_loader").cache_embedding_files
            kind, words = import_module("kadtk.kad").KernelAudioDistance, {"device": "cpu"}
        for folder in (reference, generated):
            cache(str(folder), embedding, workers=1)
        return float(kind(embedding, audio_load_worker=1, **words).score(str(reference), str(generated)))

    return measured
