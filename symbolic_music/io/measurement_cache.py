"""What is measured once on a machine, kept as JSON in the user's cache."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from symbolic_music.io.atomic import write_bytes

Entry = dict[str, Any]


def measured_once(
    name: str, cache: Path | None, what: Any, is_sound: Callable[[Entry], bool], measure: Callable[[], Entry]
) -> tuple[Entry, str]:
    """An entry that was measured before on this machine or is measured now, and which of the two, for a log.

    Args:
        name: of the file.
        cache: its folder; None for that of the user.
        what: is measured, as JSON can say it.
        is_sound: whether an entry of the file is one that `measure` could have made.
        measure: makes the entry.
    """
    path, key = (cache or Path.home() / ".cache" / "symbolic-music") / name, _key(what)
    known = {
        known_key: entry for known_key, entry in _read(path).items() if isinstance(entry, dict) and is_sound(entry)
    }
    if key in known:
        return known[key], f"measured before, {path}"
    known[key] = measure()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, json.dumps(known, indent=1).encode())
    except OSError as error:
        return known[key], f"measured, and not kept: {error}"
    return known[key], "measured"


def _read(path: Path) -> dict[str, Any]:
    """What the file says; nothing where it cannot be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _key(what: Any) -> str:
    import torch

    machine = [platform.machine(), platform.processor(), platform.node(), torch.__version__, torch.get_num_threads()]
    return hashlib.sha256(json.dumps([machine, what]).encode()).hexdigest()
