"""The interface of token models: `forward` for training, `step` for generation."""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

from torch import Tensor

# (..., vocabulary), or where ids have fields a tuple of (..., size), one a field.
Logits = Tensor | tuple[Tensor, ...]
# What a network reads and writes, as its class says by an attribute `reads`: ids (or words) of a tokenizer, as
# `TokenModel` has them, which holds where it says nothing; anticipated events in musical time; regions of a score.
Reads = Literal["ids", "events", "regions"]


class Cache(Protocol):
    """The state of a model between steps, of a fixed size; made by `new_cache`."""

    @property
    def length(self) -> int:
        """Number of ids read so far, those included that the model no longer sees."""
        ...


@runtime_checkable
class WithHead(Protocol):
    """A token model that ends in one matrix, so that its loss needs no logits of all positions at once."""

    def before_head(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Final states (B, L, width), and the matrix (vocabulary, width) and bias that make logits of them."""
        ...


@runtime_checkable
class TokenModel(Protocol):
    """A network that gives logits of the id (or word of fields) that follows.

    What `step` returns for the last of its ids is what `forward` has at that position when it is given all ids so far,
    also when there are more of them than the model's window holds; each model's docstring says what it sees then.
    A position's logits depend on no later id. `step` keeps no gradients. A model in training mode drops out in both.
    """

    @property
    def config(self) -> Any:
        """The dataclass that the model was built from; `dataclasses.asdict` of it is JSON-ready."""
        ...

    def forward(self, ids: Tensor) -> Logits:
        """Logits at each position: (B, L) to (B, L, vocabulary), or (B, L, fields) to a tuple of (B, L, size)."""
        ...

    def step(self, ids: Tensor, cache: Any) -> Logits:
        """Append (B, L) or (B, L, fields), L at least 1; logits of what follows: (B, vocabulary) or (B, size) each."""
        ...

    def new_cache(self, batch: int = 1) -> Any:
        """An empty cache for `step`, preallocated, of the type and device of the weights."""
        ...
