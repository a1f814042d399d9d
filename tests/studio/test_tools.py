"""What speaks to other tools: OSC, live MIDI, the notebook widget, REAPER's script."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from symbolic_music.errors import OptionError
from symbolic_music.models import load_model
from tests.browsers import until
from tests.studio.conftest import Client, band

STATIC = Path(str(resources.files("symbolic_music") / "studio" / "static"))


class Keyboard:
    """An input on which a test plays: (seconds, message), by the test's own clock."""

    def __init__(self, played: list[tuple[float, Any]]) -> None:
        self.played, self.now = list(played), 0.0

    def iter_pending(self) -> Iterator[Any]:
        """What was played up to now."""
        while self.played and self.played[0][0] <= self.now:
            yield self.played.pop(0)[1]

    def wait(self, seconds: float) -> None:
        """Time goes on."""
        self.now += seconds


class Recorder:
    """An output that remembers."""

    def __init__(self, keyboard: Keyboard) -> None:
        self.keyboard = keyboard
        self.sent: list[tuple[float, Any]] = []

    def send(self, message: Any) -> None:
        """Remember when."""
        self.sent.append((self.keyboard.now, message))


def phrase() -> list[tuple[float, Any]]:
    """Four notes of a scale, half a second each."""
    mido = pytest.importorskip("mido")
    played = []
    for i, pitch in enumerate((60, 62, 64, 65)):
        played.append((0.5 * i + 0.1, mido.Message("note_on", note=pitch, velocity=90)))
        played.append((0.5 * i + 0.5, mido.Message("note_off", note=pitch)))
    return played


@pytest.mark.parametrize("accompaniment", [None, 33])
def test_a_phrase_is_answered_in_time(accompaniment: int | None) -> None:
    from symbolic_music.studio.live import answers

    keyboard = Keyboard(phrase())
    recorder = Recorder(keyboard)
    answer = next(
        answers(
            keyboard, recorder, load_model("multitrack", device="cpu"), seconds=3, pause=0.5, seed=2,
            accompaniment=accompaniment, clock=lambda: keyboard.now, sleep=keyboard.wait,
        )
    )  # fmt: skip
    on = [(at, message) for at, message in recorder.sent if message.type == "note_on"]
    off = [message for _, message in recorder.sent if message.type == "note_off"]
    assert len(on) == len(off) == answer.notes > 0
    # The last key came up at 2.0; half a second later the answer begins, with a rest maybe; drawing takes no time here.
    assert 2.5 <= on[0][0] <= 3.5
    assert [at for at, _ in on] == sorted(at for at, _ in on)
    assert answer.latest < 0.01
    if accompaniment is None:
        assert on[-1][0] <= 2.5 + 3.1
    else:
        assert [message.note for _, message in on if message.channel == 0] == [60, 62, 64, 65]


def test_osc_asks_and_keeps(tmp_path: Path) -> None:
    pytest.importorskip("pythonosc")
    from pythonosc.dispatcher import Dispatcher
    from pythonosc.osc_message_builder import OscMessageBuilder
    from pythonosc.osc_server import ThreadingOSCUDPServer

    from symbolic_music.studio.osc import listening
    from symbolic_music.studio.session.models import Models
    from symbolic_music.studio.session.sessions import Sessions
    from symbolic_music.studio.session.shared_state import Context

    context = Context(Sessions(tmp_path), Models("multitrack", "cpu"))
    session = context.sessions.create_from(band(4), "band")
    heard: list[tuple[str, tuple[Any, ...]]] = []
    dispatcher = Dispatcher()
    dispatcher.set_default_handler(lambda address, *values: heard.append((address, values)))

    with listening(context, "127.0.0.1", 0) as port, ThreadingOSCUDPServer(("127.0.0.1", 0), dispatcher) as ears:
        import threading

        threading.Thread(target=ears.serve_forever, daemon=True).start()

        def send(address: str, *values: Any) -> None:
            message = OscMessageBuilder(address)
            for value in values:
                message.add_arg(value)
            ears.socket.sendto(message.build().dgram, ("127.0.0.1", port))

        def answered(address: str) -> Any:
            return until(lambda: next((v for a, v in heard if a == address), None), address)

        send("/studio/sing")
        assert "no address" in answered("/studio/error")[0]
        send("/studio/select", 2, 2, 1)
        assert answered("/studio/selected") == (1920, 3840, 1)
        send("/studio/ask", "rewrite", 2)
        assert answered("/studio/edit") == (1,)
        assert set(answered("/studio/done")) == {1, 0}
        edit, _, track, onset, *_ = answered("/studio/note")
        assert (edit, track) == (1, 1)
        assert 4 <= onset < 8
        send("/studio/keep", 0)
        assert answered("/studio/state") == (2,)
        ears.shutdown()
    assert session.record.current == 2
    context.jobs.close()


def test_the_widget_draws_asks_and_keeps() -> None:
    pytest.importorskip("anywidget")
    from symbolic_music.studio import widget

    shown = widget(band(4), "multitrack")
    assert shown.piece["bars"][:2] == [0, 1920]
    shown.selection = {"first": 1920, "last": 3840, "tracks": [1]}
    found = shown.ask("rewrite", 2, seed=1)
    assert len(found) == 2
    kept = shown.keep(1)
    assert kept == found[1]
    assert shown.score != band(4)
    shown._told(None, {"kind": "change", "changes": [{"do": "delete", "rows": [0]}]}, None)
    assert len(shown.score) == len(kept) - 1
    assert shown.undo() == kept
    assert shown.undo() == band(4)


@pytest.mark.skipif(shutil.which("node") is None, reason="no node to check JavaScript with")
def test_the_widgets_modules_are_one_that_can_be_read(tmp_path: Path) -> None:
    from symbolic_music.studio.notebook import module

    (tmp_path / "widget.mjs").write_text(module())
    subprocess.run(["node", "--check", tmp_path / "widget.mjs"], check=True, capture_output=True)
    assert "import " not in re.sub(r"/\*.*?\*/", "", module(), flags=re.DOTALL)


def test_the_page_asks_nothing_of_others() -> None:
    """No address but its own: it works offline."""
    for file in STATIC.iterdir():
        found = set(re.findall(r"https?://[^\s'\"`]+", file.read_text()))
        assert found <= {"http://www.w3.org/2000/svg"}, file.name


@pytest.mark.skipif(shutil.which("lua5.4") is None, reason="no lua5.4 to run Lua with")
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl, which the script needs")
def test_reapers_script_writes_takes(client: Client, tmp_path: Path) -> None:
    script = resources.files("symbolic_music") / "studio" / "reaper" / "symbolic_music.lua"
    address = f"http://127.0.0.1:{client.port}/?token={client.token}"
    stand_in = Path(__file__).with_name("reaper.lua")
    said = subprocess.run(
        ["lua5.4", stand_in, str(script), address, tmp_path], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert said[:2] == ["begin", "item 1 4.000 8.000"]
    assert [line for line in said if line.startswith("take")] == [f"take P_NAME alternative {k}" for k in range(1, 5)]
    assert said[-1] == "end symbolic-music: rewrite"
    written = [[int(value) for value in line.split()[1:]] for line in said if line.startswith("note")]
    assert len(written) >= 4
    assert all(6 * 960 <= onset < 12 * 960 and channel == 2 for onset, _, channel, _, _ in written)
    assert not list(tmp_path.iterdir())

    piece = client.get(f"/sessions/{client.get('/sessions')[0]['id']}/score", state=1)
    assert piece["meters"] == [[0, 3, 4]]
    assert piece["tempos"] == [[0, 666_667, 0.0]]
    # A program of the file, one after the track's name, and the drum channel.
    assert [(track["instrument"], track["notes"]) for track in piece["tracks"]] == [(73, 24), (33, 8), (128, 24)]
    assert 20 not in piece["notes"]["pitch"]


@pytest.mark.skipif(shutil.which("lua5.4") is None, reason="no lua5.4 to run Lua with")
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl, which the script needs")
def test_reapers_script_says_when_no_studio_answers(tmp_path: Path) -> None:
    script = resources.files("symbolic_music") / "studio" / "reaper" / "symbolic_music.lua"
    stand_in = Path(__file__).with_name("reaper.lua")
    ran = subprocess.run(
        ["lua5.4", stand_in, str(script), "http://127.0.0.1:9/?token=x", tmp_path], capture_output=True, text=True
    )
    assert ran.returncode != 0
    assert ran.stdout.splitlines() == ["forget", "message The studio does not answer at http://127.0.0.1:9"]


def test_an_osc_port_that_is_taken_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pythonosc")
    from symbolic_music.studio.osc import listening

    with (
        listening(None, "127.0.0.1", 0) as port,  # type: ignore[arg-type]
        pytest.raises(OptionError, match=str(port)),
        listening(None, "127.0.0.1", port),  # type: ignore[arg-type]
    ):
        pass
