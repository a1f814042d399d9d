"""The application: the handlers of all addresses. See `openapi` for their document."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import symbolic_music
from symbolic_music.errors import SymbolicMusicError, UnknownNameError
from symbolic_music.studio import exports, openapi, page_audio, server_sent_events
from symbolic_music.studio.examples import example, examples
from symbolic_music.studio.score_json import described
from symbolic_music.studio.session.hand_edits import Changes, blank
from symbolic_music.studio.session.jobs import alternative, check_number, kept, recorded, unfinished
from symbolic_music.studio.session.model_edits import EditRequest
from symbolic_music.studio.session.requests import Chords, Go, Kept, Named, View
from symbolic_music.studio.session.shared_state import Context

STATIC = Path(str(resources.files("symbolic_music") / "studio" / "static"))
Body = TypeVar("Body", bound=BaseModel)
Answer = Callable[[Request], Awaitable[Response]]


def application(context: Context) -> Starlette:
    """The application over sessions, models and edits under way; `guard.Guard` goes around it."""

    def answering(status: int = 200) -> Callable[[Callable[[Request], Awaitable[Any]]], Answer]:
        """An address whose answer is JSON; errors of the library are answers too."""

        def wrap(answer: Callable[[Request], Awaitable[Any]]) -> Answer:
            async def call(request: Request) -> Response:
                try:
                    content = await answer(request)
                    return content if isinstance(content, Response) else JSONResponse(content, status)
                except SymbolicMusicError as error:
                    return _mistake(error)

            return call

        return wrap

    @answering()
    async def about(request: Request) -> Any:
        return {"name": "symbolic-music studio", "version": symbolic_music.__version__, "document": "/api/openapi.json"}

    @answering()
    async def document(request: Request) -> Any:
        return openapi.document()

    @answering()
    async def models(request: Request) -> Any:
        return await run_in_threadpool(context.models.listed)

    @answering()
    async def list_examples(request: Request) -> Any:
        return [{"name": e.name, "title": e.title, "hint": e.hint, "model": e.model} for e in examples()]

    @answering(201)
    async def open_example(request: Request) -> Any:
        one = example(request.path_params["name"])
        score = await run_in_threadpool(one.make)
        session = await run_in_threadpool(context.sessions.create_from, score, one.title)
        return session.described()

    @answering()
    async def sessions(request: Request) -> Any:
        return await run_in_threadpool(context.sessions.listed)

    @answering(201)
    async def create(request: Request) -> Any:
        data = await _body(request)
        if not data:
            score = blank()
            session = await run_in_threadpool(context.sessions.create_from, score, "new piece")
        else:
            name = request.query_params.get("name", "")
            session = await run_in_threadpool(context.sessions.create, data, name)
        return session.described()

    @answering()
    async def session(request: Request) -> Any:
        one = context.session(request)
        edits = [context.edit(one, number) for number in unfinished(one)[:1]]
        return {**one.described(), "edits": edits}

    @answering()
    async def score(request: Request) -> Any:
        one = context.session(request)
        state = _number(request, "state")

        def read() -> bytes:
            facts = described(one.score(state))
            return json.dumps({"state": one.state(state).number, **facts}).encode()

        return Response(await run_in_threadpool(read), media_type="application/json")

    @answering()
    async def alternative_score(request: Request) -> Any:
        one = context.session(request)
        number, which = (check_number(request.path_params[name]) for name in ("edit", "which"))

        def read() -> bytes:
            return json.dumps(described(alternative(one, number, which))).encode()

        return Response(await run_in_threadpool(read), media_type="application/json")

    @answering(201)
    async def change(request: Request) -> Any:
        one, changes = context.session(request), _parsed(Changes, await _body(request))

        def apply() -> None:
            with one.lock:
                one.add(changes.apply(one.score(changes.state)), changes.summary(), changes.state)

        await run_in_threadpool(apply)
        return one.described()

    @answering()
    async def go(request: Request) -> Any:
        one, wanted = context.session(request), _parsed(Go, await _body(request))
        await run_in_threadpool(wanted.apply, one)
        return one.described()

    @answering()
    async def name(request: Request) -> Any:
        one, wanted = context.session(request), _parsed(Named, await _body(request))
        await run_in_threadpool(one.rename_state, wanted.state, wanted.name)
        return one.described()

    @answering()
    async def chords(request: Request) -> Any:
        one, wanted = context.session(request), _parsed(Chords, await _body(request))
        await run_in_threadpool(wanted.apply, one)
        return one.described()

    @answering()
    async def view(request: Request) -> Any:
        one, wanted = context.session(request), _parsed(View, await _body(request))
        await run_in_threadpool(wanted.apply, one)
        return {}

    @answering(202)
    async def wish(request: Request) -> Any:
        one, wanted = context.session(request), _parsed(EditRequest, await _body(request))
        job = context.jobs.start(one, wanted, lambda: context.models.answering(wanted.verb, wanted.model))
        return {"edit": job.number, "seed": job.seed}

    @answering()
    async def edit(request: Request) -> Any:
        return context.edit(context.session(request), check_number(request.path_params["edit"]))

    @answering()
    async def edit_events(request: Request) -> Any:
        one, number = context.session(request), check_number(request.path_params["edit"])
        return server_sent_events.response(context.jobs.get(one, number), request)

    @answering()
    async def cancel(request: Request) -> Any:
        one = context.session(request)
        context.jobs.get(one, check_number(request.path_params["edit"])).cancel()
        return {}

    @answering(201)
    async def keep(request: Request) -> Any:
        one, wanted = context.session(request), _parsed(Kept, await _body(request))
        number = check_number(request.path_params["edit"])
        recorded(one, number)
        await run_in_threadpool(kept, one, number, [(t.alternative, t.first, t.last) for t in wanted.takes])
        return one.described()

    @answering()
    async def sound(request: Request) -> Any:
        return await run_in_threadpool(page_audio.sound, context, request)

    @answering()
    async def note(request: Request) -> Any:
        return await run_in_threadpool(page_audio.note, request)

    @answering()
    async def file(request: Request) -> Any:
        one, kind = context.session(request), request.path_params["kind"]
        state = one.state(_number(request, "state"))
        synth = request.query_params.get("synth", "ddsp")
        path = await run_in_threadpool(
            exports.export, one.score(state.number), one.exports_folder, state.number, kind, synth
        )
        stem = Path(one.record.source).stem or "piece"
        return FileResponse(path, media_type=exports.KINDS[kind], filename=f"{stem}.{kind}")

    one = "/api/sessions/{session}"
    routes = [
        Route("/api", about),
        Route("/api/openapi.json", document),
        Route("/api/models", models),
        Route("/api/examples", list_examples),
        Route("/api/examples/{name}", open_example, methods=["POST"]),
        Route("/api/sessions", sessions),
        Route("/api/sessions", create, methods=["POST"]),
        Route(one, session),
        Route(one + "/score", score),
        Route(one + "/changes", change, methods=["POST"]),
        Route(one + "/go", go, methods=["POST"]),
        Route(one + "/name", name, methods=["POST"]),
        Route(one + "/chords", chords, methods=["POST"]),
        Route(one + "/view", view, methods=["POST"]),
        Route(one + "/edits", wish, methods=["POST"]),
        Route(one + "/edits/{edit}", edit),
        Route(one + "/edits/{edit}/events", edit_events),
        Route(one + "/edits/{edit}/cancel", cancel, methods=["POST"]),
        Route(one + "/edits/{edit}/keep", keep, methods=["POST"]),
        Route(one + "/edits/{edit}/alternatives/{which}", alternative_score),
        Route(one + "/sound", sound),
        Route(one + "/files/{kind}", file),
        Route("/api/note", note),
        Mount("/", StaticFiles(directory=STATIC, html=True)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(GZipMiddleware, minimum_size=2000, compresslevel=4)])


async def _body(request: Request) -> bytes:
    try:
        return await request.body()
    except ValueError as error:
        from symbolic_music.errors import OptionError

        raise OptionError(str(error)) from None


def _parsed(kind: type[Body], data: bytes) -> Body:
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        from symbolic_music.errors import OptionError

        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OptionError(f"{where}: {first['msg']}" if where else str(first["msg"])) from None


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    return None if text is None else check_number(text)


def _mistake(error: SymbolicMusicError) -> JSONResponse:
    status = 404 if isinstance(error, UnknownNameError) else 400
    return JSONResponse({"error": " ".join(str(error).split())}, status)
