"""Tokenizers: performance, remi, compound, anticipation, and MidiTok's through an adapter."""

from symbolic_music.tokenizers.base import Grammar, Ids, Tokenizer, Vocabulary
from symbolic_music.tokenizers.registry import get, names

__all__ = ["Grammar", "Ids", "Tokenizer", "Vocabulary", "get", "names"]
