"""A model that is taught further instruments says the same of those that it knew."""

from __future__ import annotations

import pytest
import torch

from symbolic_music.errors import ModelError
from symbolic_music.models.architectures.anticipatory import AnticipatoryConfig, AnticipatoryTransformer
from symbolic_music.models.architectures.anticipatory_instruments import with_instruments
from symbolic_music.tokenizers.anticipation import vocabulary as v


def network(*instruments: int) -> AnticipatoryTransformer:
    torch.manual_seed(0)
    net = AnticipatoryTransformer(AnticipatoryConfig(16, 2, 2, 16, instruments, 32, 16, dropout=0.0)).eval()
    for parameter in net.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    return net


def ids(instrument: int) -> torch.Tensor:
    events = [[v.TIME + 10 * i, v.DURATION + 10, v.NOTE + 128 * instrument + 60 + i] for i in range(4)]
    return torch.tensor([[v.AUTOREGRESS, *(one for event in events for one in event)]])


def test_what_it_knew_it_says_again_and_the_others_hardly() -> None:
    net = network(40, 7)
    taught = with_instruments(net, (3, 40, 128))
    assert taught.config.instruments == (3, 7, 40, 128)
    with torch.no_grad():
        before, after = net(ids(40)), taught(ids(40))
    known = torch.ones(v.SIZE, dtype=torch.bool)
    for one in (3, 128):
        known[v.NOTE + 128 * one :][:128] = False
    torch.testing.assert_close(after[..., known], before[..., known], atol=0.01, rtol=0)
    assert after[:, 2::3, v.NOTE :][..., 3 * 128 : 4 * 128].exp().sum(-1).max() < 0.01
    with torch.no_grad():
        assert not taught(ids(128)).isnan().any()
    with pytest.raises(ModelError, match="does not have"):
        net(ids(128))


def test_nothing_is_done_where_all_are_known() -> None:
    net = network(40, 7)
    assert with_instruments(net, (7,)) is net
    with pytest.raises(ModelError):
        with_instruments(net, (200,))
