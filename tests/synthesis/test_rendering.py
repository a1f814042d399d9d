import math

import numpy as np
import pytest

from symbolic_music.errors import AudioError, EmptyScoreError, OptionError, UnknownNameError
from symbolic_music.score import BEND, CONTROL, Score, Track, note_table
from symbolic_music.synthesis import Audio, render, render_stems, streaming
from symbolic_music.synthesis.mixing import controllers
from symbolic_music.synthesis.mixing.loudness import Meter
from symbolic_music.synthesis.settings import RenderSettings

RATE = 22050
PIANO, VIOLIN = 0, 40


def score(*rows: tuple[int, ...], **fields) -> Score:
    """Ticks are milliseconds: 500 ticks a quarter at 120 quarters a minute."""
    return Score(500, note_table(rows), **fields)


def dry(music: Score, **options) -> Audio:
    return render(music, sample_rate=RATE, reverb=0.0, **options)


def power(samples: np.ndarray, start: float, end: float) -> float:
    return float(np.mean(samples[:, int(start * RATE) : int(end * RATE)] ** 2))


def pitch_of(samples: np.ndarray, near: float) -> float:
    """Hz of the middle of what sounds within 60 cents of the strongest partial near a frequency."""
    wave = samples.mean(0) * np.hanning(samples.shape[1])
    size = 1 << 21
    spectrum = np.abs(np.fft.rfft(wave, size))
    hz = np.fft.rfftfreq(size, 1 / RATE)
    spectrum[(hz < near * 0.9) | (hz > near * 1.1)] = 0
    peak = hz[spectrum.argmax()]
    spectrum[np.abs(1200 * np.log2(np.maximum(hz, 1) / peak)) > 60] = 0
    return float((hz * spectrum**2).sum() / (spectrum**2).sum())


@pytest.mark.parametrize("program", [PIANO, 19, VIOLIN, 52, 56, 73])
def test_a4_has_its_pitch(program):
    samples = dry(score((0, 3000, 69, 90, program, 0, 0))).samples
    cents = 1200 * np.log2(pitch_of(samples[:, RATE // 4 : int(2.9 * RATE)], 440.0) / 440.0)
    assert abs(cents) < 5


@pytest.mark.parametrize("program", [PIANO, 24, 12, 19, VIOLIN])
def test_a_note_begins_at_its_onset(program):
    samples = np.abs(dry(score((500, 500, 69, 100, program, 0, 0))).samples).max(0)
    first = int(np.argmax(samples > 0.01 * samples.max())) / RATE
    assert 0.5 <= first <= 0.504


@pytest.mark.parametrize("program", [PIANO, 19, VIOLIN, 128])
def test_a_harder_note_is_louder_and_brighter(program):
    loud, bright = [], []
    for velocity in (20, 50, 80, 110, 127):
        channel = 9 if program == 128 else 0
        music = score((0, 800, 60 if program < 128 else 38, velocity, program % 128, channel, 0))
        settings = RenderSettings(sample_rate=RATE, reverb=0.0)
        piece = np.concatenate(list(streaming.mixes(music, settings)), axis=1).sum(0)
        spectrum = np.abs(np.fft.rfft(piece)) ** 2
        loud.append(float(spectrum.sum()))
        bright.append(float((np.fft.rfftfreq(len(piece), 1 / RATE) * spectrum).sum() / spectrum.sum()))
    assert np.all(np.diff(loud) > 0)
    assert bright[-1] > bright[0]


def test_a_released_note_rings_and_then_is_silent():
    samples = dry(score((0, 1000, 60, 100, 48, 0, 0), (3000, 100, 60, 100, 48, 0, 0))).samples
    held, ringing, after = (power(samples, *span) for span in ((0.8, 0.95), (1.02, 1.12), (2.0, 2.9)))
    assert held > ringing > 0.001 * held
    assert after == 0


def test_a_piano_decays_and_an_organ_does_not():
    for program, falls in ((PIANO, True), (19, False)):
        samples = dry(score((0, 4000, 60, 100, program, 0, 0))).samples
        assert (power(samples, 3.0, 3.5) < 0.2 * power(samples, 0.2, 0.7)) is falls


def test_every_program_is_heard():
    music = score(*((500 * p, 400, 62, 90, p, 0, p) for p in range(128)))
    samples = dry(music).samples
    assert np.isfinite(samples).all()
    quiet = [p for p in range(128) if power(samples, 0.5 * p, 0.5 * p + 0.45) < 1e-5]
    assert not quiet


def test_every_key_of_the_drums_is_heard():
    music = score(*((300 * k, 100, k, 100, 0, 9, 0) for k in range(128)))
    samples = dry(music).samples
    quiet = [k for k in range(128) if power(samples, 0.3 * k, 0.3 * k + 0.1) < 1e-6]
    assert not quiet


def test_forty_notes_at_once_do_not_clip():
    audio = render(score(*((0, 1000, 36 + i, 127, 56, 0, 0) for i in range(40))), sample_rate=RATE)
    assert np.isfinite(audio.samples).all()
    assert 0.1 < audio.peak <= 0.9


def test_loudness_is_what_was_asked():
    music = score(*((250 * i, 250, 60 + i % 12, 80, PIANO, 0, 0) for i in range(24)))
    for target in (-16.0, -30.0):
        meter = Meter(RATE)
        meter.add(render(music, sample_rate=RATE, loudness=target).samples)
        assert meter.loudness() == pytest.approx(target, abs=0.5)


@pytest.mark.parametrize("velocity", [1, 80])
def test_loudness_is_that_of_gates_on_the_sound_as_it_comes_out(velocity):
    # What the gates leave out depends on the level, so that one measurement of the unlevelled sound is not enough.
    meter = Meter(44100)
    meter.add(render(score((0, 500, 60, velocity, PIANO, 0, 0)), "midi-ddsp").samples)
    assert meter.loudness() == pytest.approx(-16, abs=0.1)


def test_the_same_again_and_another_seed():
    music = score((0, 500, 60, 90, 73, 0, 0), (0, 500, 38, 90, 0, 9, 1))
    assert np.array_equal(dry(music).samples, dry(music).samples)
    assert not np.array_equal(dry(music, seed=1).samples, dry(music).samples)
    assert not np.array_equal(dry(music, seed=2**62 + 1).samples, dry(music).samples)


def test_blocks_of_time_make_no_difference(monkeypatch):
    music = score(*((333 * i, 1500, 50 + i, 80, (PIANO, VIOLIN)[i % 2], 0, i % 2) for i in range(12)))
    whole = dry(music).samples
    monkeypatch.setattr(streaming, "LONGEST_BLOCK", 0.3)
    assert np.abs(dry(music).samples - whole).max() < 2e-4


def test_stems_add_up_to_the_mix():
    music = score((0, 500, 60, 90, 0, 0, 0), (250, 700, 64, 90, 48, 0, 1), (0, 100, 36, 100, 0, 9, 2))
    stems = render_stems(music, sample_rate=RATE)
    assert list(stems) == [0, 1, 2]
    assert np.abs(sum(s.samples for s in stems.values()) - render(music, sample_rate=RATE).samples).max() < 1e-4


def control(*rows: tuple[int, int, int, int]) -> np.ndarray:
    return np.array(list(rows), CONTROL)


def test_the_pedal_holds_a_note():
    notes = ((0, 300, 60, 90, 19, 0, 0), (4000, 100, 72, 90, 19, 0, 0))
    held = dry(score(*notes, controls=control((100, 64, 127, 0), (2000, 64, 0, 0)))).samples
    plain = dry(score(*notes)).samples
    assert power(plain, 1.0, 1.5) == 0
    assert power(held, 1.0, 1.5) > 1e-4
    assert power(held, 3.0, 3.5) == 0


def test_volume_and_expression_turn_down():
    notes = ((0, 1000, 60, 90, 19, 0, 0), (1500, 1000, 60, 90, 19, 0, 0))
    for number in (7, 11):
        samples = dry(score(*notes, controls=control((1250, number, 40, 0)))).samples
        assert power(samples, 1.6, 2.4) < 0.1 * power(samples, 0.1, 0.9)


def test_pan_moves_a_track():
    samples = dry(score((0, 1000, 60, 90, 19, 0, 0), controls=control((0, 10, 127, 0)))).samples
    assert np.abs(samples[0]).max() < 1e-3 * np.abs(samples[1]).max()


def test_tracks_are_spread_and_basses_stay_in_the_middle():
    music = score((0, 9, 60, 9, 0, 0, 0), (0, 9, 60, 9, 33, 0, 1), (0, 9, 60, 9, 48, 0, 2), (0, 9, 40, 9, 0, 9, 3))
    places = controllers.positions(music)
    assert places[0] < 0 < places[2]
    assert places[1] == places[3] == 0


@pytest.mark.parametrize("program", [PIANO, 19, VIOLIN])
def test_a_bend_moves_the_pitch(program):
    bends = np.array([(0, 4096, 0)], BEND)
    samples = dry(score((0, 2000, 69, 90, program, 0, 0), bends=bends)).samples
    higher = 440 * 2 ** (1 / 12)
    assert abs(1200 * np.log2(pitch_of(samples[:, RATE // 4 : int(1.9 * RATE)], higher) / higher)) < 6


@pytest.mark.parametrize("synth", ["ddsp", "soundfont"])
def test_the_range_of_bends_is_that_of_its_parameter_only(synth):
    if synth == "soundfont":
        pytest.importorskip("tinysoundfont")
    # 12 semitones, then the rate of the vibrato (NRPN 1, 8): its data entry is no range.
    settings = ((101, 0), (100, 0), (6, 12), (99, 1), (98, 8), (6, 64))
    events = {"bends": np.array([(0, 683, 0)], BEND), "controls": control(*((0, n, v, 0) for n, v in settings))}
    samples = dry(score((0, 2000, 69, 90, 19, 0, 0), **events), synth=synth).samples
    higher = 440 * 2 ** (1 / 12)
    assert abs(1200 * np.log2(pitch_of(samples[:, RATE // 4 : int(1.9 * RATE)], higher) / higher)) < 20


def test_progress_rises_to_one():
    seen: list[float] = []
    render(score((0, 500, 60, 90, 0, 0, 0), (30000, 500, 60, 90, 0, 0, 0)), sample_rate=RATE, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_what_cannot_be_rendered():
    one = score((0, 500, 60, 90, 0, 0, 0))
    with pytest.raises(EmptyScoreError):
        render(Score())
    with pytest.raises(UnknownNameError, match="ddsp, midi-ddsp, soundfont"):
        render(one, "organ")
    with pytest.raises(OptionError, match="sample rate"):
        render(one, sample_rate=10)
    with pytest.raises(OptionError, match="seed"):
        render(one, seed=-1)
    with pytest.raises(OptionError, match="reverb"):
        render(one, reverb=-1)
    with pytest.raises(OptionError, match="LUFS"):
        render(one, loudness=3)
    with pytest.raises(OptionError, match="gain"):
        render(one, gain=math.nan)
    with pytest.raises(AudioError, match="hours"):
        render(score((0, 30_000_000, 60, 90, 0, 0, 0)))


def test_five_hundred_notes_at_once_all_sound():
    rows = [(0, 600, 30 + i % 60, 40 + i % 80, (0, 19, 40, 48, 73)[i % 5], 0, i % 5) for i in range(500)]
    audio = render(score(*rows), sample_rate=8000)
    assert np.isfinite(audio.samples).all()
    assert 0.1 < audio.peak <= 0.9
    # The power of 100 equal notes is that of one a hundred times, or ten thousand times where their phases agree.
    one, many = (dry(score(*((0, 600, 69, 90, 48, 0, 0) for _ in range(n))), gain=-60.0).samples for n in (1, 100))
    assert 50 < power(many, 0.1, 0.5) / power(one, 0.1, 0.5) < 20_000


@pytest.mark.parametrize("control_rate", [60.0, 400.0])
@pytest.mark.parametrize("program", [PIANO, VIOLIN, 73])
def test_the_control_rate_hardly_changes_the_sound(program, control_rate):
    music = score((0, 700, 60, 90, program, 0, 0))
    usual, other = (dry(music, gain=-6.0, **options).samples for options in ({}, {"control_rate": control_rate}))
    spectra = [np.abs(np.fft.rfft(sound[0], 1 << 16)) for sound in (usual, other)]
    assert np.abs(spectra[0] - spectra[1]).sum() < 0.35 * spectra[0].sum()


@pytest.mark.parametrize("rate", [8000, 11025, 96000, 192_000])
@pytest.mark.parametrize("program", [PIANO, VIOLIN, 128])
def test_the_same_pitch_and_loudness_at_all_sample_rates(rate, program):
    music = score((0, 600, 57, 90, program % 128, 9 if program == 128 else 0, 0))
    one, other = (render(music, sample_rate=r, reverb=0.0, gain=-6.0) for r in (44100, rate))
    assert other.duration == pytest.approx(one.duration, abs=0.03)
    low = [np.abs(np.fft.rfft(a.samples[0][: int(0.5 * a.sample_rate)]))[5:1500] / a.sample_rate for a in (one, other)]
    if program == 128:
        assert 0.5 < np.sum(low[1] ** 2) / np.sum(low[0] ** 2) < 2
    else:
        assert abs(int(low[0].argmax()) - int(low[1].argmax())) <= 1
        assert low[1].max() == pytest.approx(low[0].max(), rel=0.1)


@pytest.mark.parametrize("rate", [16000, 48000])
def test_other_rates_and_silent_notes(rate):
    audio = render(
        score((0, 200, 127, 127, 0, 0, 0), (0, 0, 0, 1, 0, 0, 0), (0, 10, 60, 0, 48, 0, 0)), sample_rate=rate
    )
    assert np.isfinite(audio.samples).all()
    assert audio.sample_rate == rate


def test_many_tracks():
    music = score(*((0, 300, 60, 90, t, 0, t) for t in range(40)), tracks=tuple(Track("", t) for t in range(40)))
    assert len(render_stems(music, sample_rate=8000)) == 40
