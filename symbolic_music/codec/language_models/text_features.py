"""Words as a condition: what MIDI says of a piece, and the vectors that a T5 of `transformers` makes of words.

Source: Copet et al. 2023 (MusicGen, section 2.3): text by the encoder of a T5 that stays as it is. Words of a piece are
made from its instruments, tempo, meter, key and density. Here a text is the mean of its tokens' vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor

from symbolic_music import theory
from symbolic_music.codec.huggingface import complete
from symbolic_music.errors import EmptyScoreError, MissingExtraError, ModelError, OptionError, SymbolicMusicError
from symbolic_music.general_midi import instrument_name
from symbolic_music.score import Score

_MOST_CHARACTERS, _MOST_TOKENS = 2_000, 256
_MOST_INSTRUMENTS = 5
# Notes a second at which music is sparse, moderate, busy; dense above.
_DENSITIES = ((2.0, "sparse"), (6.0, "moderate"), (12.0, "busy"))


def describe(score: Score, rng: np.random.Generator | None = None) -> str:
    """What MIDI says of a piece, in words: its instruments, tempo, meter, key and density.

    Args:
        score: with notes.
        rng: of these facts it leaves some out, and puts the others in any order; all stand in order without it.

    Raises:
        EmptyScoreError: when there is no note.

    Examples:
        >>> sm.codec.describe(melody)
        'flute; 120 quarter notes a minute; 4/4; E minor; sparse'
    """
    if not len(score):
        raise EmptyScoreError("this score has no notes to describe")
    numbers, counts = np.unique(score.instruments, return_counts=True)
    instruments = [instrument_name(int(number)).lower() for number in numbers[np.argsort(-counts, kind="stable")]]
    seconds = max(1.0, float(score.offset_seconds.max() - score.onset_seconds.min()))
    density = len(score) / seconds
    quarters = float(score.beats(score.end)) / max(1e-6, score.duration)  # a second
    meter = score.meters[0] if len(score.meters) else None
    facts = [
        ", ".join(instruments[:_MOST_INSTRUMENTS]),
        f"{60 * quarters:.0f} quarter notes a minute",
        "4/4" if meter is None else f"{int(meter['numerator'])}/{int(meter['denominator'])}",
        next((word for most, word in _DENSITIES if density < most), "dense"),
    ]
    key = theory.likely_key(score)
    if key is not None:
        facts.insert(3, theory.key_name(*theory.numbered_key(key)))
    if rng is not None:
        kept = [fact for fact in facts if rng.random() < 0.7] or facts[:1]
        facts = [kept[i] for i in rng.permutation(len(kept))]
    return "; ".join(facts)


def text_columns(vector: NDArray[np.float32] | None, width: int, count: int) -> NDArray[np.float32]:
    """A text's vector (width,) in each frame, and 1 in a last column; zeros for None: (count, width + 1)."""
    out = np.zeros((count, width + 1), np.float32)
    if vector is not None:
        out[:, :width], out[:, width] = vector, 1
    return out


class TextEncoder:
    """The encoder of a T5, which stays as it is: a text to the mean of its tokens' vectors.

    Args:
        encoder: transformers' T5EncoderModel.
        tokenizer: its tokenizer.

    Examples:
        >>> from transformers import T5Config, T5EncoderModel
        >>> small = T5EncoderModel(T5Config(vocab_size=8, d_model=4, d_kv=2, d_ff=8, num_layers=1, num_heads=2))
        >>> sm.codec.TextEncoder(small, tokenizer=None).width
        4
    """

    def __init__(self, encoder: Any, tokenizer: Any) -> None:
        self.encoder, self.tokenizer = encoder.eval().requires_grad_(False), tokenizer

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return int(self.encoder.config.d_model)

    @torch.no_grad()
    def embed(self, texts: Sequence[str]) -> Tensor:
        """Vectors of texts, (B, width).

        Raises:
            OptionError: for no words, or more than a few thousand characters.
        """
        for text in texts:
            if not text.strip() or len(text) > _MOST_CHARACTERS:
                raise OptionError(f"a text has 1 to {_MOST_CHARACTERS:,} characters, not {len(text):,}")
        ids = self.tokenizer(list(texts), padding=True, truncation=True, max_length=_MOST_TOKENS, return_tensors="pt")
        mask = ids["attention_mask"]
        states = self.encoder(input_ids=ids["input_ids"], attention_mask=mask).last_hidden_state.float()
        weights = mask[..., None].float()
        return torch.as_tensor((states * weights).sum(1) / weights.sum(1).clamp(min=1))


def load_text_encoder(source: str | Path) -> TextEncoder:
    """The encoder of a T5 of transformers: a folder, or an id of the hub (google-t5/t5-small).

    Raises:
        ModelError: when it cannot be loaded, or is another model.
        MissingExtraError: without transformers.

    Examples:
        >>> sm.codec.load_text_encoder("no-such-folder-here")
        Traceback (most recent call last):
        ...
        ModelError: cannot load a T5 from no-such-folder-here: ...
    """
    try:
        from transformers import AutoConfig, AutoTokenizer, T5EncoderModel
    except ImportError:
        raise MissingExtraError("transformers", "transformers") from None
    try:
        kind = AutoConfig.from_pretrained(str(source)).model_type
        if kind == "t5":
            return TextEncoder(complete(T5EncoderModel, source), AutoTokenizer.from_pretrained(str(source)))
    except SymbolicMusicError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError) as error:
        raise ModelError(f"cannot load a T5 from {source}: {' '.join(str(error).split())[:200]}") from None
    raise ModelError(f"{source} is a {kind}, not a T5")
