"""Symbolic music on PyTorch: tokenize, train, generate, infill, render."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from symbolic_music.deprecation import find_moved_modules
from symbolic_music.version import __version__ as __version__

if TYPE_CHECKING:
    from symbolic_music import codec as codec
    from symbolic_music import corpora as corpora
    from symbolic_music import evaluation as evaluation
    from symbolic_music import general_midi as general_midi
    from symbolic_music import generation as generation
    from symbolic_music import io as io
    from symbolic_music import models as models
    from symbolic_music import plotting as plotting
    from symbolic_music import synthesis as synthesis
    from symbolic_music import theory as theory
    from symbolic_music import tokenizers as tokenizers
    from symbolic_music import training as training
    from symbolic_music import transcription as transcription
    from symbolic_music import transforms as transforms
    from symbolic_music.codec import render as render
    from symbolic_music.generation import EditSession as EditSession
    from symbolic_music.generation import Limits as Limits
    from symbolic_music.generation import Region as Region
    from symbolic_music.generation import Sampling as Sampling
    from symbolic_music.generation import accompany as accompany
    from symbolic_music.generation import add_track as add_track
    from symbolic_music.generation import bars as bars
    from symbolic_music.generation import edit as edit
    from symbolic_music.generation import generate as generate
    from symbolic_music.generation import infill as infill
    from symbolic_music.generation import ranked as ranked
    from symbolic_music.generation import ranked_by_fit as ranked_by_fit
    from symbolic_music.generation import revoice as revoice
    from symbolic_music.generation import thin_out as thin_out
    from symbolic_music.io import read as read
    from symbolic_music.io import write as write
    from symbolic_music.models import list_models as list_models
    from symbolic_music.models import load_model as load_model
    from symbolic_music.plotting import piano_roll as plot
    from symbolic_music.score import Score as Score
    from symbolic_music.score import Track as Track
    from symbolic_music.synthesis import Audio as Audio
    from symbolic_music.transcription import transcribe as transcribe

# Module -> its names here; `plot` has another name there. Imported on first use, so that the import needs no torch.
_NAMES = {
    "score": ("Score", "Track"),
    "io": ("read", "write"),
    "models": ("list_models", "load_model"),
    "generation": (
        "EditSession", "Limits", "Region", "Sampling", "accompany", "add_track", "bars", "edit", "generate", "infill",
        "ranked", "ranked_by_fit", "revoice", "thin_out",
    ),
    "plotting": ("plot",),
    "synthesis": ("Audio",),
    "codec": ("render",),
    "transcription": ("transcribe",),
}  # fmt: skip
_HOMES = {name: module for module, names in _NAMES.items() for name in names}
_RENAMED = {"plot": "piano_roll"}
_MODULES = (
    "codec", "corpora", "evaluation", "general_midi", "generation", "io", "models", "plotting", "synthesis", "theory",
    "tokenizers", "training", "transcription", "transforms",
)  # fmt: skip

__all__ = [
    "Audio", "EditSession", "Limits", "Region", "Sampling", "Score", "Track", "accompany", "add_track", "bars", "codec",
    "corpora", "edit", "evaluation", "general_midi", "generate", "generation", "infill", "io", "list_models",
    "load_model", "models", "plot", "plotting", "ranked", "ranked_by_fit", "read", "render", "revoice", "synthesis",
    "theory", "thin_out", "tokenizers", "training", "transcribe", "transcription", "transforms", "write",
]  # fmt: skip

find_moved_modules()


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"symbolic_music.{name}")
    if name in _HOMES:
        return getattr(import_module(f"symbolic_music.{_HOMES[name]}"), _RENAMED.get(name, name))
    raise AttributeError(f"module 'symbolic_music' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
