"""MusicGen's decoder of `transformers`, conditioned on a score instead of a text.

Source: Copet et al. 2023 (MusicGen, arXiv 2306.05284). Each layer looks at the condition of all frames of a window by
cross-attention; sinusoids of the position at which a frame begins are added to it, so that the decoder, whose positions
are sinusoids too, can find the frames around its own. Our patterns lay the codes out, and the decoder's own mask for
delayed codebooks is not used.

Its positions end with its window. Longer pieces are written in windows that begin with the end of the one before, two
fifths of them, as MusicGen does: a window has no earlier context (`overlapping_windows.in_windows`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from typing_extensions import override

from symbolic_music.codec.huggingface import complete
from symbolic_music.codec.language_models import patterns
from symbolic_music.codec.language_models.base import StepModel
from symbolic_music.codec.language_models.conditioning import Features
from symbolic_music.codec.language_models.patterns import Pattern
from symbolic_music.codec.language_models.score_features import FEATURES
from symbolic_music.errors import MissingExtraError, ModelError
from symbolic_music.models.config_checks import Layers, Share, Size, SizeOrZero, check_heads, checked
from symbolic_music.models.modules.decoder_block import initialise
from symbolic_music.models.modules.embeddings import sinusoids


@checked
@dataclass(frozen=True)
class MusicgenWriterConfig:
    """Shape of a `MusicgenWriter`.

    Args:
        codebooks, size: of the codec whose codes it writes.
        width, layers, heads: of the decoder; hidden is the feed-forward's inner width.
        frames: of a window, the most that are read at once.
        pattern: of `patterns.PATTERNS`.
        features: of a frame's condition.
        melody: whether it is conditioned on a melody too, of `melody_frames`.
        text: numbers of a text's vector that it is conditioned on too; 0 for no text.
        unconditioned: share of the examples whose condition is left out while training.
        dropout: on the input and on what each part of a layer adds.

    Examples:
        >>> sm.codec.MusicgenWriterConfig(codebooks=4, width=32, heads=2).size
        1024
    """

    codebooks: Size = 8
    size: Size = 1024
    width: Size = 256
    layers: Layers = 6
    heads: Size = 4
    hidden: Size = 1024
    frames: Size = 750
    pattern: str = "delay"
    features: Size = FEATURES
    unconditioned: Share = 0.2
    dropout: Share = 0.1
    melody: bool = False
    text: SizeOrZero = 0

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads)
        if self.width % 2 or self.width < 4:
            raise ModelError(f"width {self.width} does not hold sinusoids: it is even, and at least 4")
        patterns.get(self.pattern, self.codebooks, 1)


class MusicgenWriter(StepModel):
    """MusicGen's decoder of `transformers`, conditioned on a score in the place of a text.

    MissingExtraError where transformers is not installed.

    Examples:
        >>> config = sm.codec.MusicgenWriterConfig(codebooks=4, width=32, layers=2, heads=2, hidden=64)
        >>> sm.codec.MusicgenWriter(config).config.codebooks
        4
    """

    def __init__(self, config: MusicgenWriterConfig) -> None:
        super().__init__(config)
        self.norm = nn.LayerNorm(config.width)
        initialise(self)
        self.decoder = _decoder(config)

    @classmethod
    def from_pretrained(cls, source: str | Path, frames: int = 1500, features: int = FEATURES) -> MusicgenWriter:
        """A model with the decoder of a MusicGen; its score conditioning is new and has to be trained.

        Args:
            source: a folder, or an id of the hub (facebook/musicgen-small): a whole MusicGen or its decoder alone.
            frames, features: see `MusicgenWriterConfig`; the published models were trained on 1,500 frames.

        Raises:
            ModelError: when it cannot be loaded, is another model, or stereo.
            MissingExtraError: without transformers.
        """
        theirs = _pretrained(str(source))
        c = theirs.config
        if c.audio_channels != 1 or c.activation_function != "gelu":
            raise ModelError(f"{source}: only decoders of mono codes with GELU can be driven")
        network = cls(
            MusicgenWriterConfig(
                codebooks=c.num_codebooks, size=c.vocab_size, width=c.hidden_size, layers=c.num_hidden_layers,
                heads=c.num_attention_heads, hidden=c.ffn_dim, frames=frames, features=features, dropout=c.dropout,
            )
        )  # fmt: skip
        network.decoder.load_state_dict(theirs.state_dict())
        return network

    @property
    def longest(self) -> int:  # type: ignore[override]
        """Frames of a window."""
        return int(self.config.frames)

    def conditions(self, features: Tensor, pattern: Pattern) -> Tensor:
        """The condition of all positions: (B, T, F) to (B, T, width). ModelError beyond the window."""
        if pattern.frames > self.longest:
            raise ModelError(f"this model reads {self.longest:,} frames at once, not {pattern.frames:,}")
        return self._placed(self.embed_all(features, pattern.frames), pattern)

    def step_conditions(self, features: Features, pattern: Pattern) -> Iterator[Tensor]:
        """The condition of `step`: equal (B, T, width) at each position."""
        placed = self._placed(self.embed_range(features, 0, pattern.frames), pattern)
        return itertools.repeat(placed, pattern.length)

    def new_cache(self, batch: int) -> list[Any]:
        """An empty cache for `step`, that holds what transformers' decoder gives to go on from."""
        return []

    @override
    @torch.no_grad()
    def step(self, laid: Tensor, condition: Tensor | None, cache: list[Any]) -> Tensor:
        """The condition of the first step is cached, later ones are ignored."""
        return self.logits(laid, condition, cache)[:, :, -1]

    @override
    def logits(self, before: Tensor, condition: Tensor | None, cache: list[Any] | None) -> Tensor:
        """The condition is (B, T, width)."""
        found = self.decoder(
            before.flatten(0, 1),
            encoder_hidden_states=self.nothing.expand(len(before), 1, -1) if condition is None else condition,
            past_key_values=cache[0] if cache else None,
            use_cache=cache is not None,
        )
        if cache is not None:
            cache[:] = [found.past_key_values]
        return torch.as_tensor(found.logits.unflatten(0, before.shape[:2]))

    def _placed(self, condition: Tensor, pattern: Pattern) -> Tensor:
        """With the positions at which the frames begin."""
        positions = torch.from_numpy(pattern.places[0]).to(condition.device)
        return torch.as_tensor(self.norm(condition + sinusoids(positions, self.config.width)))


def _decoder(c: MusicgenWriterConfig) -> Any:
    """transformers' decoder with new weights."""
    try:
        from transformers import MusicgenDecoderConfig, MusicgenForCausalLM
    except ImportError:
        raise MissingExtraError("transformers", "transformers") from None
    return MusicgenForCausalLM(
        MusicgenDecoderConfig(
            num_codebooks=c.codebooks, vocab_size=c.size, hidden_size=c.width, num_hidden_layers=c.layers,
            num_attention_heads=c.heads, ffn_dim=c.hidden, dropout=c.dropout, pad_token_id=c.size, bos_token_id=c.size,
            max_position_embeddings=patterns.get(c.pattern, c.codebooks, c.frames).length,
        )
    )  # fmt: skip


def _pretrained(source: str) -> Any:
    """The decoder of a MusicGen in transformers' layout, with its weights."""
    try:
        from transformers import AutoConfig, MusicgenForCausalLM, MusicgenForConditionalGeneration
    except ImportError:
        raise MissingExtraError("transformers", "transformers") from None
    try:
        kind = AutoConfig.from_pretrained(source).model_type
        if kind == "musicgen":
            return complete(MusicgenForConditionalGeneration, source).decoder
        if kind == "musicgen_decoder":
            return complete(MusicgenForCausalLM, source)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"cannot load a MusicGen from {source}: {' '.join(str(error).split())[:200]}") from None
    raise ModelError(f"{source} is a {kind}, not a MusicGen")
