"""A window of about 1,024 ids out of a held score, by every tokenizer and preset, beside MidiTok where it has the like.

    python benchmarks/tokenizers_window.py MAESTRO_FOLDER [--files 40]

`encode` is the encoding of a window that is cut already; `cut and encode` includes `Score.clip` out of the whole piece.
Words of several fields count as one id. Times are processor time, each the median over the files of the median of
several calls; MidiTok encodes the same window, already cut and already its own kind of score. Stored in
benchmarks/results/tokenizers_window.json.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import miditok
from arguments import arguments
from result_file import row as result_row
from result_file import write_result

from symbolic_music import Score, read, tokenizers
from symbolic_music.io.midi.symusic_bridge import to_symusic
from symbolic_music.tokenizers import Tokenizer

WANTED = 1024
CALLS = 15
PEERS = {"remi": miditok.REMI, "compound": miditok.CPWord, "performance": miditok.MIDILike}
# Beside the presets as they are: those of their options that cost most.
MORE = [
    {"name": "remi", "preset": "default", "use_chords": True},
    {"name": "remi", "preset": "miditok", "use_tempos": True, "use_programs": True},
    {"name": "compound", "preset": "default", "use_chords": True},
    {"name": "compound", "preset": "miditok", "use_tempos": True, "use_programs": True},
    {"name": "anticipation", "preset": "default", "control_programs": [128]},
]


def configs() -> list[dict[str, Any]]:
    """Every preset that the registry knows but MidiTok's own, each followed by its options in MORE."""
    found: list[dict[str, Any]] = []
    for name in tokenizers.names():
        if not name.startswith("miditok:"):
            for preset in tokenizers.presets(name):
                found.append({"name": name, "preset": preset})
                found += [more for more in MORE if (more["name"], more["preset"]) == (name, preset)]
    return found


def label(config: dict[str, Any]) -> str:
    """As a reader would say it."""
    options = [key.removeprefix("use_").replace("_", " ") for key in config if key not in ("name", "preset")]
    return f"{config['name']} {config['preset']}" + (f", {', '.join(options)}" if options else "")


def count(ids: Any) -> int:
    """Ids, or words, of all tracks."""
    return sum(map(len, ids)) if isinstance(ids, list) else len(ids)


def window(score: Score, tokenizer: Tokenizer, rng: random.Random) -> tuple[float, float]:
    """Seconds between which a score has about WANTED ids, from somewhere in its first half on."""
    onsets = score.onset_seconds
    first = rng.randrange(len(onsets) // 2)
    notes = 300
    for _ in range(5):
        last = min(first + notes, len(onsets) - 1)
        start, end = float(onsets[first]), max(float(onsets[last]), float(onsets[first]) + 0.01)
        notes = max(1, round(notes * WANTED / max(1, count(tokenizer.encode(score.clip(start, end))))))
    return start, end


def milliseconds(work: Callable[[], Any], calls: int = CALLS) -> float:
    """Median processor time of a call, after two to warm up."""
    work(), work()
    taken = []
    for _ in range(calls):
        begin = time.process_time_ns()
        work()
        taken.append((time.process_time_ns() - begin) / 1e6)
    return statistics.median(taken)


def measure(config: dict[str, Any], scores: list[Score]) -> list[dict[str, Any]]:
    """Rows of one tokenizer."""
    tokenizer = tokenizers.get(**config)
    options = {key: value for key, value in config.items() if key.startswith("use_")}
    peer = PEERS.get(config["name"])
    theirs = peer(miditok.TokenizerConfig(**options)) if peer else None
    rng = random.Random(0)
    encode, both, ids, peers = [], [], [], []
    for score in scores:
        start, end = window(score, tokenizer, rng)
        cut = score.clip(start, end)
        ids.append(count(tokenizer.encode(cut)))
        encode.append(milliseconds(lambda t=tokenizer, c=cut: t.encode(c)))
        both.append(milliseconds(lambda t=tokenizer, s=score, a=start, b=end: t.encode(s.clip(a, b))))
        if theirs is not None:
            theirs_cut = to_symusic(cut)
            peers.append(milliseconds(lambda t=theirs, c=theirs_cut: t.encode(c), 3))
    name = f"MidiTok {peer.__name__}" if peer else ""
    their_time = statistics.median(peers) if peers else None
    print(f"{label(config):44} {statistics.median(ids):6.0f} ids", end="  ")
    return [
        row(f"{label(config)}: encode", statistics.median(encode), their_time, name),
        row(f"{label(config)}: cut and encode", statistics.median(both), None, ""),
    ]


def row(metric: str, ours: float, peer: float | None, peer_name: str) -> dict[str, Any]:
    """One row of the result; the ratio says how many times smaller ours is."""
    ratio = None if peer is None else round(peer / ours, 1)
    return result_row(metric, ours, "ms of processor time a window", peer, peer_name, ratio)


def main() -> None:
    """Measure, print and store."""
    args = arguments(("folder", Path), files=40)
    files = sorted(p for p in args.folder.rglob("*") if p.suffix.lower() in (".mid", ".midi"))
    random.Random(0).shuffle(files)
    scores = [read(path) for path in files[: args.files]]
    rows = []
    for config in configs():
        rows += measure(config, scores)
        print()
    write_result("tokenizers_window", len(scores), rows)


if __name__ == "__main__":
    main()
