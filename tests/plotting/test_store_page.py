"""What docs/corpora.md shows runs, and says what the program says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from symbolic_music.cli.app import app
from symbolic_music.corpora.datasets import downloads, registry
from symbolic_music.corpora.datasets.filters import PRESETS
from symbolic_music.corpora.preparation.pipeline import prepare
from symbolic_music.corpora.store.segments import _TABLES
from tests.corpora.example_files import album

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "corpora.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_examples_run(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare("folder", album(tmp_path / "music", 8), tmp_path / "maestro.store", splits="100/0/0")
    monkeypatch.chdir(tmp_path)
    # Workers take a second to start; what they give is tested elsewhere.
    exec(compile(BLOCKS[number].replace("num_workers=2", "num_workers=0"), "docs/corpora.md", "exec"), {})


def test_all_that_there_is_stands_on_the_page() -> None:
    assert len(BLOCKS) == 3
    assert all(f"| `{corpus}` |" in PAGE for corpus in registry.names())
    assert all(f"--filter {name}" in PAGE for name in PRESETS)
    for name, (_, columns) in _TABLES.items():
        assert f"| {name} | {', '.join(columns).replace('microseconds', 'microseconds a quarter')} |" in PAGE
    for releases in downloads.ARCHIVES.values():
        for release, archive in releases.items():
            assert f"| `{release}` | " in PAGE
            assert f"| {archive.sha256[:16]}… |" in PAGE


def test_the_options_on_the_page_are_those_of_the_program() -> None:
    group = typer.main.get_command(app)
    known = {name for verb in ("prepare", "info") for option in group.commands[verb].params for name in option.opts}
    lines = [line for line in PAGE.splitlines() if "python benchmarks" not in line]
    used = {name for line in lines for name in re.findall(r"(?<![\w-])--[a-z]+", line)}
    assert {"--splits", "--filter", "--download", "--engine", "--verify"} <= used <= known
