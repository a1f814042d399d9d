from __future__ import annotations

from typing import Any

import pytest

from symbolic_music import bars, edit, generation
from tests.generation.untouched import ours
from tests.studio.conftest import band

REGION = [bars(2, 2)]
OLD: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "revoicing": ((REGION, [1]), {"regions": REGION, "tracks": [1], "verb": "revoice"}),
    "accompanying": (([0],), {"tracks": [0], "verb": "accompany"}),
    "adding_track": ((33, REGION), {"regions": REGION, "program": 33, "verb": "add_track"}),
    "thinning": ((REGION, 0.4, [1]), {"regions": REGION, "tracks": [1], "share": 0.4, "verb": "thin_out"}),
    "varying": ((REGION, 0.3, [1]), {"regions": REGION, "tracks": [1], "near": 0.3, "verb": "vary"}),
    "making_busier": ((REGION, 2.0, [1]), {"regions": REGION, "tracks": [1], "factor": 2.0, "verb": "busier"}),
    "continuing_bars": ((1, [1]), {"count_bars": 1, "tracks": [1], "verb": "continue"}),
    "introducing": ((1, [1]), {"count_bars": 1, "tracks": [1], "verb": "intro"}),
}


@pytest.mark.parametrize("name", OLD)
def test_an_old_name_opens_the_same_edit(name: str) -> None:
    score, (given, named) = band(2), OLD[name]
    with pytest.warns(DeprecationWarning, match=f"generation.{name} is now edit with verb='{named['verb']}'"):
        old = getattr(generation, name)
    one = old(score, *given, ours(), seed=4)
    again = edit(score, model=ours(), seed=4, **named)
    assert [found.score for found in one.finish()] == [found.score for found in again.finish()]
    with pytest.raises(TypeError):
        old(score, *given, ours(), model=ours())
