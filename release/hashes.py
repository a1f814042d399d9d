"""Hashes of the files that pip installs: written from its reports, and compared with those of another installation.

    python -m pip install --dry-run --ignore-installed --report report.json -c constraints.txt -e '.[dev]'
    python release/hashes.py --write report.json [report.json …]   # adds to constraints-hashes.txt
    python release/hashes.py report.json                           # compares

`make` writes a report of what it installs and compares it: a file with another hash than the one of its name is an
error (exit 1). Files that are not listed (of other platforms and versions of Python) are counted and named; with
--strict they are an error too.

pip's own --require-hashes refuses editable installs and every file that is not listed, and torch comes from different
indexes here and there with different dependencies: the same list would not serve them all.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

LIST = Path(__file__).resolve().parent.parent / "constraints-hashes.txt"
HEAD = "# SHA-256 of the files that were installed for the tests; see release/hashes.py.\n"


def of_report(report: Mapping[str, Any]) -> dict[str, str]:
    """File name -> SHA-256 of each archive that a report of pip names; folders (the project itself) have none."""
    found = {}
    for item in report["install"]:
        about = item["download_info"]
        digest = about.get("archive_info", {}).get("hashes", {}).get("sha256")
        if digest is not None:
            found[unquote(urlsplit(about["url"]).path).rpartition("/")[2]] = str(digest)
    return found


def listed(text: str) -> dict[str, str]:
    """File name -> SHA-256 of the list."""
    lines = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return {name: digest for digest, name in lines}


def written(hashes: Mapping[str, str]) -> str:
    """The list, as `sha256sum` writes it."""
    return HEAD + "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))


def compared(found: Mapping[str, str], known: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Names of files whose hash is another one, and of those that are not listed."""
    changed = [name for name, digest in sorted(found.items()) if known.get(name, digest) != digest]
    return changed, sorted(found.keys() - known.keys())


def _reports(paths: Iterable[str]) -> dict[str, str]:
    out: dict[str, str] = {}
    for path in paths:
        out |= of_report(json.loads(Path(path).read_text(encoding="utf-8")))
    return out


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    paths = [one for one in arguments if not one.startswith("--")]
    found, known = _reports(paths), listed(LIST.read_text(encoding="utf-8") if LIST.exists() else "")
    changed, unlisted = compared(found, known)
    if changed:
        print(f"error: these files are not those of {LIST.name}: {', '.join(changed)}", file=sys.stderr)
        return 1
    if "--write" in arguments:
        LIST.write_text(written({**known, **found}), encoding="utf-8")
        print(f"{LIST.name}: {len(found)} files, {len(unlisted)} of them new")
        return 0
    print(f"{len(found) - len(unlisted)} of {len(found)} installed files have the hashes of {LIST.name}")
    if unlisted:
        print(f"not listed: {', '.join(unlisted)}")
    return int(bool(unlisted) and "--strict" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
