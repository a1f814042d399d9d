from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from symbolic_music.cli import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys) -> Callable[..., Outcome]:
    """Run a command line in this process."""

    def call(*arguments: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as end:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return Outcome(int(end.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def mistake(run, tmp_path) -> Callable[..., str]:
    """Run a command line that must fail as a user's mistake does: one line, exit 2, no file written or changed."""

    def call(*arguments: str | Path) -> str:
        before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
        outcome = run(*arguments)
        assert outcome.code == 2
        assert outcome.err.startswith("error: ")
        assert outcome.err.endswith("\n")
        assert outcome.err.count("\n") == 1
        assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
        return outcome.err.removeprefix("error: ").rstrip("\n")

    return call


@pytest.fixture
def song(quartet, tmp_path) -> Path:
    """The quartet as a MIDI file."""
    return Path(quartet.write(tmp_path / "song.mid"))
