"""Every experiment of configs/ can be built."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from symbolic_music import tokenizers
from symbolic_music.corpora.augmentation import preset
from symbolic_music.models import registry
from symbolic_music.training import load_config
from symbolic_music.training.config import WindowsData

CONFIGS = sorted((Path(__file__).resolve().parents[2] / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_names_what_there_is(path: Path) -> None:
    config = load_config(path)
    assert config.name == path.stem
    with torch.device("meta"):
        registry.get(config.model.architecture).build(config.model.settings, config.model.preset)
    if isinstance(config.data, WindowsData):
        tokenizers.get(config.data.tokenizer, **config.data.options)
        preset(config.data.augmentation)
