"""A flow decoder plays a score block after block, with the samples of the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import symbolic_music as sm
from symbolic_music.codec.flow import streaming
from symbolic_music.codec.flow.checkpoint import load_flow, save_flow
from symbolic_music.codec.flow.decoder import FlowConfig, FlowDecoder
from symbolic_music.codec.flow.rendering import render_by_flow, render_file_by_flow
from symbolic_music.codec.flow.streaming import noise, stream_sound
from symbolic_music.errors import EmptyScoreError, ModelError, OptionError, UnknownNameError
from symbolic_music.score import Score
from tests.codec.language_models.test_registry import CARD, score

pytest.importorskip("librosa")
SHAPE = FlowConfig(
    sample_rate=8_000, size=128, hop=32, bands=16, width=12, hidden=12, condition_blocks=1, blocks=2, head_width=12,
    head_hidden=12, head_blocks=2,
)  # fmt: skip


def decoder(seed: int = 1) -> FlowDecoder:
    """Of random weights, none of them zero."""
    torch.manual_seed(seed)
    made = FlowDecoder(SHAPE)
    for weights in made.parameters():
        if weights.ndim > 1:
            torch.nn.init.normal_(weights, std=0.2)
    return made.eval()


def played(made: FlowDecoder, of: Score, **settings: object) -> np.ndarray:
    return np.concatenate(list(stream_sound(made, of, **settings)), axis=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_blocks_have_the_samples_of_the_whole(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made, whole = decoder(), score()
    monkeypatch.setattr(streaming, "BLOCK", 100_000)
    at_once = played(made, whole, steps=steps)
    assert at_once.shape == (1, 3 * 8_000)  # two seconds and one more
    monkeypatch.setattr(streaming, "BLOCK", 37)
    in_parts = played(made, whole, steps=steps)
    assert np.abs(at_once - in_parts).max() < 1e-5 < np.abs(at_once).max()


def test_the_reach_is_that_of_the_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """With half of the frames on either side, blocks differ from the whole."""
    made, whole = decoder(), score()
    monkeypatch.setattr(streaming, "BLOCK", 100_000)
    at_once = played(made, whole, steps=4)
    monkeypatch.setattr(streaming, "BLOCK", 64)
    reach = FlowDecoder.reach
    monkeypatch.setattr(FlowDecoder, "reach", lambda self, steps: reach(self, steps) // 2)
    assert np.abs(at_once - played(made, whole, steps=4)).max() > 0


def test_seeds_steps_and_guidance_make_a_difference() -> None:
    made, of = decoder(), score()
    first = played(made, of, seed=3)
    assert np.array_equal(first, played(made, of, seed=3))
    others = [{"seed": 4}, {"seed": 3, "steps": 1}, {"seed": 3, "steps": 3}, {"seed": 3, "steps": 3, "guidance": 2.0}]
    sounds = [first, *(played(made, of, **settings) for settings in others)]
    assert all(not np.array_equal(a, b) for i, a in enumerate(sounds) for b in sounds[:i])


def test_noise_depends_on_its_place_alone() -> None:
    whole = noise(5, 0, 0, 40_000)
    assert np.array_equal(noise(5, 0, 16_000, 5_000), whole[16_000:21_000])
    assert abs(whole.mean()) < 0.02
    assert abs(whole.std() - 1) < 0.02
    assert not np.array_equal(noise(5, 1, 0, 100), whole[:100])


def test_a_file_has_the_sound_of_the_audio(tmp_path: Path) -> None:
    made, of, shares = decoder(), score(), list[float]()
    sound = render_by_flow(of, made, seed=1)
    written = render_file_by_flow(of, tmp_path / "a.flac", made, seed=1, progress=shares.append)
    data, rate = soundfile.read(tmp_path / "a.flac")
    assert (rate, data.shape, written.seconds) == (8_000, (24_000, 2), 3.0)
    assert np.abs(data.T - sound.samples).max() < 1e-4
    assert shares[-1] == 1.0
    assert shares == sorted(shares)


def test_a_decoder_is_saved_and_found_again(tmp_path: Path) -> None:
    made = decoder().half().float()  # folders have float16
    save_flow(made, CARD, tmp_path / "flow")
    again, card = load_flow(tmp_path / "flow", "cpu")
    assert (again.config, card.name) == (SHAPE, "tiny")
    assert np.array_equal(played(made, score()), played(again, score()))
    sound = sm.render(score(), "flow", model=str(tmp_path / "flow"))
    assert sound.sample_rate == 8_000
    with pytest.raises(OptionError, match="has no reverb"):
        sm.render(score(), "flow", model=again, reverb=0.2)
    with pytest.raises(OptionError, match="not a flow decoder"):
        sm.render(score(), "codec", model=again)


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    made = decoder()
    with pytest.raises(OptionError, match="1 to 64 steps"):
        stream_sound(made, score(), steps=0)
    with pytest.raises(OptionError, match="guidance"):
        stream_sound(made, score(), guidance=-1)
    with pytest.raises(EmptyScoreError):
        stream_sound(made, Score())
    with pytest.raises(ModelError, match="two or more times hop"):
        FlowConfig(size=100, hop=30)
    with pytest.raises(ModelError):
        FlowConfig(width=0)
    with pytest.raises(UnknownNameError, match="no flow decoder"):
        load_flow("nowhere")
    (tmp_path / "codec").mkdir()
    (tmp_path / "codec" / "config.json").write_text('{"architecture": "codec"}')
    with pytest.raises(ModelError, match="no flow decoder"):
        load_flow(tmp_path / "codec")
