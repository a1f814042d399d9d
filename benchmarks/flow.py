"""Sound of the flow decoder beside that of codec-depth: transcribed notes, chroma, distance, and speed.

python benchmarks/flow.py FOLDER... [--model flow] [--count 6] [--seconds 10]

FOLDERs, pieces and figures are those of codec_lm.py (`data/pairs.py` makes folders; every twentieth pair is held
out). Speed: seconds of sound made in a second, after a first short piece, on as many threads as torch takes.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from arguments import arguments
from codec_lm import measured
from result_file import row, write_result

import symbolic_music as sm
from symbolic_music.codec import load_flow, load_writer, render_by_codec, render_by_flow
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio

STEPS = {
    "flow, 4 steps": 4, "flow, 8 steps": 8, "flow, 2 steps by the shortcut": 2, "flow, 1 step by the shortcut": 1,
}  # fmt: skip


def speed(make: Callable[[Score], Audio], score: Score) -> float:
    """Seconds of sound a second."""
    make(score.clip(0, 1))
    start = time.perf_counter()
    sound = make(score)
    return sound.samples.shape[1] / sound.sample_rate / (time.perf_counter() - start)


def main() -> None:
    asked = arguments(("folders+", Path), model="flow", count=6, seconds=10.0)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    decoder, writer = load_flow(asked.model, "cpu")[0], load_writer("codec-depth", device="cpu")
    makers: dict[str, Callable[[Score], Audio]] = {
        name: lambda score, steps=steps: render_by_flow(score, decoder, steps=steps)  # type: ignore[misc]
        for name, steps in STEPS.items()
    }
    rows = [
        one
        for folder in asked.folders
        for one in measured(folder, writer, asked.count, asked.seconds, makers, baselines=False)
    ]
    rows = [one | {"metric": one["metric"].replace("the model, ", "codec-depth, ")} for one in rows]
    write_result("flow", asked.count, rows)
    score = sm.read(next(asked.folders[0].glob("*.mid"))).clip(0, asked.seconds)
    peer = speed(lambda one: render_by_codec(one, writer), score)
    speeds = [
        row(f"sound a second: {name}", speed(make, score), "s/s", peer, "codec-depth") for name, make in makers.items()
    ]
    write_result("flow_speed", 1, speeds)


if __name__ == "__main__":
    main()
