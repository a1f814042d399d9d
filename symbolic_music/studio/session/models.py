"""The models of the studio, loaded on first use."""

from __future__ import annotations

import threading
from typing import Any

from symbolic_music.errors import OptionError
from symbolic_music.generation.default_model import loaded_model
from symbolic_music.models import Model, list_models

# Best first: the one that is there is the studio's own choice.
_PREFERRED = ("song", "multitrack", "chorales", "piano")
_IN_WORDS = {
    "song": "Any instruments and drums, given everything around the region; keeps to what each track does elsewhere.",
    "multitrack": "Any instruments and drums. A small model: phrases fit, long lines wander.",
    "chorales": "Four-voice chorales, one note at a time in each voice; no drums.",
    "piano": "Piano performances; no other instruments.",
}
# Chooses which notes stay, as region models cannot.
_THINS = "multitrack"
# Bundled networks that write no notes into a score.
_OF_SOUND = ("codec", "codec-depth", "transcription")


class Models:
    """Models by name; each is loaded once."""

    def __init__(self, preferred: str | None = None, device: str = "auto") -> None:
        self._loaded: dict[str, Model[Any]] = {}
        self._lock = threading.Lock()
        self._cards = [card for card in list_models() if card.name not in _OF_SOUND]
        self._preferred, self._device = preferred, device

    @property
    def default(self) -> str:
        """The name of the studio's own choice."""
        if self._preferred is not None:
            return self._preferred
        names = [card.name for card in self._cards]
        return next((name for name in _PREFERRED if name in names), names[0])

    def listed(self) -> list[dict[str, Any]]:
        """Name, licence, data and what each can do, in a line."""
        found = [
            {
                "name": card.name,
                "parameters": card.parameters,
                "licence": card.license,
                "data": card.data,
                "words": _IN_WORDS.get(card.name, card.description),
                "default": card.name == self.default,
            }
            for card in self._cards
        ]
        if self.default not in [card.name for card in self._cards]:
            words = "The model that the studio was started with."
            unknown = {"parameters": None, "licence": "see its card", "data": "see its card"}
            found.insert(0, {"name": self.default, **unknown, "words": words, "default": True})
        return found

    def answering(self, verb: str, name: str | None) -> Model[Any]:
        """The model that answers a wish: where the named one thins nothing out, and the wish is that, one that does.

        Errors as `get`'s.
        """
        model = self.get(name)
        if verb == "sparser" and model.reads == "regions" and _THINS in {card.name for card in self._cards}:
            return self.get(_THINS)
        return model

    def get(self, name: str | None) -> Model[Any]:
        """A model by name, the studio's own choice when None. OptionError for one that was not offered."""
        wanted = self.default if name is None else name
        if wanted not in {one["name"] for one in self.listed()}:
            raise OptionError(f"no model {wanted!r} in this studio; start it with --model to use another")
        with self._lock:
            if wanted not in self._loaded:
                self._loaded[wanted] = loaded_model(wanted, device=self._device)
            return self._loaded[wanted]
