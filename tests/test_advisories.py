"""The script that compares pins with advisories, without the net."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def advisories():
    spec = importlib.util.spec_from_file_location("advisories", ROOT / "benchmarks/advisories.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pins_are_names_and_versions(advisories) -> None:
    text = "# what\na==1.0\nB-c==2.1 # why\nd==3 ; python_version < '3.12'\ne==4 --hash=sha256:00\nf>=1\n"
    assert advisories.pins(text) == [("a", "1.0"), ("B-c", "2.1"), ("d", "3"), ("e", "4")]
    assert len(advisories.pins((ROOT / "constraints.txt").read_text())) > 50


def test_advisories_are_told_of_the_pins_that_have_them(advisories) -> None:
    def ask(query):
        assert query["queries"][1] == {"package": {"ecosystem": "PyPI", "name": "b"}, "version": "2"}
        return {"results": [{}, {"vulns": [{"id": "GHSA-1"}, {"id": "GHSA-2"}]}]}

    assert advisories.found([("a", "1"), ("b", "2")], ask) == [("b", "2", "GHSA-1"), ("b", "2", "GHSA-2")]


def test_a_list_that_cannot_be_reached_is_no_good_news(advisories, monkeypatch, tmp_path, capsys) -> None:
    def away(query):
        raise OSError("no route to host")

    monkeypatch.setattr(advisories.found, "__defaults__", (away,))
    (tmp_path / "pins.txt").write_text("a==1\n")
    assert advisories.main([str(tmp_path / "pins.txt")]) == 3
    assert "nothing is known of 1 pins" in capsys.readouterr().err
