"""The strings that sound along while the pedal is down, and those that no damper ends."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from symbolic_music.score import CONTROL, NOTE, Score, Track
from symbolic_music.synthesis import stream
from symbolic_music.synthesis.ddsp.note import sound
from symbolic_music.synthesis.ddsp.oscillators import Notes
from symbolic_music.synthesis.ddsp.partials import course, spectrum
from symbolic_music.synthesis.ddsp.presets import PROGRAMS
from symbolic_music.synthesis.ddsp.sympathetic_resonance import SECONDS, register
from symbolic_music.synthesis.mixing.controllers import pedal_from
from symbolic_music.synthesis.rendering import render

RATE = 22_050
PIANO, VIOLIN = PROGRAMS[0], PROGRAMS[40]
NEVER = float("inf")


def piece(rows: list[tuple[int, int, int]], pedal: list[tuple[int, int]], program: int = 0) -> Score:
    """Notes (onset, duration, pitch) in ticks of a thousandth of a second, and values of the sustain pedal."""
    notes = np.zeros(len(rows), NOTE)
    notes["onset"], notes["duration"], notes["pitch"] = np.array(rows).T
    notes["velocity"], notes["program"] = 80, program
    controls = np.zeros(len(pedal), CONTROL)
    if pedal:
        controls["time"], controls["value"] = np.array(pedal).T
    controls["number"] = 64
    return Score(500, notes, controls=controls, tracks=(Track("", program),))


def notes(pitch: float, length: float, pedal: float | None) -> Notes:
    down = None if pedal is None else torch.tensor([pedal])
    return Notes(torch.tensor([pitch]), torch.tensor([0.6]), torch.tensor([length]), torch.tensor([3]), pedal=down)


def test_the_pedal_is_down_from_a_time_after_each_onset() -> None:
    rows = [(0, 400, 60), (500, 300, 62), (1_000, 400, 64), (2_000, 500, 65), (3_000, 500, 67)]
    score = piece(rows, [(600, 127), (1_200, 0), (1_300, 70), (1_350, 0), (2_900, 64)])
    # The first ends before; the second is caught; the third begins with it down; the fourth has ended when it comes.
    found = pedal_from(score)
    assert found[[0, 3]].tolist() == [NEVER, NEVER]
    np.testing.assert_allclose(found[[1, 2, 4]], [0.1, 0.0, 0.0], atol=1e-9)
    assert pedal_from(piece(rows, [])).tolist() == [NEVER] * 5


def test_without_the_pedal_nothing_changes() -> None:
    plain = sound(PIANO, notes(60.0, 1.0, None), RATE)
    assert torch.equal(sound(PIANO, notes(60.0, 1.0, NEVER), RATE), plain)
    assert not torch.equal(sound(PIANO, notes(60.0, 1.0, 0.0), RATE), plain)
    violin = sound(VIOLIN, notes(60.0, 1.0, None), RATE)
    assert torch.equal(sound(VIOLIN, notes(60.0, 1.0, 0.0), RATE), violin)


def test_a_pedal_that_comes_late_changes_what_follows() -> None:
    plain, late = (sound(PIANO, notes(60.0, 2.0, pedal), RATE)[0] for pedal in (NEVER, 0.5))
    half = round(0.48 * RATE)
    assert torch.equal(plain[:half], late[:half])
    assert not torch.allclose(plain[RATE:], late[RATE:], atol=1e-5)


@pytest.mark.parametrize(("pitch", "longer"), [(60.0, True), (24.0, False), (100.0, False)])
def test_partials_last_longer_in_the_middle_of_the_keyboard_alone(pitch: float, longer: bool) -> None:
    at, pedal = torch.tensor([pitch]), torch.tensor([0.0])
    frequencies, _ = spectrum(PIANO, at, torch.tensor([0.6]), RATE)
    time = torch.tensor([[0.0, 0.5, 1.5]])
    plain, with_pedal = course(PIANO, at, frequencies, time), course(PIANO, at, frequencies, time, pedal)
    assert torch.allclose(plain[:, 0], with_pedal[:, 0])  # the onset is the note's own
    gain = 20 * torch.log10(with_pedal[0, 2, :4] / plain[0, 2, :4])
    assert (gain >= 0).all()
    assert (float(gain.max()) > 1) == longer
    assert float(gain.max()) < 8


def test_all_strings_ring_after_a_knock() -> None:
    found = register(PIANO, RATE)
    assert len(found) == SECONDS * RATE
    assert float(found[:RATE].square().mean()) == pytest.approx(0.5, rel=1e-3)
    assert found[-1].abs() < 1e-4
    power = torch.fft.rfft(found[: 2 * RATE] * torch.hann_window(2 * RATE)).abs()
    string = round(2 * 440 * 2 ** ((53 - 69) / 12))  # bin of F3
    assert power[string - 2 : string + 3].max() > 5 * power[string - 60 : string + 60].median()


def test_strings_are_softer_than_the_note_and_end_with_the_pedal() -> None:
    short, held = (sound(PIANO, notes(60.0, 1.0, pedal), RATE)[0] for pedal in (NEVER, 0.0))
    strings = held - short
    level = 20 * torch.log10(strings[: RATE // 2].square().mean().sqrt() / short[: RATE // 2].square().mean().sqrt())
    assert -45 < float(level) < -12
    assert strings[-1].abs() < 1e-5


def test_blocks_have_the_sound_of_the_whole() -> None:
    rows = [(300 * i, 200, 48 + 5 * (i % 9)) for i in range(12)]
    score = piece(rows, [(0, 127), (900, 0), (1_000, 127), (2_500, 0)])
    whole = render(score, sample_rate=RATE, gain=-6.0, reverb=0.0).samples
    for chunk in (777, 40_000):
        parts = list(stream(score, sample_rate=RATE, gain=-6.0, reverb=0.0, chunk=chunk))
        np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=2e-4)
    dry = render(piece(rows, []), sample_rate=RATE, gain=-6.0, reverb=0.0)
    assert whole.shape[1] > 0
    assert np.abs(whole[:, : dry.samples.shape[1]] - dry.samples[:, : whole.shape[1]]).max() > 1e-3


def test_the_highest_strings_ring_on_without_the_pedal() -> None:
    quiet = []
    for pitch in (88, 92):
        found = render(piece([(0, 100, pitch), (1_500, 100, 40)], []), sample_rate=RATE, gain=0.0, reverb=0.0).samples
        begin, later = found[:, : RATE // 10], found[:, RATE // 2 : RATE // 2 + RATE // 10]
        quiet.append(20 * np.log10(np.sqrt((later**2).mean()) / np.sqrt((begin**2).mean()) + 1e-9))
    assert quiet[0] < -60 < quiet[1]
    flute = render(piece([(0, 100, 92)], [], 73), sample_rate=RATE, gain=0.0, reverb=0.0)
    assert flute.duration < 1.0
