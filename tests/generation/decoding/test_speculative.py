"""Speculative sampling: what is drawn is the large model's, whatever the draft is."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import product

import numpy as np
import pytest
import torch

import symbolic_music as sm
from symbolic_music.errors import OptionError
from symbolic_music.generation import Region, Request, edit, with_draft
from symbolic_music.generation.constraints.pitch import NoUnison
from symbolic_music.generation.decoding import event_sampler
from symbolic_music.generation.decoding.event_request import Alternative
from symbolic_music.generation.decoding.event_sampler import AnticipationSampler
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.decoding.speculative import SpeculativeSampler, acceptance, sampler_for
from symbolic_music.generation.inference.draft_model import DraftedGPT2
from symbolic_music.generation.inference.prepared_gpt2 import PreparedGPT2
from symbolic_music.generation.regions import spans_of
from symbolic_music.models import Card, Model
from symbolic_music.models.architectures.gpt2 import GPT2
from symbolic_music.tokenizers.anticipation.events import REST_NOTE
from tests.corpora.example_stores import band
from tests.generation.tiny_gpt2 import table, tiny
from tests.generation.untouched import check_kept


@cache
def networks(noise: float = 0.1, context: int = 121) -> tuple[GPT2, GPT2]:
    """A network, and a like one that is off by some noise."""
    large, small = tiny(context), tiny(context)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in small.parameters():
            parameter.add_(noise * torch.randn(parameter.shape, generator=generator))
    return large, small


def drafted(noise: float = 0.1, context: int = 121) -> DraftedGPT2:
    return DraftedGPT2(*(PreparedGPT2(one) for one in networks(noise, context)))


def along(sampler: AnticipationSampler, rows: list[list[int]]) -> Alternative:
    """What a plain sampler of one alternative says of given rows."""
    group = sampler._groups[0]
    line = group.lines[0]

    def chosen(logits: np.ndarray, choices: list, sampling: Sampling, field: int) -> list[int]:
        if len(line.rows) == len(rows):
            return [len(line.note_gaps) if field == 0 else 0]  # the end
        time, duration, note = rows[len(line.rows)]
        last = len(group.notes) if note == REST_NOTE else int(np.flatnonzero(group.notes == note)[0])
        index = (time - line.window.now, duration, last)[field]
        masked = np.where(choices[0][1], logits[0], -np.inf)
        line.scores[field] = float(event_sampler.log_softmax(masked[None])[0, index])
        return [index]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_sampler, "_drawn", chosen)
        for _ in sampler.stream():
            pass
    return sampler.alternatives()[0][0]


def test_all_sequences_of_a_toy_have_the_large_models_probabilities() -> None:
    """Enumerated: chains of three draws of four ids, drafted three at a time, each draw given the one before."""
    rng = np.random.default_rng(0)
    p, q = (rng.dirichlet(np.full(4, 0.5), 5) for _ in range(2))  # of the draw after none, and after each id
    q[0, 1] = 0.0
    q[0] /= q[0].sum()
    found = dict.fromkeys(product(range(4), repeat=3), 0.0)

    def go_on(prefix: tuple[int, ...], drafts: tuple[int, ...], chance: float) -> None:
        """All that may happen while drafts are looked at, and after the first that is not taken."""
        if len(prefix) == 3:
            found[prefix] += chance
            return
        before = prefix[-1] + 1 if prefix else 0
        if not drafts:
            for guess in product(range(4), repeat=3 - len(prefix)):
                states = (before, *(one + 1 for one in guess[:-1]))
                likely = float(np.prod([q[state, one] for state, one in zip(states, guess, strict=True)]))
                if likely:
                    go_on(prefix, guess, chance * likely)
            return
        share, rest = acceptance(p[before], q[before], drafts[0])
        go_on((*prefix, drafts[0]), drafts[1:], chance * share)
        for other in range(4):
            if rest[other] and share < 1:
                go_on((*prefix, other), (), chance * (1 - share) * rest[other])

    go_on((), (), 1.0)
    for one, chance in found.items():
        expected = p[0, one[0]] * p[one[0] + 1, one[1]] * p[one[1] + 1, one[2]]
        assert chance == pytest.approx(expected, abs=1e-12)


def test_samples_are_distributed_as_those_of_the_large_model() -> None:
    """Chi-square of two samples of 300, by the first two events; a nucleus of two ids a draw leaves few of them."""
    model, few = drafted(0.1), Sampling(top_k=2, top_p=1.0)
    request = Request(end=400, past=table([(0, 30, 60)]), instruments=(0,), most=2)
    counts = []
    for kind, network in ((SpeculativeSampler, model), (AnticipationSampler, model.network)):
        sampler = kind(network, request, 300, few, seed=3)
        for _ in sampler.stream():
            pass
        counts.append(Counter(tuple(map(tuple, one.events.tolist())) for one in sampler.alternatives()[0]))
        if isinstance(sampler, SpeculativeSampler):
            assert 0.1 < sampler.accepted / sampler.verified < 0.95
    kinds = sorted(counts[0] | counts[1])
    ours, theirs = (np.array([own[one] for one in kinds], float) for own in counts)
    assert len(kinds) > 8
    rare = ours + theirs < 12
    ours, theirs = (np.append(own[~rare], own[rare].sum()) for own in (ours, theirs))
    both = ours + theirs
    kept = both > 0
    statistic = float((((ours - theirs) ** 2)[kept] / both[kept]).sum())
    freedom = int(kept.sum()) - 1
    # Wilson and Hilferty's approximation; beyond 3.3 deviations lies one in two thousand.
    assert ((statistic / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / np.sqrt(2 / (9 * freedom)) < 3.3


def test_a_draft_that_is_the_model_is_always_taken() -> None:
    model = PreparedGPT2(networks()[0])
    request = Request(end=800, past=table([(0, 30, 60)]), controls=table([(500, 20, 3000), (700, 20, 3001)]))
    sampler = SpeculativeSampler(DraftedGPT2(model, model), request, 2, seed=1)
    assert len(list(sampler.stream())) > 4
    assert sampler.accepted == sampler.verified > 20


@pytest.mark.parametrize("noise", [0.0, 0.2, 3.0])
def test_likelihoods_and_windows_are_the_plain_samplers(noise: float) -> None:
    """What is drawn has the probabilities that the large model gives it, past slides of the window."""
    model = drafted(noise, 61)
    request = Request(
        end=1500, start=40, past=table([(0, 30, 60), (40, 9, 61)]), instruments=(0, 3), constraints=(NoUnison(),)
    )
    sampler = SpeculativeSampler(model, request, 1, seed=4)
    drawn = list(sampler.stream())
    one = sampler.alternatives()[0][0]
    assert [(d.time, d.duration, d.note) for d in drawn] == list(map(tuple, one.events.tolist()))
    assert len(one.rows) > 22  # the window holds 20
    again = along(AnticipationSampler(model.network, request, 1), one.rows.tolist())
    assert np.array_equal(again.rows, one.rows)
    assert np.allclose(again.log_probabilities, one.log_probabilities, atol=1e-4)


def test_edits_take_a_draft() -> None:
    large, small = (Model(network, Card(name, 1, "", "")) for network, name in zip(networks(), "ab", strict=True))
    model = with_draft(large, small)
    assert sampler_for(model.network) is SpeculativeSampler
    score, region = band(1, 60), Region(4, 8, "beats")
    for one in edit(score, [region], [0, 1], model, seed=1, count=2).finish():
        check_kept(score, one, spans_of(score, [region]), [0, 1])
        assert len(one.notes)
    assert len(sm.generate(score, 2.0, model, seed=1)) > len(score)
    with pytest.raises(OptionError, match="'chorales' takes part in no draft"):
        with_draft(large, sm.load_model("chorales"))
    shorter = Model(tiny(61), Card("c", 1, "", ""))
    with pytest.raises(OptionError, match="'c' sees fewer ids than 'a'"):
        with_draft(large, shorter)
