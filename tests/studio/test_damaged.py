"""Numbers that no piece has, in requests, and session folders that something else has written into."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")

from symbolic_music.io import midi_bytes
from tests.fuzz import studio as fuzz
from tests.fuzz.music import tune

HUGE = (10**30, -(10**30), 1 << 63, 1 << 31, float("nan"), float("inf"))


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fuzz.Asked:
    """A studio without a model."""
    monkeypatch.setattr(fuzz, "model", lambda: None)
    return fuzz.Asked(tmp_path)


def opened(asked: fuzz.Asked) -> str:
    """The address of a session."""
    return f"/sessions/{json.loads(asked('/sessions', midi_bytes(tune()), {'name': 'a.mid'}))['id']}"


def numbers(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where numbers stand in JSON."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield (*path, key)
        yield from numbers(value, (*path, key))


def test_huge_numbers_are_refused_and_the_session_stays(asked: fuzz.Asked) -> None:
    where = opened(asked)
    for path, content, _ in fuzz.REQUESTS:
        if content is None or path == "/edits":
            continue
        for place in numbers(content):
            for value in HUGE:
                changed = json.loads(json.dumps(content))
                holder = changed
                for key in place[:-1]:
                    holder = holder[key]
                holder[place[-1]] = value
                asked(f"{where}{path}", json.dumps(changed).encode())
    assert len(asked.refused) > 150
    asked.refused.clear()
    asked(where)
    asked("/sessions")
    assert not asked.refused


def test_bars_are_not_copied_without_end(asked: fuzz.Asked) -> None:
    where = opened(asked)
    change = {"do": "copy-bars", "first": 1, "last": 1, "times": 1000}
    asked(f"{where}/changes", json.dumps({"state": 1, "changes": [change, {**change, "last": 900}]}).encode())
    assert "too many" in asked.refused[0]


DAMAGE: dict[str, Callable[[dict[str, Any]], object]] = {
    "a number as text": lambda record: record["states"][0].update(number="1"),
    "a state without a roster": lambda record: record["states"][0].update(roster=None),
    "tracks that are not there": lambda record: record["states"][0].update(roster={"tracks": [], "played": [3]}),
    "an impossible program": lambda record: record["states"][0]["roster"].update(tracks=[["", 999, False]] * 3),
    "a label that is none": lambda record: record["states"][0].update(label=[]),
    "no number": lambda record: record.update(view={"zoom": float("nan")}),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_session_is_one_error(
    damage: Callable[[dict[str, Any]], object], asked: fuzz.Asked, tmp_path: Path
) -> None:
    where = opened(asked)
    (path,) = tmp_path.glob("*/session.json")
    record = json.loads(path.read_text())
    damage(record)
    path.write_text(json.dumps(record))
    again = fuzz.Asked(tmp_path)
    assert json.loads(again("/sessions")) == []
    for address in (where, f"{where}/score"):
        again(address)
    assert len(again.refused) == 2
    assert all("session.json" in told for told in again.refused)


def test_a_damaged_edit_is_none(asked: fuzz.Asked, tmp_path: Path) -> None:
    where = opened(asked)
    (session,) = tmp_path.iterdir()
    (session / "edits/0001").mkdir()
    for content in ("[]", "{", '{"status": 1}', '{"status": "done", "alternatives": [1], "wish": {}}', "[" * 100_000):
        (session / "edits/0001/edit.json").write_text(content)
        asked(where + "/edits/1")
        assert "no edit 1" in asked.refused.pop()
