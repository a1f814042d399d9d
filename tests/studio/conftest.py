"""A studio that runs, in a thread or as a process of its own, and a browser where there is one."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest

from symbolic_music.score import METER, TEMPO, Score, Track, note_table


def band(bars: int = 8) -> Score:
    """Melody, bass and drums, in G, 4/4 at 120; bars of two seconds."""
    rows: list[tuple[int, ...]] = []
    for bar in range(bars):
        at = 1920 * bar
        rows += [(at + 480 * beat, 400, 67 + (0, 2, 4, 7)[(beat + bar) % 4], 90, 73, 0, 0) for beat in range(4)]
        rows += [(at + 960 * half, 800, 43 - 5 * (bar % 2), 84, 33, 1, 1) for half in range(2)]
        rows += [(at + 480 * beat, 60, 38 if beat % 2 else 36, 96, 0, 9, 2) for beat in range(4)]
    return Score(
        notes=note_table(rows),
        tempos=np.array([(0, 500_000)], TEMPO),
        meters=np.array([(0, 4, 4)], METER),
        tracks=(Track("Melody", 73), Track("Bass", 33), Track("Drums", 0, is_drum=True)),
    )


@dataclass
class Client:
    """Speaks to a studio."""

    port: int
    token: str
    headers: dict[str, str] = field(default_factory=dict)

    def raw(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, **query: Any
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case, and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        address = f"/api{path}?{urlencode({'token': self.token, **query})}"
        connection.request(method, address, body, {**self.headers, **(headers or {})})
        response = connection.getresponse()
        answer = response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        connection.close()
        return answer

    def get(self, path: str, **query: Any) -> Any:
        """What an address answers."""
        return self._json(self.raw("GET", path, **query))

    def post(self, path: str, content: Any = None, **query: Any) -> Any:
        """The same of a request with JSON."""
        body = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
        return self._json(self.raw("POST", path, body, **query))

    def events(self, path: str) -> list[tuple[str, Any]]:
        """All events of an edit, once it has ended."""
        _, headers, body = self.raw("GET", path)
        assert headers["content-type"].startswith("text/event-stream")
        blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in body.decode().split("\n\n")[:-1]
                  if not block.startswith(":")]  # fmt: skip
        return [(block["event"], json.loads(block["data"])) for block in blocks]

    @staticmethod
    def _json(answer: tuple[int, dict[str, str], bytes]) -> Any:
        status, _, body = answer
        assert status < 300, body.decode()
        return json.loads(body)


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A studio in a thread."""
    pytest.importorskip("uvicorn")
    from symbolic_music.studio import studio
    from symbolic_music.studio.server import background

    made = studio(tmp_path_factory.mktemp("sessions"), model="multitrack", device="cpu")
    with background(made):
        yield Client(made.port, made.token)


@pytest.fixture
def band_file(tmp_path: Path) -> Path:
    """The band as a MIDI file."""
    return band().write(tmp_path / "band.mid")


@dataclass
class Running:
    """A studio as a process."""

    process: subprocess.Popen[str]
    address: str
    client: Client

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts `symbolic-music studio` on one folder of sessions; all are ended after the test."""
    pytest.importorskip("uvicorn")
    started: list[Running] = []

    def start(*arguments: str) -> Running:
        options = ["--no-browser", "--model", "multitrack", "--device", "cpu", "--sessions", str(tmp_path / "sessions")]
        command = [sys.executable, "-m", "symbolic_music", "studio", *arguments, *options]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://" in line, line
        address = line.split(" at ")[1].strip()
        port, token = int(address.split(":")[2].split("/")[0]), address.split("token=")[1].split("&")[0]
        started.append(Running(process, address, Client(port, token)))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()
