"""Evaluation: likelihood, and how music agrees with its surroundings."""

from symbolic_music.evaluation.likelihood import Likelihood, likelihood

__all__ = ["Likelihood", "likelihood"]
