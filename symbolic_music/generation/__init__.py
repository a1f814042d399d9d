"""Generation: sampling, continuation, infilling, accompaniment."""

from symbolic_music.generation.continuation import continuing, generate
from symbolic_music.generation.decoding.compound_sampler import PUBLISHED_WORD_SAMPLING
from symbolic_music.generation.decoding.event_sampler import AnticipationSampler, EventSampling, sample_anticipation
from symbolic_music.generation.decoding.request import Alternative, Drawn, Request
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.edits import (
    accompany,
    accompanying,
    add_track,
    adding_track,
    infill,
    infilling,
    revoice,
    revoicing,
    thin_out,
    thinning,
)
from symbolic_music.generation.inference.inference_gpt2 import PreparedGPT2, with_weights
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.regions import Region, bars, tracks_of
from symbolic_music.generation.results import Writing, Written, WrittenNote, ranked
from symbolic_music.generation.sessions.edit import Edit, Editing

__all__ = [
    "PUBLISHED_WORD_SAMPLING",
    "Alternative",
    "AnticipationSampler",
    "Drawn",
    "Edit",
    "Editing",
    "EventSampling",
    "Limits",
    "PreparedGPT2",
    "Region",
    "Request",
    "Sampling",
    "Writing",
    "Written",
    "WrittenNote",
    "accompany",
    "accompanying",
    "add_track",
    "adding_track",
    "bars",
    "continuing",
    "generate",
    "infill",
    "infilling",
    "ranked",
    "revoice",
    "revoicing",
    "sample_anticipation",
    "thin_out",
    "thinning",
    "tracks_of",
    "with_weights",
]
