"""Settings that changed since the checkpoint from which a run goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from symbolic_music.training.base_config import RunConfig


def settings_of(
    kept: Mapping[str, Any], config: RunConfig, free: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of a checkpoint and of a config, without those that are free to differ.

    Those of the checkpoint are read as the config reads them: keys that have moved since are where they are now, and
    keys that have come since have their defaults.
    """
    before, now = dict(kept), config.model_dump(mode="json", exclude=dict(free))
    every = config.model_dump(mode="json")
    for key, which in free.items():
        if which is True:
            before[key] = every[key]
        elif isinstance(before.get(key), dict):
            before[key] = {**before[key], **{name: every[key][name] for name in which if name in every[key]}}
    try:
        return type(config).model_validate(before).model_dump(mode="json", exclude=dict(free)), now
    except ValidationError:
        return dict(kept), now  # its own keys say what differs


def changed(before: dict[str, Any], now: dict[str, Any], where: str = "") -> list[str]:
    """Keys at which two trees of settings differ."""
    found = []
    for key in sorted(before.keys() | now.keys()):
        a, b = before.get(key), now.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found += changed(a, b, f"{where}{key}.")
        elif a != b:
            found.append(f"{where}{key}")
    return found
