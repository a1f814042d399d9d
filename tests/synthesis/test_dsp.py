import math

import pytest
import torch
from torch.autograd import gradcheck

from symbolic_music.synthesis import dsp

RATE = 16000


def sines(frequencies: list[float], amplitudes: list[float], n: int) -> torch.Tensor:
    time = torch.arange(n, dtype=torch.float64) / RATE
    return sum(a * torch.sin(2 * math.pi * f * time) for f, a in zip(frequencies, amplitudes, strict=True))


def test_harmonic_bank_is_the_analytic_sum():
    out = dsp.harmonic_bank(torch.full((1, 4000), 220.0), torch.tensor([0.5, 0.3, 0.1]).expand(1, 4000, 3), RATE)
    assert torch.allclose(out[0].double(), sines([220, 440, 660], [0.5, 0.3, 0.1], 4000), atol=1e-5)


def test_phase_does_not_drift_in_ten_minutes():
    n = 600 * RATE
    out = dsp.harmonic_bank(torch.full((1, n), 443.7), torch.ones(1, n, 1), RATE)[0, -RATE:]
    time = torch.arange(n - RATE, n, dtype=torch.float64) / RATE
    assert (out - torch.sin(2 * math.pi * torch.frac(443.7000122070312 * time))).abs().max() < 1e-4


def test_partials_at_and_above_nyquist_are_removed():
    f0 = torch.full((1, 1000), 4000.0)
    two = dsp.harmonic_bank(f0, torch.ones(1, 1000, 2), RATE)  # the second lies at half the rate exactly
    assert torch.equal(two, dsp.harmonic_bank(f0, torch.ones(1, 1000, 1), RATE))
    frames = torch.ones(1, 5, 2)
    loud = dsp.stationary_bank(torch.tensor([[4000.0, 9000.0]]), frames, 64, RATE)
    assert torch.allclose(loud, dsp.stationary_bank(torch.tensor([[4000.0]]), frames[..., :1], 64, RATE), atol=1e-6)


def test_amplitudes_pass_through_the_frames_and_stay_between_them():
    frames = torch.tensor([[[0.0], [1.0], [0.25]]])
    curve = dsp.upsample_amplitudes(frames, 8)[0, :, 0]
    assert curve[0] == 0
    assert curve[8] == 1
    assert curve[4] == pytest.approx(0.5)
    assert dsp.upsample_linear(frames[..., 0], 8)[0, 12] == pytest.approx(0.625)


def test_all_three_banks_agree():
    torch.manual_seed(0)
    hop, frames = 64, 40
    amplitudes = torch.rand(2, frames, 6) / 6
    f0 = torch.tensor([220.0, 331.7])
    n = (frames - 1) * hop
    exact = dsp.harmonic_bank(f0[:, None].expand(2, n), dsp.upsample_amplitudes(amplitudes, hop), RATE)
    fast = dsp.stationary_bank(f0[:, None] * torch.arange(1, 7), amplitudes, hop, RATE)
    phase = dsp.cycles(f0[:, None].expand(2, n), RATE)
    table = dsp.read_wavetables(dsp.wavetables(amplitudes, 1024), phase, hop)
    assert torch.allclose(fast, exact, atol=1e-5)
    assert torch.allclose(table, exact, atol=5e-4)


def test_phase_by_frames_is_phase_by_samples():
    torch.manual_seed(0)
    hop = 64
    f0 = 300 + 200 * torch.rand(2, 50)
    curve = dsp.upsample_linear(f0, hop)
    exact = dsp.cycles(curve.double(), RATE)
    at_frames = dsp.cycles_at_frames(f0, hop, RATE)
    assert (at_frames[:, :-1] - exact[:, ::hop]).abs().max() < 1e-5
    difference = dsp.phase_between_frames(at_frames, f0, hop, RATE) - exact
    assert (difference - difference.round()).abs().max() < 1e-5


def test_steady_partials_do_not_drift_in_ten_minutes():
    hop, frames = 6000, 1601
    out = dsp.stationary_bank(torch.tensor([[443.7, 3211.1]]), torch.ones(1, frames, 2), hop, RATE)[0, -RATE:]
    time = torch.arange(600 * RATE - RATE, 600 * RATE, dtype=torch.float64) / RATE
    hertz = torch.tensor([443.7, 3211.1]).double()[:, None]
    assert (out - torch.sin(2 * math.pi * torch.frac(hertz * time)).sum(0)).abs().max() < 1e-4


def test_noise_follows_its_magnitudes():
    torch.manual_seed(0)
    hop, frames = 128, 400
    magnitudes = torch.full((1, frames, 65), 0.1)
    magnitudes[..., 20:30] = 1.0
    out = dsp.filtered_noise(torch.rand(1, hop * frames) * 2 - 1, magnitudes, hop)[0]
    power = torch.fft.rfft(out).abs() ** 2
    bands = power[: len(power) // 64 * 64].view(64, -1).mean(1).sqrt()
    ratio = bands[22:28].mean() / bands[40:60].mean()
    assert ratio == pytest.approx(10.0, rel=0.15)


def test_noise_is_not_delayed_by_its_filter():
    impulse = torch.zeros(1, 512)
    impulse[0, 200] = 1.0
    out = dsp.filtered_noise(impulse, torch.ones(1, 4, 65), 128)
    assert out[0].abs().argmax() == 200
    assert out[0, 200] == pytest.approx(1.0, abs=1e-5)


def test_reverb_masks_the_first_tap_and_keeps_the_tail():
    dry, response = torch.tensor([1.0, 0.0, 2.0]), torch.tensor([9.0, 0.5, 0.25])
    assert torch.allclose(dsp.reverb(dry, response), torch.tensor([1.0, 0.5, 2.25, 1.0, 0.5]), atol=1e-6)


@pytest.mark.parametrize(("length", "size"), [(1, 1), (5, 5), (7, 8), (9, 10), (11, 12), (1025, 1280)])
def test_fft_sizes(length, size):
    assert dsp.fft_size(length) == size


def doubles(*shape: int) -> torch.Tensor:
    return (torch.rand(*shape, dtype=torch.float64) + 0.1).requires_grad_()


def test_gradients():
    torch.manual_seed(0)
    f0 = (200 + 50 * torch.rand(1, 16, dtype=torch.float64)).requires_grad_()
    assert gradcheck(lambda f, a: dsp.harmonic_bank(f, a, RATE), (f0, doubles(1, 16, 3)))
    frequencies = (200 + 500 * torch.rand(2, 3, dtype=torch.float64)).requires_grad_()
    assert gradcheck(lambda f, a: dsp.stationary_bank(f, a, 8, RATE), (frequencies, doubles(2, 3, 3)))
    assert gradcheck(lambda x, m: dsp.filtered_noise(x, m, 8), (doubles(1, 24), doubles(1, 3, 9)))
    assert gradcheck(dsp.reverb, (doubles(2, 10), doubles(6)))
    assert gradcheck(lambda a: dsp.upsample_amplitudes(a, 4), (doubles(1, 3, 2),))

    def table(amplitudes: torch.Tensor, hz: torch.Tensor) -> torch.Tensor:
        return dsp.read_wavetables(dsp.wavetables(amplitudes, 64), dsp.cycles(hz, RATE), 8)

    assert gradcheck(table, (doubles(1, 3, 3), f0))
    assert gradcheck(lambda a: dsp.wavetables(a, 32), (doubles(1, 2, 3),))
    assert gradcheck(lambda f: dsp.stationary_basis(f, 4, RATE, torch.float64), (frequencies,))
    assert gradcheck(dsp.stationary_weights, (doubles(1, 3, 2), doubles(1, 3, 2)))
    assert gradcheck(lambda a: dsp.remove_above_nyquist(torch.tensor([100.0, 9000.0]), a, RATE), (doubles(1, 2),))
    frames = (200 + 50 * torch.rand(1, 4, dtype=torch.float64)).requires_grad_()
    assert gradcheck(lambda f: dsp.upsample_linear(f, 4), (frames,))
    assert gradcheck(lambda f: dsp.phase_between_frames(dsp.cycles_at_frames(f, 8, RATE), f, 8, RATE), (frames,))
