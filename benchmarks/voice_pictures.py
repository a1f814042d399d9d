"""Spectrograms of a held-out note of each voice: recorded, by the trained voice, by the hand-set one.

python benchmarks/voice_pictures.py CONFIG.yaml DATA docs/images/voices.png
"""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib
import numpy as np
import torch
from arguments import arguments
from PIL import Image
from voices import LEAD, Samples, held_notes, one_note, play

from symbolic_music.synthesis.analysis.harmonics import HOP, RATE
from symbolic_music.training.voices.config import load_voice_config

matplotlib.use("Agg")
from matplotlib import pyplot as plt

SECONDS, HIGHEST, RANGE = 1.6, 8000, 75


def picture(wave: Samples) -> np.ndarray:
    """dB under the loudest bin, (bins, frames), from 50 ms before the onset on."""
    padded = np.pad(wave, (0, max(0, round((SECONDS + 0.1) * RATE) - len(wave))))[: round((SECONDS + 0.1) * RATE)]
    window = torch.hann_window(2048)
    spectrum = torch.stft(torch.from_numpy(padded).float(), 2048, 256, window=window, return_complex=True).abs()
    decibels = 20 * torch.log10(spectrum.clamp(min=1e-7))
    return (decibels - decibels.max())[: HIGHEST * 2048 // RATE].numpy()


def main() -> None:
    """Draw and store."""
    given = arguments(("config", Path), ("data", Path), ("out", Path))
    config = load_voice_config(given.config)
    figure, axes = plt.subplots(len(config.voices), 3, figsize=(9, 1.55 * len(config.voices)), sharex=True, sharey=True)
    for row, source in zip(axes, config.voices, strict=True):
        held = held_notes(source, given.data, config.held_out)
        note, real = held[len(held) // 2]
        score = one_note(note, source.programs[0], min(note.held * HOP, SECONDS - 0.2))
        start, first = round((note.start - 0.05) * RATE), round((LEAD - 0.05) * RATE)
        lead = np.pad(real, (max(0, -start), 0))[max(0, start) :]
        waves = (lead, play(score, "midi-ddsp")[first:], play(score, "ddsp")[first:])
        for axis, wave in zip(row, waves, strict=True):
            axis.imshow(
                picture(wave), origin="lower", aspect="auto", cmap="magma", vmin=-RANGE, vmax=0,
                extent=(-0.05, SECONDS + 0.05, 0, HIGHEST / 1000),
            )  # fmt: skip
        row[0].set_ylabel(f"{source.name}\n{note.pitch:.0f}   kHz", fontsize=8)
    for axis, title in zip(axes[0], ("recorded (not trained on)", "midi-ddsp, from the score", "ddsp"), strict=True):
        axis.set_title(title, fontsize=9)
    for axis in axes[-1]:
        axis.set_xlabel("s", fontsize=8)
    for axis in axes.flat:
        axis.tick_params(labelsize=7)
    figure.tight_layout(pad=0.4)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=80)
    Image.open(drawn).convert("RGB").quantize(48).save(given.out, optimize=True)


if __name__ == "__main__":
    main()
