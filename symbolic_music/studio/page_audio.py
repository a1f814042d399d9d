"""Audio for the page: the piece from a moment on, an alternative, or one note."""

from __future__ import annotations

from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from symbolic_music.errors import OptionError
from symbolic_music.score import Score, Track, note_table
from symbolic_music.studio import playback
from symbolic_music.studio.session.jobs import alternative, check_number
from symbolic_music.studio.session.shared_state import Context

_SYNTHS = ("ddsp", "soundfont", "midi-ddsp")


def sound(context: Context, request: Request) -> Response:
    """The piece, or an alternative of an edit, from `from` to `to` seconds, as raw samples; see `playback.samples`.

    `silent` names muted tracks, `volumes` is TRACK:FACTOR,...
    """
    query, session = request.query_params, context.session(request)
    if "edit" in query:
        score = alternative(session, check_number(query["edit"]), check_number(query.get("alternative", "0")))
    else:
        score = session.score(check_number(query["state"]) if "state" in query else None)
    start, end = _float(query.get("from", "0")), query.get("to")
    synth = query.get("synth", "ddsp")
    if synth not in _SYNTHS:
        raise OptionError(f"no synth {synth!r}; there are: {', '.join(_SYNTHS)}")
    silent = [check_number(text) for text in query.get("silent", "").split(",") if text]
    heard = playback.mixed(score, silent, _volumes(query.get("volumes", "")))
    part = playback.from_moment(heard, start, None if end is None else _float(end))
    headers = {
        "x-sample-rate": str(playback.SAMPLE_RATE),
        "x-channels": "2",
        "cache-control": "no-store",
        "content-encoding": "identity",
    }
    gain = playback.level(score)
    return StreamingResponse(playback.samples(part, gain, synth), media_type="audio/L16", headers=headers)


def note(request: Request) -> Response:
    """Render one note as raw samples: `instrument` (128 for drums), `pitch`, `velocity`, `seconds`."""
    query = request.query_params
    instrument, pitch, velocity = (
        check_number(query.get(name, default))
        for name, default in (("instrument", "0"), ("pitch", "60"), ("velocity", "90"))
    )
    seconds = min(max(_float(query.get("seconds", "0.4")), 0.05), 4.0)
    if not (instrument <= 128 and pitch <= 127 and 1 <= velocity <= 127):
        raise OptionError("an instrument is 0 to 128, a pitch 0 to 127, a velocity 1 to 127")
    data = _note(instrument, pitch, velocity, round(seconds, 1))
    return Response(data, media_type="audio/L16", headers={"x-sample-rate": str(playback.SAMPLE_RATE)})


@lru_cache(maxsize=512)
def _note(instrument: int, pitch: int, velocity: int, seconds: float) -> bytes:
    drum = instrument == 128
    ticks = max(1, round(seconds * 960))
    row = (0, ticks, pitch, velocity, 0 if drum else instrument, 9 if drum else 0, 0)
    score = Score(notes=note_table([row]), tracks=(Track("", row[4], drum),))
    return b"".join(playback.samples(score, gain=0.0))


def _volumes(text: str) -> dict[int, float]:
    pairs = [part.split(":") for part in text.split(",") if part]
    if not all(len(pair) == 2 for pair in pairs):
        raise OptionError("volumes are TRACK:FACTOR,...")
    return {check_number(track): min(_float(factor), 4.0) for track, factor in pairs}


def _float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise OptionError(f"a number is needed, not {text[:20]!r}") from None
    if not 0 <= value < 1e6:
        raise OptionError("a number from 0 to a million is needed")
    return value
