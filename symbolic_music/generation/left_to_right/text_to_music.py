"""Write music that a text describes, with MIDI-LLM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from typing_extensions import override

from symbolic_music.errors import OptionError
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.left_to_right.batching import HandedOut
from symbolic_music.generation.left_to_right.token_continuation import TokenWriting
from symbolic_music.generation.limits import FREE, Limits
from symbolic_music.models import Model
from symbolic_music.models.architectures.midi_llm import MidiLlm, TextConditioned
from symbolic_music.score import Score
from symbolic_music.tokenizers.anticipation import vocabulary as v

TEXT_MODEL = "midi-llm"
# As the original draws.
PUBLISHED_TEXT_SAMPLING = Sampling(top_p=0.98)


def takes_text(model: Model[Any]) -> bool:
    """Whether a model writes what a text describes."""
    return isinstance(model.network, MidiLlm)


def text_session(
    model: Model[Any],
    text: str | None,
    prompt: Score | None,
    seconds: float,
    sampling: Sampling | Mapping[str, Sampling] | None,
    seed: int,
    count: int,
    limits: Limits,
) -> TextWriting:
    """The session for a text.

    Raises:
        OptionError: when the model takes no text, or there is none; for a piece to go on from, limits, or more than
            100 seconds.
    """
    name = model.card.name
    if not takes_text(model):
        raise OptionError(f"model {name!r} takes no text; {TEXT_MODEL} does")
    if text is None or not text.strip():
        raise OptionError(f"model {name!r} needs a text that describes the music")
    if prompt is not None:
        raise OptionError(f"model {name!r} writes new pieces: give a text or a prompt, not both")
    if replace(limits, free=False) != FREE:
        raise OptionError(f"model {name!r} cannot keep to limits")
    if seconds > v.MAX_TIME / v.STEPS_PER_SECOND:
        raise OptionError(f"model {name!r} writes at most {v.MAX_TIME // v.STEPS_PER_SECOND} seconds, not {seconds:g}")
    return TextWriting(model, text, seconds, sampling, seed, count)


class TextWriting(TokenWriting):
    """A `TokenWriting` of a new piece given a text.

    Raises:
        OptionError: as `TokenWriting`, and when the model was loaded without its text.
        ModelError: when the tokenizer of its text is missing or broken.
    """

    def __init__(
        self,
        model: Model[Any],
        text: str,
        seconds: float,
        sampling: Sampling | Mapping[str, Sampling] | None,
        seed: int,
        count: int,
    ) -> None:
        super().__init__(model, None, seconds, sampling, seed, count)
        if model.network.text_ids is None:
            raise OptionError(f"model {model.card.name!r} was loaded without the tokenizer of its text")
        self._text: Sequence[int] = model.network.text_ids(text)
        self._given = np.array([v.AUTOREGRESS], np.int32)
        self._permitted = np.zeros(v.SIZE, bool)
        self._permitted[: v.CONTROL] = True

    @override
    def _begin(self, generators: Sequence[torch.Generator]) -> HandedOut[tuple[Any, float]]:
        text = torch.tensor([self._text], dtype=torch.long, device=self._model.device)
        conditioned = replace(self._model, network=TextConditioned(self._model.network, text))
        sampling = self._sampling if isinstance(self._sampling, Sampling) else PUBLISHED_TEXT_SAMPLING
        return self._ids_of(conditioned, sampling, generators, self._permitted)
