"""Symbolic music on PyTorch: tokenize, train, generate, infill, render."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from symbolic_music.version import __version__ as __version__

if TYPE_CHECKING:
    from symbolic_music import tokenizers as tokenizers
    from symbolic_music import transforms as transforms
    from symbolic_music.generation import accompany as accompany
    from symbolic_music.generation import generate as generate
    from symbolic_music.generation import infill as infill
    from symbolic_music.io import read as read
    from symbolic_music.models import load_model as load_model
    from symbolic_music.score import Score as Score
    from symbolic_music.score import Track as Track
    from symbolic_music.synthesis import Audio as Audio
    from symbolic_music.synthesis import render as render


# Name -> module it lives in. Imported on first use, so that `import symbolic_music` needs no torch.
_HOMES = {
    "Score": "symbolic_music.score",
    "Track": "symbolic_music.score",
    "read": "symbolic_music.io",
    "load_model": "symbolic_music.models",
    "generate": "symbolic_music.generation",
    "infill": "symbolic_music.generation",
    "accompany": "symbolic_music.generation",
    "render": "symbolic_music.synthesis",
    "Audio": "symbolic_music.synthesis",
}
_MODULES = ("io", "tokenizers", "transforms")

__all__ = ["Audio", "Score", "Track", "accompany", "generate", "infill", "io", "load_model", "read", "render",
           "tokenizers", "transforms"]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"symbolic_music.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'symbolic_music' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
