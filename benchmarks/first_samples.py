"""The first ten samples of a model, unselected, on a page of piano rolls.

python benchmarks/first_samples.py MODEL IMAGE [--seconds 20] [--prompt FILE]

Seeds 0 to 9, default sampling; with a prompt its continuations.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from arguments import arguments
from PIL import Image
from tqdm import tqdm

import symbolic_music as sm
from symbolic_music.plotting import piano_roll
from symbolic_music.score import Score

COLUMNS, WIDTH = 2, 760


def drawn(score: Score, title: str, given: float) -> Image.Image:
    """A roll, as wide as all others; what begins within the given seconds is muted."""
    page = io.BytesIO()
    new = score.onset_seconds >= given - 1e-6 if given else None
    piano_roll(score, new, title=title).savefig(page, dpi=100)
    image = Image.open(page).convert("RGB")
    return image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS)


def main() -> None:
    asked = arguments("model", ("image", Path), seconds=20.0, prompt=Path)
    model = sm.load_model(asked.model, device="cpu")
    prompt = None if asked.prompt is None else sm.read(asked.prompt)
    rolls = []
    for seed in tqdm(range(10)):
        score = sm.generate(prompt, asked.seconds, model, seed=seed)
        rolls.append(drawn(score, f"seed {seed}: {len(score)} notes", prompt.duration if prompt else 0.0))
    heights = [max(one.height for one in rolls[i : i + COLUMNS]) for i in range(0, len(rolls), COLUMNS)]
    page = Image.new("RGB", (COLUMNS * WIDTH, sum(heights)), "white")
    for i, one in enumerate(rolls):
        page.paste(one, (i % COLUMNS * WIDTH, int(np.sum(heights[: i // COLUMNS]))))
    page.quantize(64).save(asked.image, optimize=True)


if __name__ == "__main__":
    main()
