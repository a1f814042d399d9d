"""Every experiment of configs/ can be built."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from symbolic_music import tokenizers
from symbolic_music.codec.jukebox.prior import JukeboxPrior, JukeboxPriorConfig
from symbolic_music.codec.language_models.registry import WRITERS
from symbolic_music.corpora.windows.augmentation import preset
from symbolic_music.models import registry
from symbolic_music.training import load_config
from symbolic_music.training.codec.config import load_codec_config
from symbolic_music.training.config import CodesData, LevelData, WindowsData
from symbolic_music.training.flow.config import load_flow_config
from symbolic_music.training.transcription.config import load_transcription_config

FOLDER = Path(__file__).resolve().parents[2] / "configs"
# Trained by verbs of their own; those of the levels of a cascade by that of codecs.
SOUND = {"codec": load_codec_config, "flow": load_flow_config, "transcription": load_transcription_config}
SOUND |= {f"jukebox-codec-{level}": load_codec_config for level in ("top", "middle", "bottom")}
CONFIGS = sorted(
    path
    for path in [*FOLDER.glob("*.yaml"), *FOLDER.glob("two-cores/*.yaml"), *FOLDER.glob("gpu/*.yaml")]
    if path.stem not in SOUND
)


@pytest.mark.parametrize("name", SOUND)
def test_a_config_of_sound_names_what_there_is(name: str) -> None:
    assert SOUND[name](FOLDER / f"{name}.yaml").name == name


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_config_names_what_there_is(path: Path) -> None:
    config = load_config(path)
    assert config.name == path.stem
    if isinstance(config.data, CodesData):
        kind = WRITERS[config.model.architecture]
        with torch.device("meta"):
            kind.model(kind.config(**config.model.settings))
        return
    if isinstance(config.data, LevelData):
        with torch.device("meta"):
            JukeboxPrior(JukeboxPriorConfig(**config.model.settings))
        return
    with torch.device("meta"):
        registry.get(config.model.architecture).build(config.model.settings, config.model.preset)
    if isinstance(config.data, WindowsData):
        tokenizers.get(config.data.tokenizer, **config.data.options)
        preset(config.data.augmentation)
