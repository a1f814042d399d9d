"""The list of hashes of what is installed: made from reports of pip, compared with others."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def hashes(tmp_path: Path):
    spec = importlib.util.spec_from_file_location("hashes", ROOT / "release/hashes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.LIST = tmp_path / "list.txt"
    return module


def report(folder: Path, **files: str) -> str:
    """A report of pip 23 and later: of the index, of a folder of wheels, and of the project itself."""
    index = "https://index.example/packages/"
    items = [
        {"download_info": {"url": f"{index}{name.replace('+', '%2B')}", "archive_info": {"hashes": {"sha256": digest}}}}
        for name, digest in files.items()
    ]
    own = {"download_info": {"url": "file:///here", "dir_info": {"editable": True}}}
    path = folder / f"{len(list(folder.glob('*.json')))}.json"
    path.write_text(json.dumps({"version": "1", "install": [own, *items]}))
    return str(path)


def test_what_was_written_is_found_again(hashes, tmp_path: Path, capsys) -> None:
    first = report(tmp_path, **{"a-1.whl": "00", "torch-2.13.0+cpu.whl": "01"})
    assert hashes.main(["--write", first]) == 0
    assert hashes.main(["--write", report(tmp_path, **{"b-1.tar.gz": "02"})]) == 0
    assert hashes.listed(hashes.LIST.read_text()) == {"a-1.whl": "00", "b-1.tar.gz": "02", "torch-2.13.0+cpu.whl": "01"}
    assert hashes.main([first, "--strict"]) == 0
    assert "2 of 2" in capsys.readouterr().out


def test_another_file_of_the_same_name_is_an_error(hashes, tmp_path: Path, capsys) -> None:
    hashes.main(["--write", report(tmp_path, **{"a-1.whl": "00", "b-1.whl": "01"})])
    changed = report(tmp_path, **{"a-1.whl": "00", "b-1.whl": "ff"})
    assert hashes.main([changed]) == 1
    assert "b-1.whl" in capsys.readouterr().err
    assert hashes.main(["--write", changed]) == 1
    assert hashes.listed(hashes.LIST.read_text())["b-1.whl"] == "01"


def test_files_that_are_not_listed_are_told_and_refused_where_that_is_asked(hashes, tmp_path: Path, capsys) -> None:
    hashes.main(["--write", report(tmp_path, **{"a-1.whl": "00"})])
    more = report(tmp_path, **{"a-1.whl": "00", "c-1.whl": "03"})
    assert hashes.main([more]) == 0
    assert "not listed: c-1.whl" in capsys.readouterr().out
    assert hashes.main([more, "--strict"]) == 1
