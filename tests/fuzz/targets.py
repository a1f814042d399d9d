"""All ways in."""

from __future__ import annotations

from tests.fuzz import kinds, models, music, studio
from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (*music.TARGETS, *models.TARGETS, *kinds.TARGETS, *studio.TARGETS)


def find(name: str) -> Target:
    """The target of a name."""
    return next(target for target in TARGETS if target.name == name)
