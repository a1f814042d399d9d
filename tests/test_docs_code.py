"""Code on the pages that teach runs: each page in order, in a folder of its own, as a reader would.

A Python block shares its names with those before it; of a shell block each line that calls `symbolic-music` runs.
Comments above a block change that: `<!-- not run: REASON -->` (commands are still parsed, by tests/cli/test_help.py),
and `<!-- run with: WORDS -->`, which are added to the block's `train` commands so that a test takes seconds.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from symbolic_music.cli import main

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = sorted(
    str(page.relative_to(DOCS))
    for folder in ("start", "tutorials", "how-it-works")
    for page in [DOCS / "index.md", *(DOCS / folder).glob("*.md")]
)
BLOCK = re.compile(r"(?:^<!-- (not run|run with): (.*?) -->\n)?^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def commands(block: str) -> list[list[str]]:
    """The words of each line that calls the command."""
    lines = block.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("symbolic-music ")]


@pytest.mark.parametrize("page", dict.fromkeys(PAGES))
def test_the_code_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = [found for found in BLOCK.findall(text) if found[2] in ("python", "sh", "yaml")]
    if not any(mark != "not run" for mark, *_ in blocks):
        pytest.skip("no code to run")
    shutil.copy(DOCS / "files" / "song.mid", tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "page"}
    for mark, more, language, block in blocks:
        if mark == "not run":
            continue
        if language == "python":
            exec(compile(block, page, "exec", dont_inherit=True), names)
        elif language == "yaml":
            name = re.match(r"# (\S+\.yaml)", block)
            assert name is not None, f"{page}: a config begins with its name, as in # song.yaml"
            Path(name[1]).write_text(block, encoding="utf-8")
        for words in commands(block) if language == "sh" else ():
            with pytest.raises(SystemExit) as end:
                main([*words, *(shlex.split(more) if words[0].startswith("train") else ())])
            assert not end.value.code, (page, words)
