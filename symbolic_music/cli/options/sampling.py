"""How notes are sampled, as options."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symbolic_music.cli.options.help_page import SAMPLING

if TYPE_CHECKING:
    from symbolic_music.generation import Sampling
    from symbolic_music.models import Model

_sampling = partial(typer.Option, rich_help_panel=SAMPLING)


@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """How notes are sampled; what is not set is the default of the model."""

    best_of: Annotated[
        int | None,
        _sampling(
            help="Candidates for each result, of which the one that fits best is kept.",
            show_default="4 of region models such as song, 1 of others",
            min=1,
            max=64,
        ),
    ] = None
    temperature: Annotated[
        float | None,
        _sampling(help="Below 1 safer, above 1 bolder.", show_default="1.0; of region models 0.65, 0.85 from nothing"),
    ] = None
    top_p: Annotated[
        float | None,
        _sampling(help="Sample from the most likely ids, up to this cumulative probability.", show_default="0.95"),
    ] = None
    top_k: Annotated[
        int | None, _sampling(help="Sample from this many of the most likely ids; 0 for all.", show_default="0")
    ] = None
    min_p: Annotated[
        float | None,
        _sampling(help="Drop ids whose probability is below this fraction of the highest.", show_default="0.0"),
    ] = None

    def sampling(self, model: Model[Any]) -> Sampling | None:
        """The sampling settings; None when no option sets one: the default of the model."""
        from symbolic_music.generation import default_sampling

        given = self.given_sampling()
        return replace(default_sampling(model), **given) if given else None

    def given_sampling(self) -> dict[str, Any]:
        """The sampling settings that options set."""
        values = {"temperature": self.temperature, "top_p": self.top_p, "top_k": self.top_k, "min_p": self.min_p}
        return {name: value for name, value in values.items() if value is not None}
