"""Models, their folders, and published checkpoints."""

from symbolic_music.deprecation import old_names
from symbolic_music.models.architectures.anticipatory import AnticipatoryConfig, AnticipatoryTransformer
from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config
from symbolic_music.models.attention.relative import relative_attention
from symbolic_music.models.checkpoints.huggingface_gpt2 import load_pretrained
from symbolic_music.models.loading import list_models, load_model
from symbolic_music.models.model import Card, Model
from symbolic_music.models.registry import Architecture, register
from symbolic_music.models.saving import save_model, save_pretrained

__all__ = [
    "GPT2",
    "AnticipatoryConfig",
    "AnticipatoryTransformer",
    "Architecture",
    "Card",
    "GPT2Config",
    "Model",
    "list_models",
    "load_model",
    "load_pretrained",
    "register",
    "relative_attention",
    "save_model",
    "save_pretrained",
]

__getattr__ = old_names(__name__, {"bundled": ("list_models", lambda: list_models)})
