from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from symbolic_music.errors import ModelError, UnknownNameError
from symbolic_music.models.model import Card
from symbolic_music.transcription.checkpoint import load_transcriber, save_transcriber
from symbolic_music.transcription.network import Transcriber, TranscriberConfig

SMALL = TranscriberConfig(width=8, dilations=(1, 2))


def network(seed: int = 0) -> Transcriber:
    torch.manual_seed(seed)
    return Transcriber(SMALL).eval()


def test_shapes() -> None:
    heard = network()(torch.randn(2, 8000))
    assert {tuple(one.shape) for one in heard} == {(2, 21, 88)}


def test_a_frame_depends_on_its_context_alone() -> None:
    made, sound = network(), torch.randn(1, 40_000)
    far = made.context + 1
    other = sound.clone()
    other[:, (50 + far) * 400 :] = 0
    other[:, : (50 - far) * 400] = 0
    for one, two in zip(made(sound), made(other), strict=True):
        assert torch.allclose(one[:, 50], two[:, 50], atol=1e-5)
        assert not torch.allclose(one[:, 90], two[:, 90], atol=1e-5)


def test_the_gradient_of_the_frames_does_not_reach_the_onsets() -> None:
    made = network()
    made(torch.randn(1, 4000)).frame.sum().backward()
    assert made.onset.weights.weight.grad is None
    assert made.frame.weights.weight.grad is not None


def test_a_folder_gives_the_same_network(tmp_path) -> None:
    card, made, sound = Card("mine", 1, "CC0-1.0", "none"), network(), torch.randn(1, 4000)
    back = load_transcriber(save_transcriber(made, card, tmp_path / "mine"), "cpu")
    again = load_transcriber(save_transcriber(back, card, tmp_path / "again"), "cpu")
    for one, two, three in zip(made(sound), back(sound), again(sound), strict=True):
        assert torch.allclose(one, two, atol=1e-2)
        assert torch.equal(two, three)


def test_other_folders_are_said(tmp_path) -> None:
    with pytest.raises(UnknownNameError, match="no transcriber named 'nothing'"):
        load_transcriber("nothing")
    folder = save_transcriber(network(), Card("mine", 1, "CC0-1.0", "none"), tmp_path / "mine")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "transcriber": {"width": 0}}))
    with pytest.raises(ModelError, match="does not fit this version"):
        load_transcriber(folder)
    (folder / "config.json").write_text(json.dumps({**config, "transcriber": {"width": 9, "dilations": [1, 2]}}))
    with pytest.raises(ModelError, match="does not fit its config"):
        load_transcriber(folder)
    # A quarter of a terabyte, if it were made before it is compared.
    huge = {"width": 4096, "dilations": [1] * 400}
    (folder / "config.json").write_text(json.dumps({**config, "transcriber": huge}))
    with pytest.raises(ModelError, match=r"does not fit its config\.json"):
        load_transcriber(folder)
    (folder / "config.json").write_text(json.dumps({**config, "architecture": "codec"}))
    with pytest.raises(ModelError, match="no transcriber"):
        load_transcriber(folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hop": 1}, "1 to 1000 frames"),
        ({"hop": 20_000}, "1 to 1000 frames"),
        ({"dilations": (1,) * 2_000}, "layers"),
    ],
)
def test_shapes_that_would_take_for_ever_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        TranscriberConfig(**settings)
