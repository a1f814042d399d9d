"""Write the tables of README.md and docs/*.md from benchmarks/results/*.json.

    python benchmarks/tables.py [--check]

A table stands between `<!-- rows NAME … -->` or `<!-- pivot NAME -->` and `<!-- end -->`. `rows`: a line a result, ours
beside the peer's; of several results each line begins with what stands after the last underscore of its name. `pivot`:
of metrics named `WHAT: FIGURE` a line a WHAT and a column a FIGURE. Between `<!-- models -->` and `<!-- end -->` stands
the table of architectures. With --check nothing is written, and the exit
status is 1 when a table is not what its results say.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"<!-- (rows|pivot) ([\w. -]+) -->\n(.*?)<!-- end -->", re.DOTALL)
MODELS = re.compile(r"<!-- models -->\n(.*?)<!-- end -->", re.DOTALL)
# Positions, window and source of each architecture; the registry knows the rest.
ABOUT = {
    "music-transformer": ("relative, by distance; the chorale presets as the paper's rows", "Huang et al. 2018"),
    "sinusoid-transformer": ("sinusoids", "Vaswani et al. 2017; the baseline of Huang et al. 2018"),
    "lstm": ("none needed", "Simon & Oore 2017 (Performance RNN); Huang et al. 2018"),
    "compound-transformer": ("sinusoids", "Hsiao et al. 2021"),
    "x-transformer": ("rotary", "x-transformers; Su et al. 2021"),
    "gpt2": ("learnt", "Radford et al. 2019; Thickstun et al. 2024"),
    "frame-transformer": ("relative, by distance", "ours, for the chorales of Huang et al. 2018"),
    "anticipatory": ("relative, by distance and by musical time", "ours"),
}


def number(value: float) -> str:
    """Three significant digits, whole numbers as they are."""
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def line(cells: list[str]) -> str:
    """A line of a table."""
    return "| " + " | ".join(cells) + " |\n"


def rows_table(result: dict[str, Any]) -> str:
    """Ours beside the peer's."""
    out = line(["", "ours", "peer", "", "ratio"]) + line(["---", "--:", "--:", "---", "--:"])
    for row in result["rows"]:
        unit = row.get("unit", "")
        peer = number(row["peer"]) if row.get("peer") is not None else ""
        ratio = f"{row['ratio']:g} ×" if row.get("ratio") is not None and unit.startswith("ms") else ""
        out += line([f"{row['metric']} ({unit})" if unit else row["metric"], number(row["ours"]), peer,
                     row.get("peer_name", "") or "", ratio])  # fmt: skip
    return out


def pivot_table(result: dict[str, Any]) -> str:
    """A line a subject, a column a figure."""
    cells: dict[str, dict[str, float]] = {}
    for row in result["rows"]:
        what, _, figure = row["metric"].partition(": ")
        cells.setdefault(what, {})[figure] = row["ours"]
    figures = list(dict.fromkeys(figure for values in cells.values() for figure in values))
    out = line(["", *figures]) + line(["---", *["--:"] * len(figures)])
    for what, values in cells.items():
        out += line([what, *(number(values[f]) if f in values else "" for f in figures)])
    return out


def models_table() -> str:
    """A line a published config of each architecture."""
    import torch

    from symbolic_music.models import registry

    out = line(["name", "preset", "parameters", "layers × width", "window", "positions", "source"])
    out += line(["---", "---", "--:", "--:", "--:", "---", "---"])
    for name in registry.names():
        kind = registry.get(name)
        for preset in kind.presets or [None]:
            with torch.device("meta"):
                network = kind.build(preset=preset)
            config: Any = network.config
            count = sum(p.numel() for p in network.parameters()) / 1e6
            window = getattr(config, "window", None) or getattr(config, "context", None)
            size, shown = f"{config.layers} × {config.width:,}", f"{window:,}" if window else "none"
            preset_shown = f"`{preset}`" if preset else "–"
            out += line([f"`{name}`", preset_shown, f"{count:.1f} M", size, shown, *ABOUT[name]])
    return out


def filled(text: str) -> str:
    """The text with every table made anew."""

    def table(match: re.Match[str]) -> str:
        kind, names = match.group(1), match.group(2).split()
        results = [json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text()) for name in names]
        if len(names) > 1:
            for name, result in zip(names, results, strict=True):
                for row in result["rows"]:
                    row["metric"] = f"{name.rsplit('_', 1)[1]}, {row['metric']}"
        result = {"rows": [row for one in results for row in one["rows"]]}
        body = rows_table(result) if kind == "rows" else pivot_table(result)
        commands = "; ".join(dict.fromkeys(f"`{one['command']}`" for one in results))
        machines = ", ".join(dict.fromkeys(one["machine"] for one in results))
        return f"<!-- {kind} {' '.join(names)} -->\n{body}\n{commands}; {machines}.\n<!-- end -->"

    text = MODELS.sub(lambda _: f"<!-- models -->\n{models_table()}<!-- end -->", text)
    return BLOCK.sub(table, text)


def main() -> int:
    """Write or check."""
    stale = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = path.read_text()
        new = filled(text)
        if new != text:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(new)
    print("\n".join(f"{'stale' if '--check' in sys.argv else 'written'}: {name}" for name in stale) or "up to date")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
