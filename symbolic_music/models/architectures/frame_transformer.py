"""A decoder for chorales on a grid: one position for each step, with the voices predicted within it.

The ids are those of the note-level models: a start, then a token a voice and step, soprano to bass; by the chain rule
the likelihood is theirs too, at a quarter of the positions. The transformer reads whole steps: the pitches, how long
each has been held, how each voice has moved and the intervals between the voices. From its state at a step the voices
of the next are drawn in turn, each from the state and the voices before it, soprano to bass or in any other order.
A pitch's logit is the sum of its own, of those of its interval from the voice's last pitch (0 is to hold it), and of
those to the voices before. While it learns, the order may be drawn, and a part of the past hidden: chorales are few.

Ours; relative attention after Huang et al. 2018 (arXiv 1809.04281), whose chorale task it is made for.

Shapes: B batch, L ids, F steps of the grid ("frames"), V voices, W width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.errors import ModelError
from symbolic_music.models.config_checks import Layers, LayersOrZero, Share, Size, check_heads, checked
from symbolic_music.models.modules.decoder_block import RelativeAttention
from symbolic_music.models.modules.feed_forward import GatedFeedForward
from symbolic_music.models.modules.kv_cache import SlidingCache, SlidingKeyValues

PITCHES = 128
SILENCE, START = 128, 129
VOCABULARY = 130
MOST_VOICES = 64


@checked
@dataclass(frozen=True)
class FrameTransformerConfig:
    """Shape of a `FrameTransformer`.

    Args:
        voices: that a step has.
        width, layers, heads: of the decoder; hidden is the feed-forwards' inner width.
        voice_layers: feed-forwards between a step's state and each voice; voice_hidden is their inner width.
        window: steps that each step sees.
        distances: steps back that are distinguished.
        melodic, harmonic: semitones that are distinguished to either side, of a voice's motion and between voices.
        held: largest number of steps for which a pitch has been held that is distinguished.
        meter: steps after which the grid's phase comes again, counted from the start.
        dropout: on the input, on attention weights, and on what each half of a block adds.
        orders: share of the training sequences whose voices are drawn in an order of chance.
        forget: share of the tokens of the past that are hidden while training.
    """

    voices: Size = 4
    width: Size = 256
    layers: Layers = 6
    heads: Size = 8
    hidden: Size = 640
    voice_layers: LayersOrZero = 1
    voice_hidden: Size = 512
    window: Size = 768
    distances: Size = 320
    melodic: Size = 16
    harmonic: Size = 40
    held: Size = 32
    meter: Size = 16
    dropout: Share = 0.2
    orders: Share = 0.0
    forget: Share = 0.0

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads)
        if self.voices > MOST_VOICES:  # each pair of them has embeddings
            raise ModelError(f"there are at most {MOST_VOICES} voices, not {self.voices:,}")

    @property
    def vocabulary(self) -> int:
        """Number of ids."""
        return VOCABULARY


PRESETS = {"chorales": FrameTransformerConfig()}


class FrameCache(SlidingCache):
    """A `SlidingCache` of frames, what the next frame's input needs of the last, and the ids of an unfinished one."""

    def __init__(self, config: FrameTransformerConfig, batch: int, like: Tensor) -> None:
        shape = (config.layers, batch, config.heads, config.window, config.width // config.heads)
        super().__init__(*shape, like)
        self.last = torch.full((batch, config.voices), START, device=like.device)
        self.held = torch.zeros_like(self.last)
        self.frames = 0
        self.state = like.new_zeros(batch, config.width)
        self.pending = torch.zeros(batch, 0, dtype=torch.long, device=like.device)


class FrameTransformer(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: FrameTransformerConfig) -> None:
        super().__init__()
        self.config = c = config
        self.pairs = [(above, below) for below in range(c.voices) for above in range(below)]
        self.others = [(voice, other) for voice in range(c.voices) for other in range(c.voices) if voice != other]
        motions, apart = 2 * c.melodic + 2, 2 * c.harmonic + 2
        self.pitch = nn.Embedding(c.voices * VOCABULARY, c.width)
        self.motion = nn.Embedding(c.voices * motions, c.width)
        self.interval = nn.Embedding(max(1, len(self.pairs)) * apart, c.width)
        self.held = nn.Embedding(c.voices * (c.held + 1), c.width)
        self.phase = nn.Embedding(c.meter, c.width)
        self.drop = nn.Dropout(c.dropout)
        self.blocks = nn.ModuleList(_Block(c) for _ in range(c.layers))
        self.voice = nn.Embedding(c.voices, c.width)
        self.chosen = nn.Embedding(c.voices * VOCABULARY, c.width)
        self.chosen_motion = nn.Embedding(c.voices * motions, c.width)
        self.chosen_interval = nn.Embedding(max(1, len(self.others)) * apart, c.width)
        self.voice_blocks = nn.ModuleList(_Half(c.width, GatedFeedForward(c.width, c.voice_hidden), c.dropout)
                                          for _ in range(c.voice_layers))  # fmt: skip
        self.norm = nn.RMSNorm(c.width)
        self.by_pitch = nn.Linear(c.width, VOCABULARY)
        self.by_motion = nn.Linear(c.width, motions)
        self.by_interval = nn.Linear(c.width, c.voices * apart)
        for part in self.modules():
            if isinstance(part, nn.Embedding):
                nn.init.normal_(part.weight, std=0.02)
        nn.init.zeros_(self.by_interval.weight)
        nn.init.zeros_(self.by_motion.weight)

    # -- ids --------------------------------------------------------------------------------------------

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the next id at each position: (B, L) to (B, L, 130); ids begin with START."""
        batch, length = ids.shape
        frames = -(-length // self.config.voices)
        tokens = functional.pad(ids[:, 1:], (0, frames * self.config.voices - length + 1), value=SILENCE)
        return self.frame_logits(tokens.view(batch, frames, self.config.voices)).flatten(1, 2)[:, :length]

    def frame_logits(self, frames: Tensor, order: Tensor | None = None) -> Tensor:
        """Logits of each token of each frame, given those before it: (B, F, V) to (B, F, V, 130).

        Args:
            frames: pitches, or SILENCE.
            order: of the voices, (V,): the first is drawn first. Soprano to bass when omitted.
        """
        start = torch.full_like(frames[:, :1], START)
        before = torch.cat([start, frames[:, :-1]], dim=1)
        past = before
        if self.training and self.config.forget:
            past = torch.where(torch.rand(before.shape, device=before.device) < self.config.forget, START, before)
        states, _ = self._states(past, start[:, 0], torch.zeros_like(start[:, 0]), 0, None)
        return self._logits(states, before, frames, self._seen(order, len(frames), frames.device))

    def _seen(self, order: Tensor | None, batch: int, device: torch.device) -> Tensor:
        """[:, v, u], whether voice v is drawn after voice u: (1 or B, V, V)."""
        voices = self.config.voices
        rank = torch.arange(voices, device=device)[None] if order is None else order.to(device).argsort()[None]
        if order is None and self.training and self.config.orders:
            drawn = torch.rand(batch, voices, device=device).argsort(dim=1)
            rank = torch.where(torch.rand(batch, 1, device=device) < self.config.orders, drawn, rank)
        return rank[:, :, None] > rank[:, None]

    @torch.no_grad()
    def step(self, ids: Tensor, cache: FrameCache) -> Tensor:
        """Logits of the id after these: (B, L), at least one, appended to the cache, to (B, 130).

        The first id of all is START.
        """
        voices = self.config.voices
        if cache.length == 0:
            self._read(cache.last[:, None], cache)
            ids, cache.length = ids[:, 1:], 1
        cache.length += ids.shape[1]
        pending = torch.cat([cache.pending, ids], dim=1)
        whole = pending.shape[1] // voices * voices
        if whole:
            for piece in torch.split(pending[:, :whole].view(len(pending), whole // voices, voices), cache.room, dim=1):
                self._read(piece, cache)
        cache.pending = pending[:, whole:]
        chosen = functional.pad(cache.pending, (0, voices - cache.pending.shape[1]), value=SILENCE)
        seen = self._seen(None, 1, chosen.device)
        logits = self._logits(cache.state[:, None], cache.last[:, None], chosen[:, None], seen)
        return logits[:, 0, cache.pending.shape[1]]

    def new_cache(self, batch: int = 1) -> FrameCache:
        """An empty cache for `step`."""
        return FrameCache(self.config, batch, self.by_pitch.weight)

    def _read(self, frames: Tensor, cache: FrameCache) -> None:
        states, held = self._states(frames, cache.last, cache.held, cache.frames, cache.layers)
        cache.state, cache.held, cache.last = states[:, -1], held[:, -1], frames[:, -1]
        cache.frames += frames.shape[1]

    # -- frames -----------------------------------------------------------------------------------------

    def _states(
        self, frames: Tensor, last: Tensor, held: Tensor, start: int, caches: list[SlidingKeyValues] | None
    ) -> tuple[Tensor, Tensor]:
        """States after frames (B, F, V), (B, F, W), and how long each pitch has been held, (B, F, V).

        `last` and `held` (B, V) are those before the first, which is the frame of number `start`.
        """
        c = self.config
        before = torch.cat([last[:, None], frames[:, :-1]], dim=1)
        number = torch.arange(1, frames.shape[1] + 1, device=frames.device)[:, None]
        changed = torch.where(frames != before, number, -held[:, None]).cummax(dim=1).values
        lengths = number - changed
        voice = torch.arange(c.voices, device=frames.device)
        phase = torch.arange(start, start + frames.shape[1], device=frames.device) % c.meter
        x = self.phase(phase) + self.pitch(frames + VOCABULARY * voice).sum(2)
        x = x + self.motion(_interval(frames, before, c.melodic) + (2 * c.melodic + 2) * voice).sum(2)
        x = x + self.held(lengths.clamp(max=c.held) + (c.held + 1) * voice).sum(2)
        if self.pairs:
            above, below = (list(side) for side in zip(*self.pairs, strict=True))
            apart = _interval(frames[:, :, above], frames[:, :, below], c.harmonic)
            x = x + self.interval(self._numbered(apart)).sum(2)
        x = self.drop(x)
        for i, block in enumerate(self.blocks):
            x = block(x, None if caches is None else caches[i])
        return x, lengths

    def _numbered(self, intervals: Tensor) -> Tensor:
        """Classes of intervals of every pair, (B, F, pairs), as rows of a table of all pairs'."""
        return intervals + (2 * self.config.harmonic + 2) * torch.arange(intervals.shape[-1], device=intervals.device)

    def _logits(self, states: Tensor, last: Tensor, frames: Tensor, seen: Tensor) -> Tensor:
        """From (B, F, W), the frames before and those to be predicted, both (B, F, V), to (B, F, V, 130)."""
        c = self.config
        voice = torch.arange(c.voices, device=frames.device)
        chosen = self.chosen(frames + VOCABULARY * voice)
        chosen = chosen + self.chosen_motion(_interval(frames, last, c.melodic) + (2 * c.melodic + 2) * voice)
        # Of each voice, what those before it are.
        z = states[:, :, None] + self.voice(voice) + seen.to(chosen.dtype)[:, None] @ chosen
        if self.others:
            own, other = (list(side) for side in zip(*self.others, strict=True))
            apart = self.chosen_interval(self._numbered(_interval(frames[:, :, other], last[:, :, own], c.harmonic)))
            apart = apart * seen[:, None, own, other, None]
            z = z.index_add(2, torch.tensor(own, device=z.device), apart.to(z.dtype))
        for block in self.voice_blocks:
            z = block(z)
        z = self.norm(z)
        pitches = torch.arange(VOCABULARY, device=frames.device)
        logits = self.by_pitch(z) + self.by_motion(z).gather(-1, _interval(pitches, last[..., None], c.melodic))
        to_others = self.by_interval(z).unflatten(-1, (c.voices, -1))
        for u in range(c.voices):
            classes = _interval(pitches, frames[:, :, u, None, None], c.harmonic).expand(-1, -1, c.voices, -1)
            logits = logits + to_others[:, :, :, u].gather(-1, classes) * seen[:, None, :, u, None]
        return torch.as_tensor(logits)


class _Half(nn.Module):
    """x + part(norm(x))."""

    def __init__(self, width: int, part: nn.Module, dropout: float) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width)
        self.part = part
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, *others: object) -> Tensor:
        return x + torch.as_tensor(self.drop(self.part(self.norm(x), *others)))


class _Block(nn.Module):
    """Relative attention, then a gated feed-forward."""

    def __init__(self, c: FrameTransformerConfig) -> None:
        super().__init__()
        attention = RelativeAttention(c.width, c.heads, c.distances, c.window, c.dropout)
        self.attention = _Half(c.width, attention, c.dropout)
        self.feed_forward = _Half(c.width, GatedFeedForward(c.width, c.hidden), c.dropout)

    def forward(self, x: Tensor, cache: SlidingKeyValues | None) -> Tensor:
        return torch.as_tensor(self.feed_forward(self.attention(x, cache)))


def _interval(a: Tensor, b: Tensor, reach: int) -> Tensor:
    """Classes of a - b where both are pitches: 0 to 2 reach, ends shared; 2 reach + 1 where one is none."""
    apart = (a - b).clamp(-reach, reach) + reach
    return torch.where((a < PITCHES) & (b < PITCHES), apart, 2 * reach + 1)
