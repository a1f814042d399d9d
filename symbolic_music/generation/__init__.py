"""Generation: sampling, continuation, infilling, accompaniment."""

from symbolic_music.generation.continuation import generate
from symbolic_music.generation.infilling import accompany, infill
from symbolic_music.generation.sampling import Sampling

__all__ = ["Sampling", "accompany", "generate", "infill"]
