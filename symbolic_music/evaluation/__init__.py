"""Evaluation: likelihood, in the units that papers use."""

from symbolic_music.evaluation.aria_embeddings import aria_embedding
from symbolic_music.evaluation.likelihood import Likelihood, likelihood
from symbolic_music.evaluation.stores import evaluate

__all__ = ["Likelihood", "aria_embedding", "evaluate", "likelihood"]
