"""The help of every verb: its groups, its examples, and places in one spelling."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from symbolic_music.cli.app import app
from symbolic_music.cli.options.help_page import examples_of
from symbolic_music.cli.options.region_and_tracks import BarOptions, RegionOptions, places
from symbolic_music.errors import OptionError, RegionError
from symbolic_music.generation import Region, bars

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_every_verb_has_an_example() -> None:
    assert all(examples_of(command) for command in COMMANDS.values())


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_help_ends_with_examples_that_parse(run, verb: str) -> None:
    shown = run(verb, "--help").out
    lines = [f"  symbolic-music {verb} {line}".rstrip() for line in examples_of(COMMANDS[verb])]
    assert shown.rstrip("\n").endswith("\n".join(lines))
    for line in examples_of(COMMANDS[verb]):
        context = COMMANDS[verb].make_context(verb, shlex.split(line))
        for text in context.params.get("at") or ():
            assert places(text)


def test_options_stand_in_groups_the_common_first(run) -> None:
    shown = run("infill", "--help").out
    titles = ["Options:", "Sampling:", "Limits on the new notes:", "Model and device:", "Older ways to say --at:"]
    places_of = [shown.index(f"\n{title}\n") for title in titles]
    assert places_of == sorted(places_of)
    common = shown[places_of[0] : places_of[1]]
    assert all(option in common for option in ("--at", "--tracks", "--output", "--model", "--count", "--seed"))
    assert "--temperature" not in common


@pytest.mark.parametrize(
    ("text", "regions"),
    [
        ("bars:8-12", [bars(8, 12)]),
        ("bars:8-12,20", [bars(8, 12), bars(20)]),
        ("bar:3", [bars(3)]),
        ("30s-45s", [Region(30, 45)]),
        ("0.5s-1.25s,4s-5s", [Region(0.5, 1.25), Region(4, 5)]),
        ("beats:16-32", [Region(16, 32, "beats")]),
        ("beats:0.5-2", [Region(0.5, 2, "beats")]),
    ],
)
def test_places(text: str, regions: list[Region]) -> None:
    assert places(text) == regions


@pytest.mark.parametrize(
    "text", ["", "8-12", "bars:", "bars:8.5-9", "30-45", "30s-45", "beats:4", "ticks:1-2", "bars:a"]
)
def test_what_is_no_place_is_a_mistake(text: str) -> None:
    with pytest.raises(OptionError, match="--at takes bars:8-12, beats:16-32 or 30s-45s"):
        places(text)


def test_impossible_places() -> None:
    with pytest.raises(RegionError):
        places("45s-30s")


def test_the_older_options_say_the_same() -> None:
    for at, older in (
        ("bars:8-12,20", RegionOptions(bars="8-12,20")),
        ("beats:16-32", RegionOptions(beats="16-32")),
        ("30s-45s", RegionOptions(start=[30.0], end=[45.0])),
    ):
        assert RegionOptions(at=[at]).regions() == older.regions() == places(at)
    assert BarOptions(at=["bars:8-12"]).first_and_last() == BarOptions(bars="8-12").first_and_last() == (8, 12)


@pytest.mark.parametrize("options", [{}, {"at": ["30s-45s"]}, {"at": ["bars:1,3"]}, {"at": ["bars:1"], "bars": "2"}])
def test_one_range_of_bars(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="name one range of bars"):
        BarOptions(**options).first_and_last()


def documented() -> list[tuple[str, str]]:
    """(page, arguments) of each command in the code blocks of the documentation."""
    root = Path(__file__).resolve().parents[2]
    found = []
    for page in (root / "README.md", *sorted((root / "docs").rglob("*.md"))):
        for language, block in re.findall(r"```(\w*)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            lines = block.replace("\\\n", " ").splitlines() if language in ("", "sh") else ()
            matches = [re.match(r"(?:\$ )?symbolic-music (?!--version)(.*)", line) for line in lines]
            found += [(page.name, command[1]) for command in matches if command]
    return found


def test_every_verb_is_in_the_index_of_tasks() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "how-to.md"
    named = set(re.findall(r"`([\w-]+)(?: [^`]*)?`", page.read_text(encoding="utf-8")))
    assert set(COMMANDS) - named == set()


def test_commands_of_the_documentation_parse() -> None:
    commands = documented()
    assert len(commands) > 40
    for page, line in commands:
        verb, *arguments = shlex.split(line, comments=True)
        assert COMMANDS[verb].make_context(verb, arguments).params, (page, line)
