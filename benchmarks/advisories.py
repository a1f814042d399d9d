"""Compare the pins of constraints.txt with the advisories of OSV (osv.dev), where it can be reached.

    python benchmarks/advisories.py [constraints.txt]

Prints one line an advisory, and how many pins were looked up. Exit 0 when there is none, 1 when there are some, 3 when
the list could not be reached: then nothing is known, and that is said.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

URL = "https://api.osv.dev/v1/querybatch"
TIMEOUT = 30


def pins(text: str) -> list[tuple[str, str]]:
    """Names and exact versions of a constraints file."""
    lines = (line.split("#")[0].split(";")[0].split(" --hash")[0].strip() for line in text.splitlines())
    return [(name.strip(), version.strip()) for name, _, version in (line.partition("==") for line in lines) if version]


def asked(query: dict[str, Any]) -> Any:
    """OSV's answer to a batch of queries."""
    request = urllib.request.Request(
        URL, json.dumps(query).encode(), {"Content-Type": "application/json", "User-Agent": "symbolic-music"}
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        return json.load(response)


def found(known: Sequence[tuple[str, str]], ask: Callable[[dict[str, Any]], Any] = asked) -> list[tuple[str, str, str]]:
    """(name, version, advisory) of each advisory. OSError or ValueError when the list cannot be reached or read."""
    queries = [{"package": {"ecosystem": "PyPI", "name": name}, "version": version} for name, version in known]
    results = ask({"queries": queries})["results"]
    if len(results) != len(known):
        raise ValueError("answers are missing")
    return [
        (name, version, str(one["id"]))
        for (name, version), result in zip(known, results, strict=True)
        for one in result.get("vulns", [])
    ]


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    path = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent / "constraints.txt"
    known = pins(path.read_text(encoding="utf-8"))
    try:
        advisories = found(known)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"the advisories could not be reached ({error}): nothing is known of {len(known)} pins", file=sys.stderr)
        return 3
    for name, version, advisory in advisories:
        print(f"{name}=={version}: {advisory}, https://osv.dev/{advisory}")
    print(f"{len(known)} pins, {len(advisories)} advisories")
    return 1 if advisories else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
