"""The first ten samples of a model, unselected, on a page of piano rolls.

python benchmarks/first_samples.py MODEL IMAGE [--seconds 20] [--prompt FILE]

Seeds 0 to 9, default sampling; with a prompt its continuations.
"""

from __future__ import annotations

from pathlib import Path

from arguments import arguments
from roll_pages import paged, roll
from tqdm import tqdm

import symbolic_music as sm

COLUMNS, WIDTH = 2, 760


def main() -> None:
    asked = arguments("model", ("image", Path), seconds=20.0, prompt=Path)
    model = sm.load_model(asked.model, device="cpu")
    prompt = None if asked.prompt is None else sm.read(asked.prompt)
    rolls = []
    for seed in tqdm(range(10)):
        score = sm.generate(prompt, asked.seconds, model, seed=seed)
        new = None if prompt is None else score.onset_seconds >= prompt.duration - 1e-6
        rolls.append(roll(score, new, None, f"seed {seed}: {len(score)} notes", WIDTH))
    paged(rolls, COLUMNS).quantize(64).save(asked.image, optimize=True)


if __name__ == "__main__":
    main()
