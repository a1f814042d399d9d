"""The site builds strictly, loads nothing from elsewhere, and its links, anchors, pictures and scripts are there."""

from __future__ import annotations

import html.parser
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import symbolic_music as sm

pytest.importorskip("mkdocs", reason="the extra docs is not installed")
ROOT = Path(__file__).resolve().parent.parent


class Page(html.parser.HTMLParser):
    """What a page loads, where it leads, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads, self.leads, self.anchors = list[str](), list[str](), set[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors |= {found[key] or "" for key in ("id", "name") if key in found}
        if tag == "a" and found.get("href"):
            self.leads.append(found["href"] or "")
        elif tag == "link" and found.get("rel") != "canonical":
            self.loads.append(found.get("href") or "")
        elif found.get("src"):
            self.loads.append(found["src"] or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, check=False, capture_output=True, text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {page: Page(page.read_text(encoding="utf-8")) for page in folder.rglob("*.html") if page.name != "404.html"}


def test_nothing_is_loaded_from_elsewhere(site: dict[Path, Page]) -> None:
    assert len(site) > 70
    assert {load for page in site.values() for load in page.loads if urlsplit(load).netloc} == set()


def test_links_and_anchors_lead_somewhere(site: dict[Path, Page]) -> None:
    for path, page in site.items():
        for target in (*page.loads, *page.leads):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert file.exists(), (path.name, target)
            if parts.fragment and file in site and parts.fragment != "__tabbed":
                assert unquote(parts.fragment) in site[file].anchors | {"__skip"}, (path.name, target)


def test_every_live_view_and_its_data_are_there(site: dict[Path, Page]) -> None:
    for page in site:
        for view in page.read_text(encoding="utf-8").split('data-live="')[1:]:
            assert (ROOT / "docs" / "live" / f"{view.split(chr(34))[0]}.js").is_file()
    assert all(json.loads(file.read_text(encoding="utf-8")) for file in (ROOT / "docs/live/data").glob("*.json"))


def test_formulas_are_mathml_beside_their_tex(site: dict[Path, Page]) -> None:
    page = next(one for one in site if one.name == "relative-attention.html")
    text = page.read_text(encoding="utf-8")
    assert text.count("<math") == text.count(" data-tex=") > 5
    assert "arithmatex" not in text


def test_public_names_have_an_entry(site: dict[Path, Page]) -> None:
    """Each function and class that `symbolic_music` exports, with a docstring."""
    anchors = set().union(*(page.anchors for path, page in site.items() if path.parent.name == "reference"))
    for name in sm.__all__:
        thing = getattr(sm, name)
        assert (thing.__doc__ or "").strip(), name
        if not inspect.ismodule(thing):
            assert f"symbolic_music.{thing.__module__.split('.')[1]}.{thing.__name__}" in anchors, name
    # Its page lists the names, so that the verbs come first.
    missing = {name for name in sm.generation.__all__ if f"symbolic_music.generation.{name}" not in anchors}
    assert {name for name in missing if not name.isupper()} <= {"continuation"}  # a module has that name too
    assert "symbolic_music.generation.continuation.continuation" in anchors


def test_every_result_is_on_the_page_of_benchmarks() -> None:
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for file in (ROOT / "benchmarks" / "results").glob("*.json"):
        assert file.stem in text, file.name
