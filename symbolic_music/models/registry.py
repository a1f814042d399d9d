"""Find a model's class, config and presets by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from torch import nn

from symbolic_music.errors import ModelError, UnknownNameError

# Name -> module, model class, config class. Imported when asked for.
_ARCHITECTURES = {
    "anticipatory": ("anticipatory", "AnticipatoryTransformer", "AnticipatoryConfig"),
    "aria": ("aria", "Aria", "AriaConfig"),
    "compound-transformer": ("compound_transformer", "CompoundTransformer", "CompoundTransformerConfig"),
    "frame-transformer": ("frame_transformer", "FrameTransformer", "FrameTransformerConfig"),
    "gpt2": ("gpt2", "GPT2", "GPT2Config"),
    "lstm": ("lstm", "LSTM", "LSTMConfig"),
    "music-transformer": ("music_transformer", "MusicTransformer", "MusicTransformerConfig"),
    "region-transformer": ("region_transformer", "RegionTransformer", "RegionConfig"),
    "sinusoid-transformer": ("sinusoid_transformer", "SinusoidTransformer", "SinusoidTransformerConfig"),
    "x-transformer": ("x_transformer", "XTransformer", "XTransformerConfig"),
}


@dataclass(frozen=True)
class Architecture:
    """A kind of model.

    Args:
        name: that model folders and configs call it by.
        model: class, built from a config.
        config: dataclass of the shape.
        presets: published configs by name; may be empty.
    """

    name: str
    model: type[nn.Module]
    config: type[Any]
    presets: Mapping[str, Any]

    def build(self, shape: Mapping[str, Any] | None = None, preset: str | None = None) -> nn.Module:
        """A model with new weights, drawn from torch's generator; arguments and errors are `shaped`'s."""
        return self.model(self.shaped(shape, preset))

    def shaped(self, shape: Mapping[str, Any] | None = None, preset: str | None = None) -> Any:
        """The config of a model.

        Args:
            shape: its settings, as `dataclasses.asdict` or JSON give them.
            preset: config that they change; the config's defaults when omitted.

        Raises:
            UnknownNameError: for an unknown preset.
            ModelError: for an unknown setting, or one that makes no model.
        """
        if preset is not None and preset not in self.presets:
            known = ", ".join(self.presets) or "none"
            raise UnknownNameError(f"{self.name} has no preset {preset!r}; it has {known}")
        settings = [field.name for field in dataclasses.fields(self.config)]
        for name in shape or {}:
            if name not in settings:
                raise ModelError(f"{self.name} has no setting {name!r}; it has {', '.join(settings)}")
        start = self.config() if preset is None else self.presets[preset]
        return dataclasses.replace(start, **(shape or {}))


def names() -> list[str]:
    """Names that `get` takes."""
    return list(_ARCHITECTURES)


def get(name: str) -> Architecture:
    """The architecture of this name; UnknownNameError when there is none."""
    if name not in _ARCHITECTURES:
        raise UnknownNameError(f"no model architecture {name!r}: choose from {', '.join(names())}")
    file, model, config = _ARCHITECTURES[name]
    module = import_module(f"symbolic_music.models.architectures.{file}")
    return Architecture(name, getattr(module, model), getattr(module, config), getattr(module, "PRESETS", {}))


def name_of(model: nn.Module) -> str:
    """Name of a model's architecture; UnknownNameError when it has none."""
    kind = type(model)
    for name, (file, cls, _) in _ARCHITECTURES.items():
        if (kind.__module__, kind.__name__) == (f"symbolic_music.models.architectures.{file}", cls):
            return name
    raise UnknownNameError(f"{kind.__name__} is not one of our architectures: {', '.join(names())}")
