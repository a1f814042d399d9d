"""Evaluation: likelihood, in the units that papers use."""

from symbolic_music.evaluation.likelihood import Likelihood, likelihood
from symbolic_music.evaluation.stores import evaluate

__all__ = ["Likelihood", "evaluate", "likelihood"]
