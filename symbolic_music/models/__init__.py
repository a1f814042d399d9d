"""Models, and the folders they are kept in."""

from symbolic_music.models.anticipatory import AnticipatoryConfig, AnticipatoryTransformer
from symbolic_music.models.attention import relative_attention
from symbolic_music.models.bundle import Card, Model, bundled, load_model, save_model

__all__ = [
    "AnticipatoryConfig",
    "AnticipatoryTransformer",
    "Card",
    "Model",
    "bundled",
    "load_model",
    "relative_attention",
    "save_model",
]
