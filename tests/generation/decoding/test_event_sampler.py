from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from symbolic_music.errors import ModelError, OptionError, RegionError
from symbolic_music.generation.constraints.pitch import PitchRange
from symbolic_music.generation.constraints.rhythm import GivenRhythm
from symbolic_music.generation.decoding.context_window import Layout
from symbolic_music.generation.decoding.event_request import Request
from symbolic_music.generation.decoding.event_sampler import AnticipationSampler, EventSampling, sample_anticipation
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.inference.prepared_gpt2 import PreparedGPT2
from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.events import REST_NOTE
from tests.generation.tiny_gpt2 import table, tiny

OPEN = Sampling(top_p=1.0)
# Drums, and twenty instruments.
CONTROLS = table([(60 * i, 20 + i, 128 * (i % 20 if i % 3 else 128) + 40 + i % 30) for i in range(30)])
PAST = table([(0, 50, 60), (30, 20, 128 * 5 + 62), (30, 20, 128 * 128 + 36), (350, 10, 64)])


@pytest.fixture(scope="module")
def network() -> GPT2:
    return tiny()


def ids_of(row: tuple[int, ...], base: int) -> list[int]:
    up = v.CONTROL if row[3] else 0
    return [row[0] - base + up, v.DURATION + row[1] + up, v.NOTE + row[2] + up]


def uncached(network: GPT2, request: Request, rows: np.ndarray, capacity: int, hop: int, slides: int = 3) -> np.ndarray:
    """Log-probabilities of drawn rows by the definition: a whole forward pass for every id. Past given padded."""
    history: list[tuple[int, int, int, bool]] = []
    controls = [(*row, True) for row in request.controls.tolist()]
    flag = v.ANTICIPATE if controls else v.AUTOREGRESS
    previous = 0 if len(request.past) else request.start
    for row in request.past.tolist():
        while controls and controls[0][0] <= previous + 500:
            history.append(controls.pop(0))
        history.append((*row, False))
        previous = row[0]
    while controls and controls[0][0] <= previous + 500:
        history.append(controls.pop(0))
    first, slid = 0, 0
    base = min([previous, *(row[0] for row in history)])
    out = []
    for time, duration, note in rows.tolist():
        while controls and controls[0][0] <= previous + 500:
            history.append(controls.pop(0))
        if len(history) - first + 1 > capacity or previous - base >= 9000:
            first = max(0, len(history) - (capacity - hop))
            old = [i for i in range(first, len(history)) if history[i][0] < previous - 5000]
            first = old[-1] + 1 if old else first
            base = min([previous, *(row[0] for row in history[first:])])
            slid += 1
        ids = [
            flag,
            *itertools.chain(*(ids_of(row, base) for row in history[first:])),
            time - base,
            v.DURATION + duration,
        ]
        with torch.no_grad():
            logits = network.logits(network.states(torch.tensor([ids]))[0, -3:]).double()
        earliest = max(previous, request.start)
        times = logits[0, earliest - base : min(previous + 101 - base, 10_000)].log_softmax(-1)
        durations = logits[1, v.DURATION : v.NOTE].log_softmax(-1)
        may_rest = duration == 0 and time == previous + 100
        instruments = range(129) if request.instruments is None else request.instruments
        block = [128 * i + p for i in instruments for p in range(128)] + [REST_NOTE] * may_rest
        notes = logits[2, v.NOTE + torch.tensor(block)].log_softmax(-1)
        out.append([times[time - earliest].item(), durations[duration].item(), notes[block.index(note)].item()])
        history.append((time, duration, note, False))
        previous = time
    assert slid >= slides
    return np.array(out)


@pytest.mark.parametrize("hop", [3, 10])
@pytest.mark.parametrize("controls", [table([]), CONTROLS], ids=["alone", "controls"])
def test_distributions_are_those_of_the_model_across_slides(network: GPT2, controls: np.ndarray, hop: int) -> None:
    """A batch of two requests of two alternatives, beside forward passes without any cache."""
    requests = [Request(2300, 300, controls=controls), Request(2600, 1000, PAST + np.int32([640, 0, 0]), controls)]
    capacity = Layout.of(40).capacity
    assert capacity == 13
    for request, found in zip(requests, sample_anticipation(network, requests, 2, OPEN, seed=1, hop=hop), strict=True):
        past = list(request.past.tolist())
        if past:  # 640, 670, 670, 990: rests a second apart
            past[3:3] = [[770, 0, REST_NOTE], [870, 0, REST_NOTE], [970, 0, REST_NOTE]]
        padded = Request(request.end, request.start, table(past[:0]), controls)
        object.__setattr__(padded, "past", table(past))
        for alternative in found:
            assert len(alternative.rows) > 20
            expected = uncached(network, padded, alternative.rows, capacity, hop)
            assert np.allclose(alternative.log_probabilities, expected, atol=1e-4)


def test_the_clock_is_set_back_before_it_runs_out() -> None:
    """Rests and few notes for a hundred seconds: the window is not full, but times of one stay below 100 s."""
    network = tiny(context=1000)
    request = Request(10_500, instruments=(3,), controls=CONTROLS)
    (alternative,) = sample_anticipation(network, request, 1, OPEN, seed=2)[0]
    assert len(alternative.rows) + len(CONTROLS) < Layout.of(1000).capacity
    assert alternative.rows[-1, 0] > 10_300
    expected = uncached(network, request, alternative.rows, 333, 1, slides=1)
    assert np.allclose(alternative.log_probabilities, expected, atol=1e-4)


def test_a_draw_does_not_depend_on_the_other_alternatives_and_requests(network: GPT2) -> None:
    one, other = Request(1500, 300, controls=CONTROLS), Request(900, instruments=(0, 40))
    several = sample_anticipation(network, [one, other], 3, seed=5)
    alone = sample_anticipation(network, one, 1, seed=5)
    assert np.array_equal(alone[0][0].rows, several[0][0].rows)
    assert np.array_equal(sample_anticipation(network, one, 2, seed=5)[0][1].rows, several[0][1].rows)
    assert not np.array_equal(several[0][0].rows, several[0][1].rows)
    assert not np.array_equal(sample_anticipation(network, one, 1, seed=6)[0][0].rows, alone[0][0].rows)


def test_controls_come_back_once_and_in_place(network: GPT2) -> None:
    request = Request(1000, 350, PAST, CONTROLS)
    (found,) = sample_anticipation(network, request, seed=1)[0]
    merged = found.merged(request)
    assert len(np.unique(CONTROLS[:, 2] // 128)) > 16
    assert len(merged) == len(PAST) + len(CONTROLS) + len(found.events)
    for row in (*PAST, *CONTROLS):
        assert (merged == row).all(axis=1).sum() == 1
    assert (np.diff(merged[:, 0]) >= 0).all()
    assert (found.events[:, 2] < v.MAX_NOTE).all()


def test_only_the_instruments_asked_for_and_only_in_the_region(network: GPT2) -> None:
    requests = [Request(1000, 450, instruments=(7, 128)), Request(800, 100, instruments=(7, 128)), Request(700, 50)]
    found = sample_anticipation(network, requests, 2)
    for request, alternatives in zip(requests, found, strict=True):
        for one in alternatives:
            assert one.complete
            assert len(one.events)
            assert one.events[:, 0].min() >= request.start
            assert one.events[:, 0].max() < request.end
            if request.instruments:
                assert set(one.events[:, 2] // 128) <= {7, 128}


def test_the_stream_gives_each_note_and_can_be_closed(network: GPT2) -> None:
    request = Request(1000)
    sampler = AnticipationSampler(network, request, 2, seed=3)
    stream = sampler.stream()
    notes = list(itertools.islice(stream, 7))
    stream.close()
    assert [(n.request, n.alternative) for n in notes[:2]] == [(0, 0), (0, 1)]
    first, _ = sampler.alternatives()[0]
    assert not first.complete
    own = [[n.time, n.duration, n.note] for n in notes if n.alternative == 0]
    assert first.events[: len(own)].tolist() == own
    assert notes[0].note == 128 * notes[0].instrument + notes[0].pitch
    for _ in sampler.stream():
        pass
    whole = sampler.alternatives()[0]
    assert [a.complete for a in whole] == [True, True]
    expected = sample_anticipation(network, request, 2, seed=3)[0]
    for one, same in zip(whole, expected, strict=True):
        assert np.array_equal(one.rows, same.rows)


def test_fields_are_drawn_as_each_is_told_to(network: GPT2) -> None:
    """The likeliest duration always; of the notes one of three."""
    sampling = EventSampling(OPEN, Sampling(temperature=0), Sampling(top_k=3, top_p=1))
    (found,) = sample_anticipation(network, Request(600, instruments=(0,)), 1, sampling)[0]
    # One of a thousand that is the likeliest has at least a thousandth.
    assert (found.log_probabilities[:, 1] >= np.log(1e-3)).all()
    assert (found.log_probabilities[:, 2] >= np.log(1 / 129 / 3)).all()
    again = sample_anticipation(network, Request(600, instruments=(0,)), 1, EventSampling(note=OPEN))[0][0]
    assert not np.array_equal(found.rows, again.rows)


def test_the_limit_of_notes_and_the_end_of_the_models_own_will(network: GPT2) -> None:
    (found,) = sample_anticipation(network, Request(5000, most=5))[0]
    assert len(found.rows) == 5
    assert not found.complete
    ready = tiny()
    with torch.no_grad():
        # What ends a piece is as likely as can be.
        ready.embedding.weight[v.SEPARATOR] = 100 * ready.norm.bias + 50 * ready.norm.weight.sign()
        ready.norm.bias += ready.norm.weight.sign() * 3
    (found,) = sample_anticipation(ready, Request(5000, may_end=1000, instruments=(0,)))[0]
    assert found.complete
    assert 900 < found.rows[-1, 0] < 1200


def test_the_beginning_of_a_piece_is_told(network: GPT2) -> None:
    sampler = AnticipationSampler(network, Request(500, opening=True))
    next(sampler.stream())
    (found,) = sampler.alternatives()[0]
    time, duration, note = found.rows[0].tolist()
    with torch.no_grad():
        ids = torch.tensor([[v.AUTOREGRESS, *[v.SEPARATOR] * 3, time, v.DURATION + duration]])
        logits = network(ids)[0].double()
    assert found.log_probabilities[0, 0] == pytest.approx(logits[3, :101].log_softmax(-1)[time].item(), abs=1e-4)
    block = logits[5, v.NOTE : v.REST + (duration == 0 and time == 100)].log_softmax(-1)
    assert found.log_probabilities[0, 2] == pytest.approx(block[note].item(), abs=1e-4)


def test_what_cannot_be_asked_for(network: GPT2) -> None:
    with pytest.raises(RegionError, match="need 0 <= start < end"):
        Request(5, 5)
    with pytest.raises(RegionError, match="after the start"):
        Request(500, 100, PAST)
    with pytest.raises(OptionError, match="not sorted"):
        Request(500, controls=PAST[::-1])
    with pytest.raises(OptionError, match="no time, duration and note"):
        Request(500, controls=table([(0, 1000, 0)]))
    with pytest.raises(OptionError, match="instruments are numbers"):
        Request(500, instruments=(129,))
    with pytest.raises(OptionError, match="slides by 1 to 12"):
        sample_anticipation(network, Request(500), hop=13)
    with pytest.raises(ModelError, match="at least 4"):
        sample_anticipation(tiny(context=12), Request(500))
    with pytest.raises(ModelError, match="has 10 ids"):
        sample_anticipation(GPT2(GPT2Config(vocabulary=10, width=4, layers=1, heads=1)), Request(500))
    broken = tiny()
    torch.nn.init.constant_(broken.norm.bias, float("nan"))
    with pytest.raises(ModelError, match="not finite"):
        sample_anticipation(broken, Request(500))


def test_more_controls_at_once_than_a_window_holds(network: GPT2) -> None:
    controls = table([(700, 10, 128 * 9 + i) for i in range(40)] + [(720, 10, 128 * 8 + i) for i in range(40)])
    for alternative in sample_anticipation(network, Request(1000, controls=controls), 2)[0]:
        assert alternative.complete
        assert alternative.rows[-1, 0] > 900
        assert np.isfinite(alternative.log_probabilities).all()


@pytest.mark.parametrize(("weights", "error"), [("float16", 0.1), ("int8", 1.0)])
def test_other_kinds_of_weights_are_near_the_networks_own(network: GPT2, weights: str, error: float) -> None:
    """By the likelihood of the first note, which all are forced to write."""
    force = (GivenRhythm((130,), (50,)), PitchRange(60, 60))
    prepared = PreparedGPT2(network, weights)
    requests = [Request(400, 100, PAST[:3], instruments=(i, i + 1), constraints=force) for i in range(0, 80, 2)]
    exact, near = (
        np.array([one.log_probability for (one,) in sample_anticipation(model, requests)])
        for model in (network, prepared)
    )
    assert np.abs(exact).max() > error
    assert 0 < np.abs(exact - near).mean() < error / 2
    with pytest.raises(OptionError, match="choose from float32, float16, bfloat16, int8"):
        PreparedGPT2(network, "int4")
    with pytest.raises(OptionError, match="need a float32 network"):
        PreparedGPT2(GPT2(GPT2Config(width=4, layers=1, heads=1)).double(), weights)
