"""The region model: the same numbers in training and row by row, and nothing from the future."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from symbolic_music.errors import ModelError
from symbolic_music.evaluation.region_likelihood import region_likelihood, stretches_of
from symbolic_music.models.architectures.region_cache import RegionCache
from symbolic_music.models.architectures.region_transformer import RegionConfig, RegionTransformer
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.arrangement import PLAIN, Layout, arrange_edit, arrange_stretch
from symbolic_music.tokenizers.region.events import grid_events
from symbolic_music.tokenizers.region.harmony import KEY_BIT, Harmony
from tests.tokenizers.example_music import PIECES, piece

FIELDS = ("gap", "slot", "key", "duration", "velocity", "instrument")


@pytest.fixture
def network() -> RegionTransformer:
    return filled(RegionConfig(width=64, layers=2, note_layers=1, hidden=48, window=200))


def filled(config: RegionConfig) -> RegionTransformer:
    torch.manual_seed(0)
    network = RegionTransformer(config).eval()
    with torch.no_grad():  # what begins as nothing would hide a fault
        for name, parameter in network.named_parameters():
            if name.endswith(("out.weight", "down.weight")):
                parameter.normal_(std=0.1)
            if "gate.bias" in name:
                parameter.zero_()
    return network


def an_edit(longest: int = 190, layout: Layout = PLAIN) -> torch.Tensor:
    events = grid_events(piece(PIECES[0]))
    lines = events.bar_starts
    slots = np.unique(events.slot[(events.time >= lines[2]) & (events.time < lines[4])])[:2]
    return torch.from_numpy(arrange_edit(events, [(int(lines[2]), int(lines[4]))], slots.tolist(), longest, layout))


@pytest.mark.parametrize("harmony", [False, True])
def test_row_by_row_is_all_at_once(network, harmony: bool) -> None:
    rows = an_edit()
    if harmony:
        network, rows = following(), an_edit(layout=LED)
    begin = int((rows[:, r.KIND] == r.REGION).nonzero()[0]) + 1
    with torch.no_grad():
        losses = network.losses(rows[None])
    cache = RegionCache(network, [rows[:begin]] * 2, len(rows))
    assert begin > 130, "attention goes on past a block"
    seen = 0
    for at in range(begin, len(rows)):
        row, before = rows[at], rows[at - 1]
        kind = int(row[r.KIND])
        gap = {r.REST: r.GAP_REST, r.END: r.GAP_END}.get(kind, int(row[r.TIME] - before[r.TIME]))
        both = [torch.tensor([int(row[i])] * 2) for i in range(r.COLUMNS)]
        gaps = torch.tensor([gap] * 2)
        assert float(cache.gaps()[1, gap]) == pytest.approx(-float(losses["gap"][0, at - 1]), abs=1e-4)
        if kind == r.NOTE:
            found = {
                "slot": cache.slots(gaps, both[r.STATE])[1, row[r.SLOT]],
                "key": cache.keys(gaps, both[r.SLOT], row[None].expand(2, -1))[1, row[r.KEY]],
                "duration": cache.durations(both[r.KEY])[1, row[r.DURATION]],
                "velocity": cache.velocities(both[r.DURATION])[1, row[r.VELOCITY]],
            }
            for name, value in found.items():
                assert float(value) == pytest.approx(-float(losses[name][0, at - 1]), abs=1e-4), name
            seen += 1
        cache.append(row[None].expand(2, -1))
    assert seen > 4


LED = Layout(harmony=Harmony(((0, "C"), (600, "G7")), key=3))


def following() -> RegionTransformer:
    """A network that is conditioned on chords and keys."""
    network = filled(RegionConfig(width=64, layers=2, note_layers=1, hidden=48, window=200, harmony=True))
    with torch.no_grad():
        for layer in (network.harmony, network.next_harmony):
            assert not layer.weight.any(), "weights from before it was conditioned on chords keep their meaning"
            layer.weight.normal_(std=0.3)
    return network


def test_chords_and_keys_bear_on_what_is_written() -> None:
    network, rows = following(), an_edit(layout=LED)
    written = rows[:, r.HARMONY] > 0
    others = [rows.clone() for _ in range(2)]
    others[0][written, r.HARMONY] += 5 << KEY_BIT
    others[1][written, r.HARMONY] = an_edit(layout=Layout(harmony=Harmony(((0, "Eb"),), key=3)))[written, r.HARMONY]
    with torch.no_grad():
        losses, *changed = (network.losses(one[None]) for one in (rows, *others))
    region, first = losses["written"] > 0, int(written.nonzero()[0])
    for other in changed:
        assert not torch.allclose(losses["key"][region], other["key"][region], atol=1e-4)
        assert torch.equal(losses["key"][0, : first - 1], other["key"][0, : first - 1])


def test_without_chords_a_network_that_reads_them_is_as_one_that_does_not(network) -> None:
    other = RegionTransformer(RegionConfig(width=64, layers=2, note_layers=1, hidden=48, window=200, harmony=True))
    other.load_state_dict(network.state_dict(), strict=False)
    other.eval()
    rows = an_edit()
    with torch.no_grad():
        assert torch.equal(network(rows[None]), other(rows[None]))


def test_alternatives_with_rows_of_their_own_are_as_each_alone(network) -> None:
    long = an_edit()
    begin = int((long[:, r.KIND] == r.REGION).nonzero()[0]) + 1
    short = torch.cat([long[: begin - 40], long[begin - 1 : begin]])
    short[:, r.PREVIOUS] = torch.where(short[:, r.PREVIOUS] < begin - 41, short[:, r.PREVIOUS], -1)
    given = [long[:begin], short, long[:begin]]
    caches = [RegionCache(network, given, 8)] + [RegionCache(network, [one], 8) for one in given]

    def step(cache: RegionCache, rows: torch.Tensor) -> list[torch.Tensor]:
        gap = torch.ones(len(rows), dtype=torch.long)
        found = [
            cache.gaps(),
            cache.slots(gap, rows[:, r.STATE]),
            cache.keys(gap, rows[:, r.SLOT], rows),
            cache.durations(rows[:, r.KEY]),
            cache.velocities(rows[:, r.DURATION]),
        ]
        cache.append(rows)
        return found

    for row in long[begin : begin + 3]:
        together = step(caches[0], row[None].expand(3, -1))
        for number in range(3):
            for whole, alone in zip(together, step(caches[number + 1], row[None]), strict=True):
                assert torch.allclose(whole[number], alone[0], atol=1e-4)
    caches[0].select([1])
    assert torch.allclose(caches[0].gaps(), caches[2].gaps(), atol=1e-4)


def test_probabilities_sum_to_one(network) -> None:
    rows = an_edit()
    begin = int((rows[:, r.KIND] == r.REGION).nonzero()[0]) + 1
    cache = RegionCache(network, [rows[:begin]], 4)
    one = torch.tensor([1])
    slot = rows[begin, r.SLOT][None]
    for log_p in (
        cache.gaps(),
        cache.slots(one, rows[begin, r.STATE][None]),
        cache.keys(one, slot, rows[begin][None]),
        cache.durations(torch.tensor([60])),
        cache.velocities(torch.tensor([30])),
    ):
        assert float(log_p.exp().sum()) == pytest.approx(1, abs=1e-3)


def test_nothing_is_seen_before_its_time(network) -> None:
    rows = an_edit()
    at = len(rows) - 4
    other = rows.clone()
    other[at + 1 :, r.KEY] = (other[at + 1 :, r.KEY] + 5).clamp(max=127)
    other[at + 1 :, r.DURATION] = 7
    with torch.no_grad():
        losses, changed = network.losses(rows[None]), network.losses(other[None])
    for name in FIELDS:
        assert torch.allclose(losses[name][0, :at], changed[name][0, :at], atol=1e-5), name


def test_padding_changes_nothing(network) -> None:
    rows = an_edit(90)
    padded = torch.from_numpy(r.collate([rows.numpy(), arrange_stretch(grid_events(piece(PIECES[0])), 0, 120)], 120))
    with torch.no_grad():
        alone, beside = network.losses(rows[None]), network.losses(padded)
    for name in FIELDS:
        assert torch.allclose(alone[name][0], beside[name][0, : len(rows) - 1], atol=1e-4), name
        assert float(beside[name][0, len(rows) - 1 :].abs().max()) == 0


def test_forward_is_the_sum_of_the_fields(network) -> None:
    rows = an_edit()[None]
    with torch.no_grad():
        losses = network.losses(rows)
        assert torch.allclose(network(rows), torch.stack([losses[name] for name in FIELDS]).sum(0))


def test_a_note_of_a_track_that_is_not_written_is_not_expected(network) -> None:
    rows = an_edit()
    begin = int((rows[:, r.KIND] == r.REGION).nonzero()[0]) + 1
    cache = RegionCache(network, [rows[:begin]], 1)
    log_p = cache.slots(torch.tensor([1]), rows[begin, r.STATE][None])[0]
    written = rows[rows[:, r.ABOUT] == r.ABOUT_WRITTEN, r.SLOT].tolist()
    assert set((log_p > -100).nonzero()[:, 0].tolist()) == set(written)


@pytest.mark.parametrize("name", PIECES)
def test_every_note_is_counted_once(network, name: str) -> None:
    score = piece(name)
    found = region_likelihood(network, list(stretches_of(score, 200)))
    assert found.notes == len(grid_events(score))
    assert found.parts["written"] == (0.0, 0)
    assert np.isfinite(found.per_note)


@pytest.mark.parametrize("stride", [40, 120, 200])
def test_with_a_stride_every_note_is_counted_once_after_bars_that_are_given(network, stride: int) -> None:
    score = piece(PIECES[0])
    rows = list(stretches_of(score, 200, stride=stride))
    assert region_likelihood(network, rows).notes == len(grid_events(score))
    given = [
        int((one[:, r.KIND] == r.NOTE).sum() - one[:, r.PREDICTED][one[:, r.KIND] == r.NOTE].sum()) for one in rows
    ]
    assert given[0] == 0
    assert all(0 < count <= 200 - stride for count in given[1:]) or stride == 200
    assert stride < 200 or not any(given)


def test_a_width_that_is_no_multiple_of_a_head() -> None:
    with pytest.raises(ModelError, match="multiple"):
        RegionConfig(width=100)
