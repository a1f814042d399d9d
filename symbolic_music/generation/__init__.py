"""Generation: sampling, continuation, infilling, accompaniment."""

from symbolic_music.generation.anticipation_sampler import AnticipationSampler, EventSampling, sample_anticipation
from symbolic_music.generation.continuation import generate
from symbolic_music.generation.infilling import accompany, infill
from symbolic_music.generation.prepared import PreparedGPT2
from symbolic_music.generation.request import Alternative, Drawn, Request
from symbolic_music.generation.sampling import Sampling

__all__ = [
    "Alternative",
    "AnticipationSampler",
    "Drawn",
    "EventSampling",
    "PreparedGPT2",
    "Request",
    "Sampling",
    "accompany",
    "generate",
    "infill",
    "sample_anticipation",
]
