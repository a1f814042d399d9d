"""Models, and the folders they are kept in."""

from symbolic_music.models.anticipatory import AnticipatoryConfig, AnticipatoryTransformer
from symbolic_music.models.attention import relative_attention
from symbolic_music.models.bundle import Card, Model, bundled, load_model, save_model
from symbolic_music.models.gpt2 import GPT2, GPT2Config
from symbolic_music.models.pretrained import load_pretrained, save_pretrained

__all__ = [
    "GPT2",
    "AnticipatoryConfig",
    "AnticipatoryTransformer",
    "Card",
    "GPT2Config",
    "Model",
    "bundled",
    "load_model",
    "load_pretrained",
    "relative_attention",
    "save_model",
    "save_pretrained",
]
