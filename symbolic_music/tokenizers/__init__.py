"""Tokenizers: performance, remi, compound, anticipation, MidiTok's, and the interface they share."""

from symbolic_music.tokenizers.base import BarGrid, Grammar, Ids, Tokenizer, Vocabulary
from symbolic_music.tokenizers.loading import load
from symbolic_music.tokenizers.registry import get, names, presets, register
from symbolic_music.tokenizers.saving import fingerprint, save

__all__ = [
    "BarGrid",
    "Grammar",
    "Ids",
    "Tokenizer",
    "Vocabulary",
    "fingerprint",
    "get",
    "load",
    "names",
    "presets",
    "register",
    "save",
]
