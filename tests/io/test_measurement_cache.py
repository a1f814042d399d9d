"""Measurements are made once, and again where what was kept is unsound or cannot be kept."""

from __future__ import annotations

from pathlib import Path

from symbolic_music.io.measurement_cache import Entry, measured_once


def test_what_was_measured_is_measured_again_only_where_it_is_unsound(tmp_path: Path) -> None:
    made: list[int] = []

    def measure() -> Entry:
        made.append(1)
        return {"seconds": 0.5}

    def found(folder: Path) -> tuple[Entry, str]:
        return measured_once("times.json", folder, [3, 4], lambda entry: "seconds" in entry, measure)

    assert found(tmp_path) == ({"seconds": 0.5}, "measured")
    assert found(tmp_path) == ({"seconds": 0.5}, f"measured before, {tmp_path / 'times.json'}")
    assert len(made) == 1
    (tmp_path / "times.json").write_text('{"a": 1, "b": {}}')
    assert found(tmp_path)[1] == "measured"
    assert found(tmp_path / "times.json" / "no folder")[1].startswith("measured, and not kept: ")
    assert len(made) == 3
