"""What mkdocs cannot do by settings: links out of docs/, formulas, the help of commands, links to Colab.

A formula becomes MathML, which browsers draw without scripts, with its TeX beside it, which KaTeX sets where they run.

A file outside of docs/ that a page links to becomes part of the site under source/, Markdown as a page; a folder is a
link to the repository.
"""

from __future__ import annotations

import contextlib
import html
import io
import os
import posixpath
import re
import tomllib
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent.parent
ADDRESS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Source"]
LINK = re.compile(r"(\]\()(?!\w+:|#|/)([^)\s#]+)(#[^)]*)?(\))")
FORMULA = re.compile(r'<(span|div) class="arithmatex">(.*?)</\1>', re.DOTALL)
COLAB = re.compile(r"<!-- colab (\S+) -->")
# In the navigation, whether or not a page links to them.
ALWAYS = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")


def stays(path: str) -> bool:
    """Whether a file of the repository is a page or a picture of the site by itself."""
    return path.startswith("docs/") and not path.startswith("docs/make/")


def in_repository(page: str) -> str:
    """Path in the repository of a page of the site."""
    return page.removeprefix("source/") if page.startswith("source/") else f"docs/{page}"


def in_site(path: str) -> str:
    """Path in the site, before it is built, of a file of the repository."""
    return path.removeprefix("docs/") if stays(path) else f"source/{path}"


def target_of(page: str, link: str) -> str:
    """Path in the repository to which a link of a page leads."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(in_repository(page)), link))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies outside of docs/ and is linked to, directly or by another such page."""
    waiting = [*ALWAYS]
    for file in files.documentation_pages():
        waiting += [target_of(file.src_uri, link[2]) for link in LINK.finditer(file.content_string)]
    seen: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in seen or stays(path) or path.startswith("..") or not (ROOT / path).is_file():
            continue
        seen.add(path)
        added = File.generated(config, in_site(path), abs_src_path=str(ROOT / path))
        files.append(added)
        if path.endswith(".md"):
            waiting += [target_of(added.src_uri, link[2]) for link in LINK.finditer(added.content_string)]
    return files


def commands() -> str:
    """The help of every verb, as the command line prints it."""
    from typer.main import get_command

    from symbolic_music.cli import main
    from symbolic_music.cli.app import app

    os.environ["COLUMNS"] = "100"
    out = []
    for verb in get_command(app).commands:  # type: ignore[attr-defined]
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
            main([verb, "--help"])
        out.append(f"## {verb}\n\n```text\n{shown.getvalue().rstrip()}\n```\n")
    return "\n".join(out)


def colab(source: str, path: str) -> str:
    """A button that opens a notebook of the repository in Colab, which reads GitHub only."""
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?", source)
    if found is None:
        return "with the first release"
    return f"[Open in Colab](https://colab.research.google.com/github/{found[1]}/blob/main/{path}){{ .md-button }}"


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Turn links of the repository into links of the site, and fill in the help of the command line."""
    here = page.file.src_uri
    if "<!-- commands -->" in markdown:
        markdown = markdown.replace("<!-- commands -->", commands())
    markdown = COLAB.sub(lambda found: colab(ADDRESS, found[1]), markdown)

    def turned(link: re.Match[str]) -> str:
        path = target_of(here, link[2])
        if (ROOT / path).is_dir():
            return f"]({ADDRESS}/{path})"
        to = posixpath.relpath(in_site(path), posixpath.dirname(here) or ".")
        return f"{link[1]}{to}{link[3] or ''}{link[4]}"

    return LINK.sub(turned, markdown)


def on_page_content(content: str, **_: Any) -> str:
    """Turn formulas from TeX into MathML, with the TeX for `docs/live/formulas.js`."""

    def formula(found: re.Match[str]) -> str:
        text = html.unescape(found[2]).strip()
        block = text.startswith("\\[")
        tex = text[2:-2].strip()
        drawn = convert(tex, display="block" if block else "inline")
        return f'<{found[1]} data-tex="{html.escape(tex)}">{drawn}</{found[1]}>'

    return FORMULA.sub(formula, content)
