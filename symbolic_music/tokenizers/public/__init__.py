"""Tokenizers of published models: the ids that their checkpoints speak."""
