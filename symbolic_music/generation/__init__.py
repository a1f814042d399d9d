"""Generation: sampling, continuation, infilling, accompaniment."""

from importlib import import_module

from symbolic_music.deprecation import old_names
from symbolic_music.generation.continuation import continuation, generate
from symbolic_music.generation.decoding.compound_sampler import PUBLISHED_WORD_SAMPLING
from symbolic_music.generation.decoding.event_request import Alternative, Drawn, Request
from symbolic_music.generation.decoding.event_sampler import AnticipationSampler, EventSampling, sample_anticipation
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.edits import edit
from symbolic_music.generation.inference.draft_model import with_draft
from symbolic_music.generation.inference.prepared_gpt2 import PreparedGPT2
from symbolic_music.generation.inference.quantised_models import with_weights
from symbolic_music.generation.left_to_right.text_to_music import TEXT_MODEL
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.many_files import EditedFile, edit_files
from symbolic_music.generation.piece_request import limits_of_request, new_piece
from symbolic_music.generation.ranking import ranked, ranked_by_fit
from symbolic_music.generation.regions import Region, bars, tracks_of
from symbolic_music.generation.results import EditSession, Written, WrittenNote
from symbolic_music.generation.sampling_defaults import default_sampling
from symbolic_music.generation.sessions.base import Edit
from symbolic_music.generation.sessions.event_edit import Editing
from symbolic_music.generation.track_selection import select
from symbolic_music.generation.verbs.accompany import accompany
from symbolic_music.generation.verbs.add_track import add_track
from symbolic_music.generation.verbs.busier import make_busier
from symbolic_music.generation.verbs.continue_and_intro import continue_bars, introduce
from symbolic_music.generation.verbs.fill import fill
from symbolic_music.generation.verbs.infill import infill
from symbolic_music.generation.verbs.revoice import revoice
from symbolic_music.generation.verbs.thin_out import thin_out
from symbolic_music.generation.verbs.vary import vary

__all__ = [
    "PUBLISHED_WORD_SAMPLING",
    "TEXT_MODEL",
    "Alternative",
    "AnticipationSampler",
    "Drawn",
    "Edit",
    "EditSession",
    "EditedFile",
    "Editing",
    "EventSampling",
    "Limits",
    "PreparedGPT2",
    "Region",
    "Request",
    "Sampling",
    "Written",
    "WrittenNote",
    "accompany",
    "add_track",
    "bars",
    "continuation",
    "continue_bars",
    "default_sampling",
    "edit",
    "edit_files",
    "fill",
    "generate",
    "infill",
    "introduce",
    "limits_of_request",
    "make_busier",
    "new_piece",
    "ranked",
    "ranked_by_fit",
    "revoice",
    "sample_anticipation",
    "select",
    "thin_out",
    "tracks_of",
    "vary",
    "with_draft",
    "with_weights",
]


def _old(name: str) -> object:
    return getattr(import_module("symbolic_music.generation.old_names"), name)


__getattr__ = old_names(
    __name__,
    {
        "Writing": ("EditSession", lambda: EditSession),
        "infilling": ("edit", lambda: edit),
        "continuing": ("continuation", lambda: continuation),
        "revoicing": ("edit with verb='revoice'", lambda: _old("revoicing")),
        "accompanying": ("edit with verb='accompany'", lambda: _old("accompanying")),
        "adding_track": ("edit with verb='add_track'", lambda: _old("adding_track")),
        "varying": ("edit with verb='vary'", lambda: _old("varying")),
        "making_busier": ("edit with verb='busier'", lambda: _old("making_busier")),
        "continuing_bars": ("edit with verb='continue'", lambda: _old("continuing_bars")),
        "introducing": ("edit with verb='intro'", lambda: _old("introducing")),
        "thinning": ("edit with verb='thin_out'", lambda: _old("thinning")),
    },
)
