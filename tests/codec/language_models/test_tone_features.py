"""Plain tones stand at their notes' places, pitches and levels; a stretch sounds to the codec as in the whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from symbolic_music.codec.autoencoder.model import Codec, CodecConfig
from symbolic_music.codec.language_models.score_features import FEATURES, score_frames
from symbolic_music.codec.language_models.tone_features import (
    check_features,
    condition_frames,
    plain_tones,
    tone_vectors,
)
from symbolic_music.errors import ModelError
from symbolic_music.score import NOTE, Score, Track

RATE = 8_000


def score(*notes: tuple[int, int, int, int], program: int = 0) -> Score:
    """Onset and duration in milliseconds, pitch, velocity."""
    table = np.zeros(len(notes), NOTE)
    for i, (onset, duration, pitch, velocity) in enumerate(notes):
        table[i]["onset"], table[i]["duration"], table[i]["pitch"], table[i]["velocity"] = (
            onset, duration, pitch, velocity,
        )  # fmt: skip
    return Score(500, table, tracks=(Track("", program),))  # 120 quarters a minute: a tick is a millisecond


def codec() -> Codec:
    torch.manual_seed(1)
    return Codec(CodecConfig(RATE, 1, 4, 8, (4, 5), (1, 3), 6, 2, 16)).eval()


def test_a_note_is_heard_from_its_onset_at_its_pitch_until_it_ends() -> None:
    sound = plain_tones(score((500, 1000, 69, 127)), RATE, 2 * RATE)
    assert not sound[: RATE // 2].any()
    assert not sound[round(1.561 * RATE) :].any()
    spectrum = np.abs(np.fft.rfft(sound[RATE // 2 : RATE // 2 + 4000] * np.hanning(4000)))
    assert int(spectrum.argmax()) * RATE / 4000 == pytest.approx(440, abs=2)
    harmonics = [spectrum[220 * k] / spectrum[220] for k in (2, 3, 4)]
    assert harmonics == pytest.approx([1 / 2, 1 / 3, 1 / 4], rel=0.02)


def test_tones_of_a_pitch_begin_alike_and_velocities_are_squared() -> None:
    loud = plain_tones(score((0, 400, 60, 120)), RATE, 2000)
    later = plain_tones(score((1000, 400, 60, 60)), RATE, 2000, first=RATE)
    np.testing.assert_allclose(loud, 4 * later, atol=1e-6)
    both = plain_tones(score((0, 400, 60, 120), (100, 400, 64, 120)), RATE, 4000)
    alone = plain_tones(score((100, 400, 64, 120)), RATE, 4000)
    np.testing.assert_allclose(both[:2000], loud + alone[:2000], atol=1e-6)


def test_what_is_above_the_rate_is_left_out() -> None:
    sound = plain_tones(score((0, 1000, 100, 127)), RATE, RATE)  # 2,637 Hz: its second harmonic would fold back
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(RATE)))
    assert spectrum[2 * 2637 - RATE] < 0.01 * spectrum.max()
    assert not plain_tones(score((0, 1000, 110, 127)), RATE, RATE).any()  # 4,699 Hz itself is above half the rate


@pytest.mark.parametrize("first", [-7, 0, 3, 40, 900])
def test_a_stretch_is_that_of_the_whole(first: int) -> None:
    music, net = score((100, 900, 60, 90), (400, 1700, 52, 60), (1500, 700, 71, 100)), codec()
    samples = plain_tones(music, RATE, 3 * RATE)
    whole = tone_vectors(music, net, 1200)
    expected = np.zeros((250, 6), np.float32)
    part = whole[max(0, first) : first + 250]
    expected[max(0, -first) :][: len(part)] = part
    np.testing.assert_allclose(tone_vectors(music, net, 250, first)[: len(part) + max(0, -first)],
                               expected[: len(part) + max(0, -first)], atol=1e-6)  # fmt: skip
    if first > 0:
        np.testing.assert_array_equal(
            plain_tones(music, RATE, 3 * RATE - 20 * first, 20 * first), samples[20 * first :]
        )
    with torch.no_grad():
        directly = net.vectors(torch.from_numpy(samples)[None, None])[0].numpy()
    np.testing.assert_allclose(whole, directly[:1200], atol=1e-5)


def test_a_vector_depends_on_as_many_frames_as_it_is_said_to() -> None:
    net, sound = codec(), torch.randn(1, 1, 20 * 30, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = net.vectors(sound)[0, 25]
        sound[..., : 20 * (25 - net.reach)] = 0
        assert torch.equal(net.vectors(sound)[0, 25], before)
        sound[..., : 20 * (25 - net.reach + 1)] = 0
        assert not torch.equal(net.vectors(sound)[0, 25], before)


def test_a_codec_on_another_device_gets_its_sound_there() -> None:
    """Tones are made on the processor, and a codec may be on an accelerator."""
    assert codec().to("meta").vectors(torch.zeros(1, 1, 80)).device.type == "meta"


def test_a_model_is_told_tones_where_it_takes_them() -> None:
    music, net = score((100, 900, 60, 90)), codec()
    condition = condition_frames(music, net, FEATURES + 6, 30, 5)
    np.testing.assert_array_equal(condition[:, :FEATURES], score_frames(music, net.format.frame_rate, 30, 5))
    np.testing.assert_array_equal(condition[:, FEATURES:], tone_vectors(music, net, 30, 5))
    assert condition_frames(music, net, FEATURES, 30).shape == (30, FEATURES)
    with pytest.raises(ModelError, match="features a frame"):
        check_features(FEATURES + 5, net)
    with pytest.raises(ModelError, match="features a frame"):
        condition_frames(music, net, 5, 30)
