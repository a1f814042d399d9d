"""Write the tables of README.md and docs/*.md from benchmarks/results/*.json.

    python benchmarks/tables.py [--check]

A table stands between `<!-- rows NAME … -->` or `<!-- pivot NAME -->` and `<!-- end -->`. `rows`: a line a result, ours
beside the peer's; of several results each line begins with what stands after the last underscore of its name. `pivot`:
of metrics named `WHAT: FIGURE` a line a WHAT and a column a FIGURE. After
`<!-- models -->` stands the table of architectures, after `<!-- voices -->` that of General MIDI's programs, after
`<!-- drums -->` that of the kit, all up to `<!-- end -->`. docs/benchmarks.md has every result: one that it does not
name is added at its end. With --check nothing is written, and the exit status is 1 when a table is not what its results
say.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"<!-- (rows|pivot) ([\w. -]+) -->\n(.*?)<!-- end -->", re.DOTALL)
MADE = re.compile(r"<!-- (models|voices|drums) -->\n(.*?)<!-- end -->", re.DOTALL)
# Positions, window and source of each architecture; the registry knows the rest.
ABOUT = {
    "aria": ("rotary", "Bradshaw et al. 2025"),
    "midi-llm": ("rotary", "Wu et al. 2025; Llama 3.2"),
    "skytnt": ("rotary; a second network writes the ids of an event", "SkyTNT 2024"),
    "music-transformer": ("relative, by distance; the chorale presets as the paper's rows", "Huang et al. 2018"),
    "sinusoid-transformer": ("sinusoids", "Vaswani et al. 2017; the baseline of Huang et al. 2018"),
    "lstm": ("none needed", "Simon & Oore 2017 (Performance RNN); Huang et al. 2018"),
    "compound-transformer": ("sinusoids", "Hsiao et al. 2021"),
    "x-transformer": ("rotary", "x-transformers; Su et al. 2021"),
    "gpt2": ("learnt", "Radford et al. 2019; Thickstun et al. 2024"),
    "frame-transformer": ("relative, by distance", "ours, for the chorales of Huang et al. 2018"),
    "anticipatory": ("relative, by distance and by musical time", "ours"),
    "region-transformer": ("rotary, by musical time, order, pitch and slot", "ours"),
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
    """Ours beside the peer's; ours alone where no row has a peer. A ratio is shown of times, and of notes a second."""
    if all(row.get("peer") is None and not row.get("peer_name") for row in result["rows"]):
        out = line(["", "measured"]) + line(["---", "--:"])
        return out + "".join(
            line([f"{row['metric']} ({row['unit']})" if row.get("unit") else row["metric"], number(row["ours"])])
            for row in result["rows"]
        )
    out = line(["", "ours", "peer", "", "ratio"]) + line(["---", "--:", "--:", "---", "--:"])
    for row in result["rows"]:
        unit = row.get("unit", "")
        peer = number(row["peer"]) if row.get("peer") is not None else ""
        has_ratio = row.get("ratio") is not None and (unit in ("s", "notes/s") or unit.startswith("ms"))
        ratio = f"{row['ratio']:g} ×" if has_ratio else ""
        out += line([f"{row['metric']} ({unit})" if unit else row["metric"], number(row["ours"]), peer,
                     row.get("peer_name", "") or "", ratio])  # fmt: skip
    return out


def pivot_table(result: dict[str, Any]) -> str:
    """A line a subject, a column a figure, and where it is known the commit of which the figures are."""
    cells: dict[str, dict[str, float]] = {}
    commits: dict[str, str] = {}
    for row in result["rows"]:
        what, _, figure = row["metric"].partition(": ")
        cells.setdefault(what, {})[figure] = row["ours"]
        if "commit" in row:
            commits[what] = row["commit"]
    figures = list(dict.fromkeys(figure for values in cells.values() for figure in values))
    last = ["commit"] if commits else []
    out = line(["", *figures, *last]) + line(["---", *["--:"] * len(figures), *["---"] * len(last)])
    for what, values in cells.items():
        shown = [number(values[f]) if f in values else "" for f in figures]
        out += line([what, *shown, *([commits.get(what, "")] if commits else [])])
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


def voices_table() -> str:
    """A line a program of General MIDI."""
    from symbolic_music.general_midi import instrument_name
    from symbolic_music.synthesis.ddsp.presets import PROGRAMS

    out = line(["", "program", "voice", "oscillator", "attack", "held, it", "release", "moves", "noise"])
    out += line(["--:", "---", "---", "---", "--:", "---", "--:", "---", "---"])
    for number, voice in enumerate(PROGRAMS):
        partials = len(voice.ratios) or len(voice.drawbars) or voice.partials
        kind = (
            "measured"
            if voice.measured
            else "free partials"
            if voice.ratios
            else "stiff string"
            if voice.inharmonicity
            else "harmonics"
        )
        course = f"dies in {voice.decay:g} s" if voice.decay > 0 else "stays"
        moves = [f"vibrato {voice.vibrato:g} cents"] * (voice.vibrato > 0)
        moves += [f"tremolo {voice.tremolo:g} dB"] * (voice.tremolo > 0)
        moves += [f"{len(voice.unison)} together"] * (len(voice.unison) > 1)
        hiss = [f"breath {voice.breath:g} dB"] * (voice.breath > -100)
        hiss += [f"strike {voice.strike:g} dB"] * (voice.strike > -100)
        sizes = [f"{partials} {kind}", f"{1000 * voice.attack:g} ms", course, f"{voice.release:g} s"]
        out += line([str(number), instrument_name(number), voice.name, *sizes, ", ".join(moves), ", ".join(hiss)])
    return out


def drums_table() -> str:
    """A line a key of the kit."""
    from symbolic_music.general_midi import drum_name
    from symbolic_music.synthesis.ddsp.drums import KIT, drum_time

    out = line(["key", "drum", "modes, Hz", "bursts of noise around, Hz", "lasts"]) + line(
        ["--:", "---", "---", "---", "--:"]
    )
    for key, drum in sorted(KIT.items()):
        modes = ", ".join(f"{hz:g}" for hz, _, _ in drum.modes)
        bursts = ", ".join(f"{burst.centre:g}" for burst in drum.bursts)
        out += line([str(key), drum_name(key), modes, bursts, f"{drum_time(key):.2f} s"])
    return out


def with_all_results(text: str) -> str:
    """The page of benchmarks with a table of each result that it does not name yet, at its end."""
    named = {name for names in re.findall(r"<!-- (?:rows|pivot) ([^>]*) -->", text) for name in names.split()}
    for path in sorted((ROOT / "benchmarks" / "results").glob("*.json")):
        rows = json.loads(path.read_text()).get("rows", [])
        if path.stem not in named and rows and "metric" in rows[0]:
            text = f"{text.rstrip()}\n\n### {path.stem}\n\n<!-- rows {path.stem} -->\n<!-- end -->\n"
    return text


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

    tables = {"models": models_table, "voices": voices_table, "drums": drums_table}
    text = MADE.sub(lambda found: f"<!-- {found.group(1)} -->\n{tables[found.group(1)]()}<!-- end -->", text)
    return BLOCK.sub(table, text)


def main() -> int:
    """Write or check."""
    stale = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text = path.read_text()
        new = filled(with_all_results(text) if path.name == "benchmarks.md" else text)
        if new != text:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(new)
    print("\n".join(f"{'stale' if '--check' in sys.argv else 'written'}: {name}" for name in stale) or "up to date")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
