"""All ways in."""

from __future__ import annotations

from tests.fuzz import flips, kinds, models, music, sound_models, studio
from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (
    *music.TARGETS, *models.TARGETS, *kinds.TARGETS, *sound_models.TARGETS, *studio.TARGETS, *flips.TARGETS,
)  # fmt: skip


def find(name: str) -> Target:
    """The target of a name."""
    return next(target for target in TARGETS if target.name == name)
