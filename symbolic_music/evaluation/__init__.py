"""Evaluation: likelihood, in the units that papers use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symbolic_music.evaluation.likelihood import Likelihood, likelihood

if TYPE_CHECKING:
    from symbolic_music.evaluation.aria_embeddings import aria_embedding
    from symbolic_music.evaluation.store_likelihood import evaluate

__all__ = ["Likelihood", "aria_embedding", "evaluate", "likelihood"]


def __getattr__(name: str) -> Any:
    # Imported on first use: edits need the measures of context alone.
    if name == "aria_embedding":
        from symbolic_music.evaluation.aria_embeddings import aria_embedding

        return aria_embedding
    if name == "evaluate":
        from symbolic_music.evaluation.store_likelihood import evaluate

        return evaluate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
