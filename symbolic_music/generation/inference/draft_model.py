"""A GPT-2 with a smaller one of the same ids, which drafts what the larger one verifies: see `decoding.speculative`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from symbolic_music.errors import OptionError
from symbolic_music.generation.inference.prepared_gpt2 import PreparedGPT2
from symbolic_music.models import Model
from symbolic_music.models.architectures.gpt2 import GPT2
from symbolic_music.tokenizers.anticipation import vocabulary as v


class DraftedGPT2:
    """Both networks, prepared; the config is the larger one's."""

    def __init__(self, network: PreparedGPT2, draft: PreparedGPT2) -> None:
        self.network, self.draft, self.config = network, draft, network.config


def with_draft(model: Model[Any], draft: Model[Any]) -> Model[Any]:
    """A model for edits whose notes are drafted by a smaller one: the same distribution, in less time.

    Raises:
        OptionError: when one of them is no GPT-2 of the anticipatory ids, or the draft sees fewer ids.

    Examples:
        >>> def model(layers):  # of random weights; `load_model("amt-medium")` and "amt-small" are trained ones
        ...     network = sm.models.GPT2(sm.models.GPT2Config(width=32, layers=layers, heads=2)).eval()
        ...     return sm.models.Model(network, sm.models.Card("model", 1, "CC0-1.0", "none"))
        >>> drafted = sm.generation.with_draft(model(layers=2), model(layers=1))
        >>> drafted.network.config.layers
        2
    """
    networks = []
    for one in (model, draft):
        network = one.network
        if not isinstance(network, (GPT2, PreparedGPT2)) or network.config.vocabulary != v.SIZE:
            raise OptionError(f"model {one.card.name!r} takes part in no draft: it is no GPT-2 of the anticipatory ids")
        networks.append(network if isinstance(network, PreparedGPT2) else PreparedGPT2(network))
    large, small = networks
    if small.config.context < large.config.context:
        raise OptionError(f"model {draft.card.name!r} sees fewer ids than {model.card.name!r}, for which it drafts")
    return replace(model, network=DraftedGPT2(large, small))
