"""Add instruments to an anticipatory transformer before further training."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import torch

from symbolic_music.models.architectures.anticipatory import AnticipatoryTransformer

_RARER, _NOISE = 8.0, 0.02


@torch.no_grad()
def with_instruments(network: AnticipatoryTransformer, instruments: Collection[int]) -> AnticipatoryTransformer:
    """A network with further instruments, and the same predictions for the instruments of this one.

    Further ones are read as the mean of those known and a little noise of their own, and written e^-8 as likely as
    those on average: next to never before they are learnt.

    Args:
        network: is not changed; it is returned if it has all of them.
        instruments: numbers from 0 to 128. ModelError for others.
    """
    known = network.config.instruments
    every = tuple(sorted({*known, *instruments}))
    if len(every) == len(known):
        return network
    taught = AnticipatoryTransformer(dataclasses.replace(network.config, instruments=every))
    old, new = network.state_dict(), taught.state_dict()
    places = torch.tensor([every.index(one) for one in known] + [len(every)])  # rests are last
    for name, value in new.items():
        if value.shape == old[name].shape:
            value.copy_(old[name])
            continue
        mean = old[name][:-1].mean(dim=0)
        if name == "heads.instrument.logits.bias":
            value.copy_(mean - _RARER)
        elif name == "instrument.weight":
            value.copy_(mean + _NOISE * torch.randn_like(value))
        else:
            value.copy_(mean)
        value[places] = old[name]
    return taught
