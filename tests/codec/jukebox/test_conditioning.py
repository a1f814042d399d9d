"""What a level of a cascade is conditioned on: the codes above at its own time, the time in the piece, the label."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music.codec.jukebox.conditioning import Above, Place
from symbolic_music.codec.jukebox.prior import JukeboxPrior, JukeboxPriorConfig
from symbolic_music.errors import ModelError


def above(blocks: int = 2, ratio: int = 4) -> Above:
    torch.manual_seed(0)
    return Above(8, 6, blocks, ratio).eval()


def test_codes_above_lie_around_the_frames_that_they_belong_to() -> None:
    part = above()
    assert part.reach == 1 + 3
    codes = torch.arange(8)[None]
    # Frames 4 to 11 belong to the codes 1 and 2; 8 stands for what is outside of the piece.
    assert part.around(codes, 4, 12).tolist() == [[8, 8, 8, 0, 1, 2, 3, 4, 5, 6]]
    assert part.around(codes, 5, 6).tolist() == [[8, 8, 8, 0, 1, 2, 3, 4, 5]]
    assert part.around(codes, 32, 36).tolist() == [[4, 5, 6, 7, 8, 8, 8, 8, 8]]
    assert part(part.around(codes, 4, 12)).shape == (1, 8, 6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 11), st.integers(1, 3), st.integers(2, 5))
def test_a_code_above_changes_the_frames_of_its_reach_alone(place: int, blocks: int, ratio: int) -> None:
    part = above(blocks, ratio)
    codes = torch.zeros(1, 12, dtype=torch.long)
    other = codes.clone()
    other[0, place] = 5
    with torch.no_grad():
        a, b = (part(part.around(one, 0, 12 * ratio)) for one in (codes, other))
    changed = (a != b).any(-1)[0]
    low, high = max(0, place - part.reach) * ratio, min(12, place + part.reach + 1) * ratio
    assert not changed[:low].any()
    assert not changed[high:].any()
    assert changed[place * ratio : (place + 1) * ratio].all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 39), st.integers(1, 16))
def test_a_stretch_has_the_condition_of_the_whole(first: int, count: int) -> None:
    torch.manual_seed(0)
    config = JukeboxPriorConfig(8, 20.0, 8, 4, 2, ("piano", "flute"), width=8, layers=1, heads=2, hidden=8, window=64)
    prior = JukeboxPrior(config).eval()
    assert prior.above is not None
    codes = torch.randint(0, 8, (1, 14))
    total, label = torch.tensor([56]), torch.tensor([1])
    with torch.no_grad():
        whole = prior.conditions(torch.tensor([0]), 56, total, label, prior.above.around(codes, 0, 56))
        own = prior.above.around(codes, first, first + count)
        part = prior.conditions(torch.tensor([first]), count, total, label, own)
    torch.testing.assert_close(part, whole[:, first : first + count])


def test_examples_of_a_batch_begin_anywhere() -> None:
    torch.manual_seed(0)
    config = JukeboxPriorConfig(8, 20.0, 8, 4, 1, (), width=8, layers=1, heads=2, hidden=8, window=64)
    prior = JukeboxPrior(config).eval()
    assert prior.above is not None
    codes, total, label = torch.randint(0, 8, (1, 14)), torch.tensor([56]), torch.tensor([0])
    firsts = [3, 8]
    around = [prior.above.around(codes, first, first - first % 4 + 12) for first in firsts]
    both = prior.conditions(torch.tensor(firsts), 8, total.repeat(2), label.repeat(2), torch.cat(around))
    for row, first in enumerate(firsts):
        alone = prior.conditions(torch.tensor([first]), 8, total, label, prior.above.around(codes, first, first + 8))
        torch.testing.assert_close(both[row : row + 1], alone)


def test_places_tell_time_share_and_instrument() -> None:
    torch.manual_seed(0)
    place = Place(4, 2, 10.0).eval()
    frames = torch.arange(100)[None]

    def told(total: int, instrument: int) -> torch.Tensor:
        return place(frames, torch.tensor([total]), torch.tensor([instrument]))

    found = told(100, 0)
    assert found.shape == (1, 100, 4)
    assert not torch.equal(found[:, 0], found[:, 50])
    assert torch.equal(told(100, 0), found)
    apart = told(100, 1) - found
    torch.testing.assert_close(apart, apart[:, :1].expand_as(apart))  # the label is the same at all times
    assert not torch.equal(told(4_000, 0), found)
    assert torch.isfinite(place(frames + 10**9, torch.tensor([10**9]), torch.tensor([2]))).all()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ModelError, match="heads of width 3"):
        JukeboxPriorConfig(width=6, heads=2)
    with pytest.raises(ModelError, match="at most 8 blocks"):
        JukeboxPriorConfig(above_blocks=9)
    with pytest.raises(ModelError, match="a million frames"):
        JukeboxPriorConfig(frame_rate=0.0)
    shape = {"width": 8, "layers": 1, "heads": 2, "hidden": 8, "window": 8}
    top, lower = (
        JukeboxPrior(JukeboxPriorConfig(8, **shape)),
        JukeboxPrior(JukeboxPriorConfig(8, above=8, ratio=4, above_blocks=1, **shape)),
    )
    one = torch.tensor([0])
    with pytest.raises(ModelError, match="needs codes"):
        lower.conditions(one, 4, one, one, None)
    with pytest.raises(ModelError, match="has no codes"):
        top.conditions(one, 4, one, one, torch.zeros(1, 3, dtype=torch.long))
    with pytest.raises(ModelError, match="cover 4 frames, not 8"):
        lower.conditions(one, 8, one, one, torch.zeros(1, 3, dtype=torch.long))
    with pytest.raises(ModelError, match="8 codes at once, not 9"):
        top.logits(torch.zeros(1, 9, dtype=torch.long), torch.zeros(1, 9, 8))
    with pytest.raises(ModelError, match="no instrument 'flute'"):
        top.label("flute")
