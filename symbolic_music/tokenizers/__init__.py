"""Tokenizers: performance, remi, compound, anticipation, and the interface they share."""

from symbolic_music.tokenizers.base import Grammar, Ids, Tokenizer, Vocabulary
from symbolic_music.tokenizers.registry import get, names

__all__ = ["Grammar", "Ids", "Tokenizer", "Vocabulary", "get", "names"]
