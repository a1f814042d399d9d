"""The studio as a way in: requests to its API, and the folders of its sessions."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from symbolic_music.errors import FileError
from tests.fuzz.music import tune
from tests.fuzz.target import Files, Target

TOKEN = "token"
WISH = {"verb": "rewrite", "state": 1, "spans": [[0, 480]], "tracks": [1], "alternatives": 1, "seed": 1}
# (address behind the session, contents, query), one after the other on one session.
REQUESTS: tuple[tuple[str, Any, dict[str, Any]], ...] = (
    ("/changes", {"state": 1, "label": "more", "changes": [
        {"do": "add", "notes": [{"onset": 960, "duration": 240, "pitch": 72, "velocity": 80, "track": 0}]},
        {"do": "move", "rows": [0, 1], "ticks": 120, "semitones": 2},
        {"do": "stretch", "rows": [2], "ticks": 60},
        {"do": "velocity", "rows": [3], "factor": 1.2, "add": 3}]}, {}),
    ("/changes", {"state": 1, "changes": [
        {"do": "transpose", "rows": [4, 5], "semitones": -3},
        {"do": "quantise", "rows": [6, 7], "grid": 0.25, "strength": 0.5, "ends": True},
        {"do": "humanise", "rows": [8], "seconds": 0.01, "velocity": 6, "seed": 3},
        {"do": "copy-bars", "first": 1, "last": 1, "before": 2, "times": 2},
        {"do": "delete-bars", "first": 1, "last": 1}]}, {}),
    ("/changes", {"state": 1, "changes": [
        {"do": "new-track", "name": "Strings", "instrument": 48},
        {"do": "track", "track": 1, "name": "Low", "instrument": 32, "volume": 90},
        {"do": "remove-track", "track": 2},
        {"do": "tempo", "quarters_per_minute": 90.0},
        {"do": "delete", "rows": [0]}]}, {}),
    ("/go", {"to": "undo"}, {}),
    ("/go", {"to": 1}, {}),
    ("/name", {"state": 1, "name": "first"}, {}),
    ("/chords", {"chords": [[1, "C"], [2.5, "Am7"]]}, {}),
    ("/view", {"view": {"zoom": 2.5, "tracks": [0, 1]}}, {}),
    ("/edits", {**WISH, "limits": {"lowest": 30, "highest": 60, "scale": "C major", "chords": [[1, "C"]],
                                   "polyphony": 2, "notes_per_bar": [1, 9], "notes_at_once": [1, 2],
                                   "no_repeats": True}}, {}),
    ("/edits/1", None, {}),
    ("/edits/1/keep", {"takes": [{"alternative": 0, "first": 0, "last": 480}]}, {}),
    ("/score", None, {"state": 1}),
    ("/sound", None, {"state": 1, "from": 0, "to": 0.1, "silent": "1,2", "volumes": "0:0.5", "synth": "ddsp"}),
    ("/files/mid", None, {"state": 1, "synth": "ddsp"}),
)  # fmt: skip


@cache
def model() -> Any:
    """The model that all studios here share."""
    from symbolic_music.models import load_model

    return load_model("multitrack", "cpu")


class Asked:
    """A studio over a folder, asked as a server would, in this process: what it raises is raised here."""

    def __init__(self, folder: Path) -> None:
        from symbolic_music.studio import studio

        self.studio = studio(folder, port=1, model="multitrack", device="cpu", token=TOKEN)
        self.studio.context.models._loaded["multitrack"] = model()
        self.refused: list[str] = []

    def __call__(self, path: str, body: bytes | None = None, query: dict[str, Any] | None = None) -> bytes:
        """The answer to a request; one that refuses it is kept in `refused`."""
        # In a thread: a browser of other tests may have a loop running in this one.
        with ThreadPoolExecutor(1) as thread:
            status, answer = thread.submit(lambda: asyncio.run(self._ask(path, body, query or {}))).result()
        assert status < 500, f"{path}: {status} {answer[:300]!r}"
        if status >= 400:
            self.refused.append(f"{path}: {answer.decode()}")
        return answer

    async def _ask(self, path: str, body: bytes | None, query: dict[str, Any]) -> tuple[int, bytes]:
        where = urlencode({"token": TOKEN, **query}, errors="surrogatepass")
        scope = {"type": "http", "method": "GET" if body is None else "POST", "path": f"/api{path}", "headers": [
            (b"host", b"127.0.0.1:1")], "query_string": where.encode(), "raw_path": path.encode(),
            "http_version": "1.1", "scheme": "http", "root_path": "", "client": ("127.0.0.1", 2),
            "server": ("127.0.0.1", 1), "asgi": {"version": "3.0"}}  # fmt: skip
        given, status, parts = False, 0, list[bytes]()
        gone = asyncio.Event()

        async def receive() -> dict[str, Any]:
            nonlocal given
            if given:
                await gone.wait()
                return {"type": "http.disconnect"}
            given = True
            return {"type": "http.request", "body": body or b"", "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                parts.append(message.get("body", b""))

        await self.studio.app(scope, receive, send)
        gone.set()
        return status, b"".join(parts)

    def settle(self, seconds: float = 2.0) -> None:
        """Give what is drawn so much processor time, then stop it."""
        until = time.process_time() + seconds
        jobs = self.studio.context.jobs._jobs.values()
        while any(job.status == "drawing" for job in jobs) and time.process_time() < until:
            time.sleep(0.01)
        for job in jobs:
            job.cancel()
            job.wait()

    def close(self) -> None:
        """Stop what is drawn; a thread that failed on anything but a refusal is a fault."""
        jobs = self.studio.context.jobs
        jobs.close()
        for job in jobs._jobs.values():
            for kind, content in job.events:
                if kind == "failed":
                    self.refused.append(content["message"])


def request_seeds() -> Sequence[Files]:
    """Each request on a session of its own, after an edit where it asks for one; and all of them."""
    every = [[path, content, query] for path, content, query in REQUESTS]
    drawn = ["/edits", WISH, {}]
    sets = [*([drawn, one] if one[0].startswith("/edits/") else [one] for one in every), every]
    return [{"requests.json": json.dumps(one).encode()} for one in sets]


def ask(folder: Path) -> None:
    """Open a piece and make the requests; what is no list of them is sent as it is."""
    from symbolic_music.io import midi_bytes

    data = (folder / "requests.json").read_bytes()
    try:
        requests = json.loads(data)
    except ValueError:
        requests = None
    faults: list[BaseException] = []
    hook, threading.excepthook = threading.excepthook, lambda told: faults.append(told.exc_value or told.exc_type())
    asked = Asked(folder / "sessions")
    try:
        one = json.loads(asked("/sessions", midi_bytes(tune()), {"name": "a.mid"}))["id"]
        if not isinstance(requests, list):
            for path in ("/changes", "/go", "/name", "/chords", "/view", "/edits"):
                asked(f"/sessions/{one}{path}", data)
            requests = []
        for request in requests:
            if not isinstance(request, list) or len(request) != 3:
                continue
            path, content, query = request
            known = path if isinstance(path, str) else "/score"
            asked(f"/sessions/{one}{known.split('?')[0]}", None if content is None else json.dumps(content).encode(),
                  query if isinstance(query, dict) else {})  # fmt: skip
            if known == "/edits":
                asked.settle()
    finally:
        asked.close()
        threading.excepthook = hook
    if faults:
        raise faults[0]
    if asked.refused:
        raise FileError(asked.refused[0])


def session_seeds() -> Sequence[Files]:
    """The folder of a session with a change by hand and an edit."""
    from symbolic_music.io import midi_bytes

    with tempfile.TemporaryDirectory() as name:
        asked = Asked(Path(name))
        one = json.loads(asked("/sessions", midi_bytes(tune()), {"name": "a.mid"}))["id"]
        asked(f"/sessions/{one}/changes", json.dumps({"state": 1, "changes": [{"do": "delete", "rows": [0]}]}).encode())
        asked(f"/sessions/{one}/edits", json.dumps(WISH).encode())
        for job in asked.studio.context.jobs._jobs.values():
            job.wait()
        asked.close()
        assert not asked.refused, asked.refused
        files = [p for p in sorted(Path(name, one).rglob("*")) if p.is_file()]
        return [{f"s/piece/{p.relative_to(Path(name, one))}": p.read_bytes() for p in files}]


def open_session(folder: Path) -> None:
    """Ask for all that is there, go back, and change something."""
    (folder / "s/piece/exports").mkdir(parents=True, exist_ok=True)
    asked = Asked(folder / "s")
    asked("/sessions")
    one = "/sessions/piece"
    for path in ("", "/score", "/edits/1", "/edits/1/alternatives/0", "/files/mid"):
        asked(one + path)
    asked(f"{one}/score", None, {"state": 1})
    asked(f"{one}/edits/1/keep", json.dumps({"takes": [{"alternative": 0, "first": 0, "last": 480}]}).encode())
    asked(f"{one}/go", b'{"to": "undo"}')
    asked(f"{one}/changes", json.dumps({"state": 1, "changes": [{"do": "delete", "rows": [0]}]}).encode())
    asked("", None)
    if asked.refused:
        raise FileError(asked.refused[0])


TARGETS = (
    Target("studio requests", request_seeds, ask, seconds=20.0),
    Target("studio sessions", session_seeds, open_session),
)
