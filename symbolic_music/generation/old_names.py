"""Sessions of edits under their names from before `edit`; see `symbolic_music.deprecation`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symbolic_music.generation.edits import edit
from symbolic_music.generation.planning import Verb
from symbolic_music.generation.results import EditSession
from symbolic_music.score import Score

_COMMON = ("model", "sampling", "seed", "count", "limits")


def _session(verb: Verb, *own: str) -> Callable[..., EditSession]:
    """A function with the parameters `score`, its own ones and the common ones, in this order."""
    names = (*own, *_COMMON)

    def open_session(score: Score, *given: Any, **named: Any) -> EditSession:
        values = {**dict(zip(names, given, strict=False)), **named}
        if len(given) > len(names) or len(values) < len(given) + len(named):
            raise TypeError(f"{verb}: {len(given)} values and {', '.join(named) or 'no names'} for {', '.join(names)}")
        # The tracks that `accompanying` kept had a name of their own.
        tracks = values.pop("keep_tracks", None)
        return edit(score, verb=verb, **values, **({} if tracks is None else {"tracks": tracks}))

    return open_session


revoicing = _session("revoice", "regions", "tracks")
accompanying = _session("accompany", "keep_tracks")
adding_track = _session("add_track", "program", "regions")
thinning = _session("thin_out", "regions", "share", "tracks")
varying = _session("vary", "regions", "near", "tracks")
making_busier = _session("busier", "regions", "factor", "tracks")
continuing_bars = _session("continue", "count_bars", "tracks")
introducing = _session("intro", "count_bars", "tracks")
