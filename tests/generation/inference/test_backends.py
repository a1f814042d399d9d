"""The sampler with our own anticipatory transformer: what it says it drew is what the network says of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from symbolic_music.corpora.windows.edit_examples import rows
from symbolic_music.evaluation import likelihood
from symbolic_music.generation import AnticipationSampler, Request, Sampling, sample_anticipation
from symbolic_music.models import AnticipatoryConfig, AnticipatoryTransformer
from symbolic_music.tokenizers.anticipation.events import pad
from tests.generation.tiny_gpt2 import table


@pytest.fixture(scope="module")
def network() -> AnticipatoryTransformer:
    torch.manual_seed(0)
    config = AnticipatoryConfig(width=16, layers=1, heads=2, hidden=16, window=64, instruments=(0, 40, 128))
    return AnticipatoryTransformer(config).eval()


PAST = table([(0, 50, 60), (60, 50, 62), (120, 40, 40 * 128 + 64)])
REQUEST = Request(end=400, start=180, past=PAST, instruments=(0, 40))


def test_what_is_written_has_the_likelihood_that_the_network_gives_it(network: AnticipatoryTransformer) -> None:
    found = sample_anticipation(network, REQUEST, 2, Sampling(top_p=1.0), seed=1)[0]
    for one in found:
        past = pad(PAST, REQUEST.start)
        whole = np.concatenate([past, one.rows])
        nats = [likelihood(network, [rows(t, np.zeros(len(t), bool))]).nats for t in (past, whole)]
        # The sampler leaves out what may not follow: less is left to choose from.
        assert -one.log_probability <= nats[1] - nats[0] + 1e-4
        assert set((one.events[:, 2] // 128).tolist()) <= {0, 40}
    assert not np.array_equal(found[0].rows, found[1].rows)


def test_with_nothing_before_it_time_counts_from_the_present(network: AnticipatoryTransformer) -> None:
    request = Request(end=1000, start=730, instruments=(0,), controls=table([(1100, 10, 128 * 128 + 36)]))
    drawn = list(AnticipationSampler(network, request, beat=60, seed=2).stream())
    assert drawn
    assert all(730 <= note.time < 1000 for note in drawn)


def test_a_long_piece_slides(network: AnticipatoryTransformer) -> None:
    request = Request(end=12_000, start=0, instruments=(0,), most=300)
    sampler = AnticipationSampler(network, request, beat=60, seed=3)
    assert sum(1 for _ in sampler.stream()) > 64
    assert sampler.alternatives()[0][0].rows[-1, 0] > 1000
