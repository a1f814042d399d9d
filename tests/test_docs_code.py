"""Code on the pages that teach runs: each page in order, in a folder of its own, as a reader would.

A Python block shares its names with those before it; of a shell block each line that calls `symbolic-music` runs.
On the how-to pages and in the README the Python blocks run; their commands, which name corpora and trained models, are
parsed. Comments above a block change that: `<!-- not run: REASON -->` (commands are still parsed, by
tests/cli/test_help.py), and `<!-- run with: WORDS -->`, which are added to the block's `train` commands so that a test
takes seconds.
"""

from __future__ import annotations

import csv
import re
import shlex
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

import symbolic_music as sm
from symbolic_music.cli import main
from symbolic_music.models import registry as architectures
from symbolic_music.score import note_table
from symbolic_music.tokenizers import registry as encodings

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = sorted(
    str(page.relative_to(DOCS))
    for folder in ("start", "tutorials", "how-it-works")
    for page in [DOCS / "index.md", *(DOCS / folder).glob("*.md")]
)
# Their package is installed and used by tests/test_plugins.py.
ELSEWHERE = ("extending.md",)
HOW_TO = sorted(
    str(page.relative_to(DOCS.parent))
    for page in [DOCS.parent / "README.md", *DOCS.glob("*.md")]
    if "```python" in page.read_text(encoding="utf-8") and page.name not in ("index.md", *ELSEWHERE)
)
BLOCK = re.compile(r"(?:^<!-- (not run|run with): (.*?) -->\n)?^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def commands(block: str) -> list[list[str]]:
    """The words of each line that calls the command."""
    lines = block.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("symbolic-music ")]


def pieces(folder: Path, names: list[str]) -> None:
    """Songs that differ: a random walk of eighths in C over a bass and drums, 24 to 30 seconds."""
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        draw = np.random.default_rng(number)
        count = 8 * (12 + number % 4)
        walk = np.clip(7 + np.cumsum(draw.integers(-2, 3, count)), 0, 14)
        rows = [(240 * at, 220, 60 + 12 * (step // 7) + (0, 2, 4, 5, 7, 9, 11)[step % 7], 80, 73, 0, 0)
                for at, step in enumerate(walk.tolist())]  # fmt: skip
        rows += [(960 * at, 900, 36 + 5 * int(draw.integers(3)), 80, 33, 1, 1) for at in range(count // 4)]
        rows += [(240 * at, 60, (36, 42, 38, 42)[at % 4], 90, 0, 9, 2) for at in range(count)]
        tracks = (sm.Track("Flute", 73), sm.Track("Bass", 33), sm.Track("Drums", is_drum=True))
        sm.Score(notes=note_table(sorted(rows)), tracks=tracks).write(folder / name)


def maestro(archive: Path) -> None:
    """Six pieces as the archive of MAESTRO has them."""
    folder = archive.parent / "maestro-v3.0.0"
    names = [f"{number}.midi" for number in range(6)]
    pieces(folder / "2018", names)
    with (folder / "maestro-v3.0.0.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["canonical_composer", "canonical_title", "split", "year", "midi_filename", "audio_filename",
                        "duration"])  # fmt: skip
        for name, split in zip(names, ("train", "train", "train", "train", "validation", "test"), strict=True):
            table.writerow(["Beethoven", "Ode to Joy", split, 2018, f"2018/{name}", "x.wav", 14])
    with zipfile.ZipFile(archive, "w") as packed:
        for file in folder.rglob("*.*"):
            packed.write(file, file.relative_to(archive.parent))
    shutil.rmtree(folder)


def lakh(archive: Path) -> None:
    """Eight pieces as the archive of Lakh has them, named by hashes that make splits."""
    folder = archive.parent / "lmd_full"
    pieces(folder, [f"{digit}{number:031x}.mid" for number, digit in enumerate("012345ef")])
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, "lmd_full")
    shutil.rmtree(folder)


# What a page takes for granted -> how to make it.
MATERIAL = {
    "maestro-v3.0.0-midi.zip": maestro,
    "lmd_full.tar.gz": lakh,
    "tunes.store": lambda folder: store(folder),
    "my-midi": lambda folder: pieces(folder, [f"{number}.mid" for number in range(24)]),
    "listening-test model original": lambda path: [
        pieces(path.parent / name, ["1.mid"]) for name in ("model", "original")
    ],
}


def store(folder: Path) -> None:
    """Six pieces as a store."""
    pieces(folder.parent / "six", [f"{number}.mid" for number in range(6)])
    sm.corpora.prepare("folder", folder.parent / "six", folder)


# What a how-to page takes for granted -> how to make it.
HOW_TO_MATERIAL = {
    "maestro.store": store,
    "take.wav": lambda path: sm.render(sm.read("song.mid").clip(0, 3), sample_rate=22050).write(path),
    "chorales/253.mid": lambda path: pieces(path.parent, [path.name]),
}


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What code registers is forgotten after it."""
    for registry in (encodings._registry, architectures._registry):
        monkeypatch.setattr(registry, "_registered", dict(registry._registered))


@pytest.mark.parametrize("page", HOW_TO)
@pytest.mark.usefixtures("registered")
@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")  # two workers, where there is one core
def test_the_python_of_a_how_to_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the whole song in the README, on six bars of it elsewhere, and on two seconds through a codec."""
    text = (DOCS.parent / page).read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    song = sm.read(DOCS / "files" / "song.mid")
    if page != "README.md":
        song = song.clip(0, 2 if page.endswith("codec.md") else 12)
    for name in ("song.mid", "piece.mid"):
        song.write(name)
    for name, make in HOW_TO_MATERIAL.items():
        if name in text:
            make(tmp_path / name)
    names: dict[str, object] = {"__name__": "page", "score": song}
    blocks = [(mark, block) for mark, _, language, block in BLOCK.findall(text) if language == "python"]
    assert blocks, page
    for mark, block in blocks:
        if mark != "not run":
            exec(compile(block, page, "exec", dont_inherit=True), names)


@pytest.mark.parametrize("page", dict.fromkeys(PAGES))
@pytest.mark.usefixtures("registered")
def test_the_code_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = [found for found in BLOCK.findall(text) if found[2] in ("python", "sh", "yaml", "text")]
    if not any(mark != "not run" for mark, *_ in blocks):
        pytest.skip("no code to run")
    shutil.copy(DOCS / "files" / "song.mid", tmp_path)
    for name, make in MATERIAL.items():
        if name in text:
            make(tmp_path / name)
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
        elif language == "text" and (name := re.match(r"% (\S+\.abc)\n", block)):
            Path(name[1]).write_text(block, encoding="utf-8")
        for words in commands(block) if language == "sh" else ():
            with pytest.raises(SystemExit) as end:
                main([*words, *(shlex.split(more) if words[0].startswith("train") else ())])
            assert not end.value.code, (page, words)
