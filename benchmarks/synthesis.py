"""Speed of the DDSP bank beside the SoundFont player, one core, in one run: benchmarks/results/synthesis.json.

    python benchmarks/synthesis.py

A four-part chorale of 60 s (480 notes) at 44.1 kHz stereo, with room, levelling and limiting, by both synths.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np
import torch

from symbolic_music.score import Score, note_table
from symbolic_music.synthesis import render

RESULTS = Path(__file__).parent / "results" / "synthesis.json"
VOICES = {"piano": 0, "church organ": 19, "violin": 40, "string ensemble": 48, "choir": 52, "flute": 73}
CHORDS = ((72, 67, 64, 48), (71, 67, 62, 55), (69, 65, 60, 53), (67, 64, 60, 48), (74, 69, 65, 50), (72, 67, 64, 52))
SECONDS, SAMPLE_RATE, RUNS = 60, 44100, 3


def chorale(program: int) -> Score:
    """Crotchets at 120 a minute in four tracks."""
    rows = [
        (480 * beat, 480, CHORDS[beat % len(CHORDS)][part], 70 + 5 * (beat % 8), program, 0, part)
        for beat in range(2 * SECONDS)
        for part in range(4)
    ]
    return Score(480, note_table(rows))


def speed(score: Score, synth: str) -> float:
    """Seconds of sound for a second of work, the median of three runs."""
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        audio = render(score, synth, SAMPLE_RATE)
        taken.append(audio.duration / (time.perf_counter() - start))
        assert np.isfinite(audio.samples).all()
    return statistics.median(taken)


def processor() -> str:
    """The model of the processor, where the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main() -> None:
    """Measure, print and store."""
    torch.set_num_threads(1)
    render(chorale(0).clip(0, 2))
    rows = []
    for name, program in VOICES.items():
        score = chorale(program)
        ours, peer = speed(score, "ddsp"), speed(score, "soundfont")
        rows.append({"metric": f"four parts, {name}", "ours": round(ours, 1), "peer": round(peer, 1),
                     "peer_name": "tinysoundfont 0.3.7, TimGM6mb, same mixing", "ratio": round(ours / peer, 2),
                     "unit": "x real time"})  # fmt: skip
        print(f"{name:16} {ours:6.1f} x real time, SoundFont {peer:6.1f}")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    result = {
        "name": "synthesis",
        "command": "python benchmarks/synthesis.py",
        "commit": commit.stdout.strip(),
        "machine": f"{processor()}, {os.cpu_count()} cores, one thread used, {platform.system()}",
        "n": RUNS,
        "rows": rows,
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
