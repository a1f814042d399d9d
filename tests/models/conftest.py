"""A cache of the hub that cannot be reached, and a pickle that shows when it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import huggingface_hub
import pytest


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def place(cache: Path, repository: str) -> Path:
    """A repository's folder in the cache, as the library lays it out."""
    root, commit = cache / ("models--" + repository.replace("/", "--")), "0" * 40
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(commit)
    return root / "snapshots" / commit
