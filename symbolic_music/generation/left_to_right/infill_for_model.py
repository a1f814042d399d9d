"""Which session a model that only continues infills with."""

from __future__ import annotations

from typing import Any

from symbolic_music.generation.decoding.skytnt_sampler import RowNetwork
from symbolic_music.generation.left_to_right.aria_infill import AriaInfilling
from symbolic_music.generation.left_to_right.bar_infill import BarInfilling
from symbolic_music.generation.left_to_right.candidate_infill import CandidateInfilling
from symbolic_music.generation.left_to_right.skytnt_infill import RowInfilling
from symbolic_music.models import Model


def infilling_of(model: Model[Any]) -> type[CandidateInfilling]:
    """By its ids: rows of events, performances, or bars."""
    if isinstance(model.network, RowNetwork):
        return RowInfilling
    return AriaInfilling if model.tokenizer.name == "aria" else BarInfilling
