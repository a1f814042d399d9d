"""A network of random weights."""

from __future__ import annotations

import torch

from symbolic_music.transcription.network import Transcriber, TranscriberConfig

RATE = 16_000


def noisy() -> Transcriber:
    """A small network whose onsets are often likely, so that it finds something in noise."""
    torch.manual_seed(0)
    made = Transcriber(TranscriberConfig(width=8, dilations=(1, 2)))
    for layer in made.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        made.onset.weights.weight.normal_()
        made(torch.randn(1, RATE) * 0.1)
    return made
