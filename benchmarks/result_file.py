"""Results of benchmarks: benchmarks/results/NAME.json, from which `tables.py` makes the tables of the docs."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def row(
    metric: str,
    ours: float,
    unit: str = "",
    peer: float | None = None,
    peer_name: str | None = None,
    ratio: float | None = None,
) -> dict[str, Any]:
    """One row of a result, rounded and printed."""
    ours, peer, ratio = round(ours, 4), peer and round(peer, 4), ratio and round(ratio, 3)
    beside = "" if peer is None else f"; {peer_name} {peer:g}" + ("" if ratio is None else f", ratio {ratio:g}")
    print(f"{metric}: {ours:g} {unit}{beside}", flush=True)
    return {"metric": metric, "ours": ours, "peer": peer, "peer_name": peer_name, "ratio": ratio, "unit": unit}


def write_result(
    name: str,
    n: Any,
    rows: list[dict[str, Any]],
    used: str = "one thread used",
    command: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Write results/NAME.json: n is how much was measured, `used` stands in the machine's line; returns what it wrote.

    The command is the running one unless it is given, with the names of files and folders in place of their paths.
    """
    words = (Path(word).name if Path(word).exists() else word for word in sys.argv)
    result = {
        "name": name,
        "command": command or "python benchmarks/" + " ".join(words),
        "commit": commit(),
        "machine": f"{processor()}, {os.cpu_count()} cores, {used}, {platform.system()}",
        # Of all programs over the last quarter of an hour: above the threads used, everything was slowed.
        "load": round(os.getloadavg()[2], 1),
        "n": n,
        **more,
        "rows": rows,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return result


def commit() -> str:
    """The commit of the library."""
    words = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd=RESULTS.parent).stdout.strip()


def processor() -> str:
    """The model of the processor, where the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
