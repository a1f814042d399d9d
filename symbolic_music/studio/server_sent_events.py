"""Server-sent events of an edit, resumed where the listener stopped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import StreamingResponse

from symbolic_music.studio.session.jobs import Job

_LOOK_SECONDS = 0.02
_SIGN_OF_LIFE_SECONDS = 10.0


def response(job: Job, request: Request) -> StreamingResponse:
    """All events of an edit, those to come as they come; `Last-Event-ID` says which one was the last received."""
    last = request.headers.get("last-event-id", "")
    begin = int(last) + 1 if last.isdecimal() and len(last) < 9 else 0
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_lines(job, begin), media_type="text/event-stream", headers=headers)


async def _lines(job: Job, place: int) -> AsyncIterator[str]:
    quiet = 0.0
    while True:
        ended = job.status != "drawing"
        events = job.events[place:]
        for kind, content in events:
            yield f"id: {place}\nevent: {kind}\ndata: {json.dumps(content)}\n\n"
            place += 1
        if ended and not job.events[place:]:
            return
        quiet = 0.0 if events else quiet + _LOOK_SECONDS
        if quiet > _SIGN_OF_LIFE_SECONDS:
            yield ": still drawing\n\n"
            quiet = 0.0
        await asyncio.sleep(_LOOK_SECONDS)
