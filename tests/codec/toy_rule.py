"""A toy rule by which codes follow the score, and the training of a model of codes on it."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch


class Learnt(NamedTuple):
    """Codes and features of new examples; nats a code given their features, and given another example's."""

    codes: torch.Tensor
    features: torch.Tensor
    conditioned: float
    lied: float


def learn(net: Any, batch: int) -> Learnt:
    """Train for 300 steps: three codebooks of eight entries, five features, eight frames."""
    optimizer = torch.optim.Adam(net.train().parameters(), 5e-3)
    generator = torch.Generator().manual_seed(0)

    def examples() -> tuple[torch.Tensor, torch.Tensor]:
        notes = torch.randint(0, 5, (batch, 8), generator=generator)
        codes = torch.stack([notes, (notes + 1) % 8, (2 * notes) % 8], dim=1)
        return codes, torch.nn.functional.one_hot(notes, 5).float()

    for _ in range(300):
        nats, count = net.loss(*examples())
        optimizer.zero_grad()
        (nats / count).backward()
        optimizer.step()
    net.eval()
    codes, features = examples()
    with torch.no_grad():
        conditioned, count = net.loss(codes, features)
        lied, _ = net.loss(codes, features.roll(1, 0))
    return Learnt(codes, features, float(conditioned) / count, float(lied) / count)
