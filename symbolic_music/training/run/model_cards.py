"""The card of a model that a run trains."""

from __future__ import annotations

import math

from torch import nn

from symbolic_music.evaluation.likelihood import Likelihood
from symbolic_music.models.model import Card
from symbolic_music.training.config import TrainConfig


def card_of(config: TrainConfig, network: nn.Module, found: Likelihood, step: int, base: Card | None = None) -> Card:
    """The card from the config and the validation likelihood; with `base`, the model that the run began from."""
    figures = {
        "step": step,
        "valid_nats_per_token": found.per_token,
        "valid_nats_per_note": found.per_note,
        "valid_bits_per_second": found.bits_per_second,
    }
    data = config.data.path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return Card(
        name=config.name,
        parameters=sum(p.numel() for p in network.parameters()),
        license=config.license if base is None else _both_licences(config.license, base),
        data=data if base is None else f"{data}, from the weights of {base.name}",
        description=config.description,
        command=f"symbolic-music train configs/{config.name}.yaml",
        figures={name: round(value, 4) for name, value in figures.items() if math.isfinite(value)},
    )


def _both_licences(own: str, base: Card) -> str:
    """That of the run, and that of the model whose weights are in its own."""
    return own if own == base.license else f"{own}; {base.name}, from which it was trained: {base.license}"


def page_of(card: Card) -> str:
    """CARD.md of a model folder: the card for people."""
    figures = ", ".join(f"{name.replace('_', ' ')} {value:,.4g}" for name, value in card.figures.items())
    lines = [
        f"# {card.name}",
        "",
        f"{card.description or 'A model of symbolic music'}. {card.parameters / 1e6:.2f} M parameters.",
        "",
        f"- **Data**: {card.data}",
        f"- **Licence**: {card.license}",
        f"- **Command**: `{card.command}`",
        f"- **Figures**: {figures}",
    ]
    return "\n".join(lines) + "\n"
