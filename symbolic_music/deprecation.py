"""Deprecated public names, which work with a warning that gives the new name."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Modules that the manual named, and where they are now.
_MOVED = {
    "corpora.anticipated": "corpora.windows.edit_examples",
    "corpora.augmentation": "corpora.windows.augmentation",
    "corpora.loading": "corpora.windows.batches",
    "corpora.window_policies": "corpora.windows.policies",
    "evaluation.features.pairs": "evaluation.features.reference_similarity",
    "generation.parts": "generation.views.part_assignment",
    "models.inspection": "models.attention_logits",
    "synthesis.audioseal_mark": "synthesis.audioseal_watermark",
    "synthesis.expression": "synthesis.midi_ddsp.expression",
    "synthesis.mark": "synthesis.watermark",
}


def old_names(module: str, names: Mapping[str, tuple[str, Callable[[], Any]]]) -> Callable[[str], Any]:
    """A module's `__getattr__` for its old names: each with the new name, and what gives the object."""

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        new, found = names[name]
        warn_of_old_name(f"{module}.{name}", new)
        return found()

    return get


def warn_of_old_name(old: str, new: str) -> None:
    """DeprecationWarning at the line outside of the library that used the old name."""
    depth, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "symbolic_music":
        depth, frame = depth + 1, frame.f_back
    warnings.warn(f"{old} is now {new}", DeprecationWarning, stacklevel=depth)


class _MovedModules(MetaPathFinder, Loader):
    """Imports of `_MOVED`: asked after all other finders, so that it costs nothing where a module is found."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        package, _, module = name.partition(".")
        return ModuleSpec(name, self) if package == "symbolic_music" and module in _MOVED else None

    def exec_module(self, module: ModuleType) -> None:
        package, _, old = module.__name__.partition(".")
        # Frames of the import system do not count: the warning is at the line that imports.
        warn_of_old_name(module.__name__, f"{package}.{_MOVED[old]}")
        # The import takes what stands here, so that both names give one module.
        sys.modules[module.__name__] = import_module(f"{package}.{_MOVED[old]}")


def find_moved_modules() -> None:
    """Let the old names of `_MOVED` be imported."""
    sys.meta_path.append(_MovedModules())
