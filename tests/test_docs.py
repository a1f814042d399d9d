"""What the documentation shows is what was measured, and what its examples do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(script: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the repository in another folder."""
    return subprocess.run(
        [sys.executable, str(ROOT / script), *arguments], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


def test_tables_are_those_of_the_results(tmp_path: Path) -> None:
    done = run("benchmarks/tables.py", tmp_path, "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_links_of_the_documentation_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_glossary_names_places_that_exist() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    places = set(re.findall(r"`((?:\w+/)+\w*(?:\.\w+)?)`", text)) - {"runs/NAME/"}
    assert len(places) > 20
    bases = (ROOT, ROOT / "symbolic_music")
    assert {place for place in places if not any((base / place).exists() for base in bases)} == set()


def test_the_words_about_transcription_have_the_figures_of_the_results() -> None:
    text = (ROOT / "docs" / "transcription.md").read_text(encoding="utf-8").split("## Figures")[0]
    rows = json.loads((ROOT / "benchmarks/results/transcribe.json").read_text(encoding="utf-8"))["rows"]
    measured = {row["metric"]: row["ours"] for row in rows}
    shown = re.findall(r"^\| ([^|]+) \| (0\.\d\d) \|", text, re.MULTILINE)
    assert [float(figure) for _, figure in shown] == [
        round(measured[f"note F1, {name}"], 2)
        for name in (
            "four parts, chorales, ddsp",
            "piano, MAESTRO, SoundFont (a piano that is not in the training)",
            "real recording, piano",
            "real recording, guitar",
            "bands with drums, Lakh, SoundFont",
        )
    ]


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_examples_run(name: str, tmp_path: Path) -> None:
    done = run(f"examples/{name}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir())
