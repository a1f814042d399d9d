"""The embedding of a piece by Aria: one vector, close to those of similar pieces.

Source: Bradshaw et al. 2025 (arXiv 2506.23869), section on contrastive embeddings; github.com/EleutherAI/aria.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.errors import EmptyScoreError, ModelError
from symbolic_music.models import Model
from symbolic_music.models.architectures.aria import Aria
from symbolic_music.score import Score
from symbolic_music.tokenizers.public import aria_vocabulary as v

_MOST_IDS = 2048


@torch.inference_mode()
def aria_embedding(score: Score, model: Model[Any], notes: int = 300) -> NDArray[np.float32]:
    """The embedding of a piece: the mean of those of its stretches of some notes each.

    Args:
        score: of piano, which the model was trained on.
        model: `aria-embedding`, as `load_model` gives it.
        notes: of a stretch; at most 2,048 ids of each are looked at.

    Returns:
        (512,) with the published model.

    Raises:
        EmptyScoreError: when the score has no notes.
        ModelError: when the model does not embed.

    Examples:
        >>> model = sm.load_model("aria-embedding")  # doctest: +SKIP
        >>> sm.evaluation.aria_embedding(song, model).shape  # doctest: +SKIP
        (512,)
    """
    network = model.network
    if not isinstance(network, Aria) or not network.config.embedding:
        raise ModelError(f"model {model.card.name!r} does not embed; aria-embedding does")
    if not len(score):
        raise EmptyScoreError("the score has no notes: nothing to embed")
    found = []
    for start in range(0, len(score), notes):
        ids = model.tokenizer.encode(score.replace(notes=score.notes[start : start + notes]))
        assert not isinstance(ids, list)
        # The embedding is what stands at the end.
        shown = np.append(ids[: min(len(ids), _MOST_IDS) - 1], v.END)
        found.append(network(torch.from_numpy(shown).long()[None].to(model.device))[0, -1].float().cpu())
    return np.asarray(torch.stack(found).mean(0).numpy())
