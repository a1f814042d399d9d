"""Find a model's class, config and presets by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, TypeVar

from torch import nn

from symbolic_music.errors import ModelError, PluginError, UnknownNameError
from symbolic_music.models.protocol import Reads
from symbolic_music.plugins import Registry

# Name -> module, model class, config class. Imported on first use.
_ARCHITECTURES = {
    "anticipatory": ("anticipatory", "AnticipatoryTransformer", "AnticipatoryConfig"),
    "compound-transformer": ("compound_transformer", "CompoundTransformer", "CompoundTransformerConfig"),
    "frame-transformer": ("frame_transformer", "FrameTransformer", "FrameTransformerConfig"),
    "gpt2": ("gpt2", "GPT2", "GPT2Config"),
    "lstm": ("lstm", "LSTM", "LSTMConfig"),
    "music-transformer": ("music_transformer", "MusicTransformer", "MusicTransformerConfig"),
    "region-transformer": ("region_transformer", "RegionTransformer", "RegionConfig"),
    "sinusoid-transformer": ("sinusoid_transformer", "SinusoidTransformer", "SinusoidTransformerConfig"),
    "x-transformer": ("x_transformer", "XTransformer", "XTransformerConfig"),
    "aria": ("aria", "Aria", "AriaConfig"),
    "midi-llm": ("midi_llm", "MidiLlm", "MidiLlmConfig"),
    "skytnt": ("skytnt", "SkyTnt", "SkyTntConfig"),
}


@dataclass(frozen=True)
class Architecture:
    """A kind of model.

    Args:
        name: that model folders and configs call it by.
        model: class, built from a config.
        config: dataclass of the shape.
        presets: published configs by name; may be empty.

    Examples:
        >>> from symbolic_music.models import registry
        >>> lstm = registry.get("lstm")
        >>> lstm.name, sorted(lstm.presets)
        ('lstm', ['performance-rnn', 'piano'])
    """

    name: str
    model: type[nn.Module]
    config: type[Any]
    presets: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reads(self) -> Reads:
        """The inputs and outputs of its networks; see `protocol.Reads`."""
        found: Reads = getattr(self.model, "reads", "ids")
        return found

    @property
    def defined(self) -> type[nn.Module]:
        """By which a changed definition is known from another architecture; see `plugins`."""
        return self.model

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


def _imported(name: str) -> Architecture:
    file, model, config = _ARCHITECTURES[name]
    module = import_module(f"symbolic_music.models.architectures.{file}")
    return Architecture(name, getattr(module, model), getattr(module, config), getattr(module, "PRESETS", {}))


def _fitted(name: str, part: Any) -> Architecture:
    """An architecture whose class can be built, trained and saved."""
    if not isinstance(part, Architecture):
        raise PluginError(f"{part!r:.80} is no Architecture: decorate its class with models.register")
    if part.name != name:
        raise PluginError(f"architecture {name!r} calls itself {part.name!r}")
    if not (isinstance(part.model, type) and issubclass(part.model, nn.Module)):
        raise PluginError(f"architecture {name!r} is a class of torch.nn.Module, not {part.model!r:.80}")
    if not dataclasses.is_dataclass(part.config):
        raise PluginError(f"the config of architecture {name!r} is a dataclass, not {part.config!r:.80}")
    missing = [method for method in ("forward", "step", "new_cache") if not callable(getattr(part.model, method, None))]
    if missing:
        raise PluginError(f"architecture {name!r} lacks {', '.join(missing)}: see models.protocol.TokenModel")
    return part


_BUILT_IN = {name: partial(_imported, name) for name in _ARCHITECTURES}
_registry: Registry[Architecture] = Registry("model architecture", "symbolic_music.architectures", _BUILT_IN, _fitted)
Class = TypeVar("Class", bound=type[nn.Module])


def register(name: str, config: type[Any], presets: Mapping[str, Any] | None = None) -> Callable[[Class], Class]:
    """Class decorator: configs of training, `save_model` and `load_model` find the architecture by this name.

    Packages offer theirs by entry points of the group `symbolic_music.architectures`, which name the decorated class.

    Args:
        name: that model folders and configs call it by.
        config: dataclass of the shape, from which the class is built: `vocabulary` of its fields is the number of ids,
            or `sizes` those of each field of compound words. What it refuses it refuses with ModelError.
        presets: configs by name.

    Raises:
        PluginError: when the name is taken, or the class is no `TokenModel`.

    Examples:
        >>> from dataclasses import dataclass
        >>> import torch
        >>> @dataclass(frozen=True)
        ... class CountsConfig:
        ...     vocabulary: int = 388
        >>> @sm.models.register("counts", CountsConfig)
        ... class Counts(torch.nn.Module):
        ...     def __init__(self, config):
        ...         super().__init__()
        ...         self.config, self.logits = config, torch.nn.Parameter(torch.zeros(config.vocabulary))
        ...     def forward(self, ids):  # (batch, length) to (batch, length, vocabulary): the same logits everywhere
        ...         return self.logits.expand(*ids.shape, -1)
        ...     def step(self, ids, cache):
        ...         cache.length += ids.shape[1]
        ...         return self.logits.expand(len(ids), -1)
        ...     def new_cache(self, batch=1):
        ...         return None
        >>> from symbolic_music.models import registry
        >>> registry.get("counts").build().logits.shape
        torch.Size([388])
    """

    def add(cls: Class) -> Class:
        _registry.add(name, Architecture(name, cls, config, presets or {}))
        return cls

    return add


names, get = _registry.names, _registry.get


def name_of(model: nn.Module) -> str:
    """Name of a model's architecture; UnknownNameError when it has none."""
    kind = type(model)
    for name, (file, cls, _) in _ARCHITECTURES.items():
        if (kind.__module__, kind.__name__) == (f"symbolic_music.models.architectures.{file}", cls):
            return name
    for name, architecture in _registry.registered():
        if architecture.model is kind:
            return name
    raise UnknownNameError(f"{kind.__name__} is not one of our architectures: {', '.join(names())}")
