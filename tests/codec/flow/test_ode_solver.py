"""Solvers find the ends of paths that are known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from symbolic_music.codec.flow.ode_solver import AGAIN, consistent, euler, guided, leap


def towards(data: Tensor):
    """The exact field of a flow to a single point: from x at a time t straight to the data."""
    return lambda x, time: (data - x) / (1 - time)


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_straight_paths_end_at_the_data_in_any_number_of_steps(steps: int) -> None:
    data, noise = torch.randn(2, 5, 3), torch.randn(2, 5, 3)
    assert torch.allclose(euler(towards(data), noise, steps), data, atol=1e-5)
    assert torch.allclose(leap(towards(data), torch.lerp(noise, data, 0.25), 0.25), data, atol=1e-5)


def test_the_flow_of_two_points_is_the_exact_one_in_the_limit() -> None:
    """Data of -1 and 1 with equal chances: the velocity is known, and every noise must end at one of them."""

    def velocity(x: Tensor, time: float) -> Tensor:
        spread = 1 - time
        mean = torch.tanh(time * x / spread**2)  # of the data given x = (1 - t) noise + t data
        return (mean - x) / spread

    noise = torch.linspace(-2, 2, 41)[None, :, None]
    end = euler(velocity, noise, 400)
    assert torch.allclose(end[noise.abs() > 0.05].abs(), torch.ones(()), atol=0.02)
    assert torch.equal(end.sign(), noise.sign())
    rough = euler(velocity, noise, 2)
    assert not torch.allclose(rough, end, atol=0.1)  # these paths are curved: two steps do not do


def test_the_second_of_two_leaps_begins_half_way_back_to_noise() -> None:
    places: list[tuple[float, float]] = []

    def velocity(x: Tensor, time: float) -> Tensor:
        places.append((float(x[0, 0, 0]), time))
        return torch.full_like(x, 3.0) - x

    first, second = torch.full((1, 1, 1), 1.0), torch.full((1, 1, 1), -1.0)
    assert float(consistent(velocity, [first])) == 3.0
    places.clear()
    consistent(velocity, [first, second])
    assert places == [(1.0, 0.0), (AGAIN * 3.0 + (1 - AGAIN) * -1.0, AGAIN)]


def test_guidance_of_one_is_the_given_and_of_none_the_free() -> None:
    given, free = torch.tensor([2.0]), torch.tensor([1.0])
    assert [float(guided(given, free, g)) for g in (0.0, 1.0, 3.0)] == [1.0, 2.0, 4.0]
