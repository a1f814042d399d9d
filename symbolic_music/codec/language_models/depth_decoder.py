"""A codec language model with a depth decoder: frame after frame, and in a frame codebook after codebook.

Sources: Lee et al. 2022 (RQ-Transformer, arXiv 2203.01941, section 3.2) and Défossez et al. 2024 (Moshi, arXiv
2410.00037, section 3.4): a decoder over frames, and a small one over the codes of a frame. Here the small one is a
network of two layers a codebook that sees the frame and the sum of the coarser codes' embeddings; and the frames' score
is read on both sides by convolutions (ConvNeXt: Liu et al. 2022), so that each frame knows the notes of its time.

While training, frames before are left out at a rate that is drawn anew for each example, and some codes are replaced:
what is generated has faults too, and the score must outweigh them (scheduled sampling's purpose: Bengio et al. 2015).

Shapes: B batch, K codebooks, T frames, F features of a frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from symbolic_music.codec.convnext import Block, reach, stack
from symbolic_music.codec.language_models.autoregressive import CodecLanguageModel
from symbolic_music.codec.language_models.autoregressive_decoding import check_drawing, draw
from symbolic_music.codec.language_models.conditioning import AROUND, Conditioned, Features
from symbolic_music.codec.language_models.overlapping_windows import checked_prompt
from symbolic_music.codec.language_models.score_features import FEATURES
from symbolic_music.errors import ModelError, OptionError
from symbolic_music.models.config_checks import Layers, Share, Size, SizeOrZero, check_heads, checked
from symbolic_music.models.modules.decoder_block import DecoderBlock, RelativeAttention, initialise
from symbolic_music.models.modules.feed_forward import FeedForward
from symbolic_music.models.modules.kv_cache import SlidingCache

_HEAD = 0.02  # deviation of the heads' weights at the start
_START = 0.01  # of what the convolutions add at the start
_NEW = 0.3  # of the embeddings of codebooks that the model it begins with does not have
_FRAMES_AT_ONCE = 128  # frames whose conditions are computed, and that are given out, at a time


@checked
@dataclass(frozen=True)
class DepthWriterConfig:
    """Shape of a `DepthWriter`.

    Args:
        codebooks, size: of the codec whose codes it writes.
        width, layers, heads: of the decoder over frames; hidden is the feed-forward's inner width.
        window: frames that each frame sees, through every layer: sequences may be of any length.
        distances: frames back that are distinguished.
        blocks: convolutions over the score's frames; block_hidden is their inner width.
        depth: inner width of the networks of codebooks.
        features: of a frame's condition.
        unconditioned: share of the examples whose condition is left out while training.
        left_out: of the frames before, the most that is left out while training.
        replaced: share of the codes before that is replaced by others while training.
        dropout: on the input, on attention weights, and on what each half of a block adds.

    Examples:
        >>> sm.codec.DepthWriterConfig(codebooks=4, width=32, heads=2).size
        1024
    """

    codebooks: Size = 8
    size: Size = 1024
    width: Size = 256
    layers: Layers = 5
    heads: Size = 4
    hidden: Size = 1024
    window: Size = 384
    distances: Size = 256
    blocks: SizeOrZero = 4
    block_hidden: Size = 512
    depth: Size = 384
    features: Size = FEATURES
    unconditioned: Share = 0.1
    left_out: Share = 0.6
    replaced: Share = 0.05
    dropout: Share = 0.05

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads)


class DepthWriter(Conditioned):
    """A decoder over frames and a depth decoder over their codes, conditioned on a score.

    `special`, the entry after a codebook's last, stands for a code that is not known.

    Examples:
        >>> config = sm.codec.DepthWriterConfig(codebooks=4, width=32, layers=2, heads=2, hidden=64)
        >>> sm.codec.DepthWriter(config).config.codebooks
        4
    """

    def __init__(self, config: DepthWriterConfig) -> None:
        super().__init__(config.features, config.width)
        self.config = c = config
        self.special = c.size
        self.further = stack(c.width, c.block_hidden, c.blocks)
        self.embedding = nn.Embedding(c.codebooks * (c.size + 1), c.width)
        self.drop = nn.Dropout(c.dropout)
        self.blocks = nn.ModuleList(
            DecoderBlock(
                RelativeAttention(c.width, c.heads, c.distances, c.window, c.dropout),
                FeedForward(c.width, c.hidden, nn.GELU()), c.width, c.dropout,
            )
            for _ in range(c.layers)
        )  # fmt: skip
        self.coarser = nn.Parameter(torch.randn(c.codebooks, c.width, c.width) * c.width**-0.5)
        self.coarser_norm = nn.LayerNorm(c.width)
        self.up = nn.Parameter(torch.randn(c.codebooks, c.width, c.depth) * c.width**-0.5)
        self.up_bias = nn.Parameter(torch.zeros(c.codebooks, 1, c.depth))
        self.down = nn.Parameter(torch.randn(c.codebooks, c.depth, c.width) * 0.1 * c.depth**-0.5)
        self.norm = nn.LayerNorm(c.width)
        self.out = nn.Parameter(torch.randn(c.codebooks, c.size, c.width) * _HEAD)
        self.out_bias = nn.Parameter(torch.zeros(c.codebooks, 1, c.size))
        initialise(self)
        nn.init.normal_(self.embedding.weight, std=c.codebooks**-0.5)
        for block in self.further:
            if isinstance(block, Block):
                nn.init.constant_(block.scale, _START)

    @torch.no_grad()
    def know(self, codebooks: Tensor) -> None:
        """Initialise embeddings and heads from the codebooks, as `CodecLanguageModel.know` does."""
        c = self.config
        entries = codebooks[: c.codebooks] - codebooks[: c.codebooks].mean(dim=1, keepdim=True)
        entries = entries / entries.std(dim=(1, 2), keepdim=True).clamp(min=1e-9)
        embedding = self.embedding.weight.view(c.codebooks, c.size + 1, c.width)
        for std, table in ((c.codebooks**-0.5, embedding), (_HEAD, self.out)):
            mixing = torch.randn(c.codebooks, entries.shape[2], c.width) / entries.shape[2] ** 0.5
            table[:, : c.size] = std * entries @ mixing

    @torch.no_grad()
    def begin_with(self, other: CodecLanguageModel) -> None:
        """Take the weights of a model of some of these codebooks in the delay pattern, as far as the two are alike.

        ModelError when their shapes differ.
        """
        c, own, given = self.config, self.state_dict(), other.state_dict()
        rows, count = given.pop("embedding.weight"), other.config.codebooks
        heads, biases = given.pop("out.weight"), given.pop("out.bias")
        differing = [name for name, tensor in given.items() if name not in own or own[name].shape != tensor.shape]
        if differing or count > c.codebooks or other.config.size != c.size:
            raise ModelError(f"a model of this shape cannot begin with that one: {', '.join(differing) or 'codebooks'}")
        self.load_state_dict(own | given)
        self.embedding.weight[len(rows) :] *= _NEW
        self.embedding.weight[: len(rows)] = rows
        self.out[:count] = heads.view(count, c.size, c.width)
        self.out_bias[:count] = biases.view(count, 1, c.size)

    @override
    def embed(self, features: Tensor) -> Tensor:
        """(B, margin + T + margin, F) to (B, T, width); see `Conditioned.embed`."""
        found = super().embed(features)
        for block in self.further:
            found = block(found)
        beyond = self.margin - AROUND
        return found[:, beyond : found.shape[1] - beyond]

    @property
    def margin(self) -> int:
        """Frames on either side that a frame's condition is made of."""
        return AROUND + reach(self.config.blocks)

    @override
    def embed_all(self, features: Tensor, frames: int) -> Tensor:
        wanted = (frames, self.columns)
        if features.ndim != 3 or features.shape[1:] != wanted:
            raise ModelError(f"conditions are (batch, {wanted[0]}, {wanted[1]}), not {tuple(features.shape)}")
        return self.embed(functional.pad(features, (0, 0, self.margin, self.margin)))

    @override
    def embed_range(self, features: Features, first: int, last: int) -> Tensor:
        return self.embed(features(first - self.margin, last + self.margin).to(self.nothing.device))

    def _embedded(self, codes: Tensor) -> Tensor:
        """Embeddings of each code: (B, K, T) to (B, K, T, width)."""
        offsets = torch.arange(self.config.codebooks, device=codes.device)[:, None] * (self.config.size + 1)
        return torch.as_tensor(self.embedding(codes + offsets))

    def hidden(self, before: Tensor, condition: Tensor | None, cache: SlidingCache | None = None) -> Tensor:
        """What the decoder over frames knows of each frame, (B, T, width).

        Args:
            before: (B, K, T), the codes of the frame before each; special before the first.
            condition: (B, T, width), from `embed`; None for none.
            cache: of `new_cache`; the frames are appended.
        """
        x = self._embedded(before).sum(1) + (self.nothing if condition is None else condition)
        x = self.drop(x)
        if cache is not None:
            cache.length += before.shape[-1]
        for i, block in enumerate(self.blocks):
            x = block(x, None if cache is None else cache.layers[i])
        return torch.as_tensor(x)

    def codebook_logits(self, hidden: Tensor, coarser: Tensor, first: int = 0) -> Tensor:
        """Logits of codes of some codebooks, from `first` on: (k, N, size).

        Args:
            hidden: (N, width), of frames.
            coarser: (k, N, width), for each codebook the sum of the embeddings of the coarser codes of the frame.
        """
        part = slice(first, first + len(coarser))
        x = self.coarser_norm(hidden + coarser @ self.coarser[part])
        x = functional.gelu(x @ self.up[part] + self.up_bias[part]) @ self.down[part]
        return torch.as_tensor(self.norm(hidden + x) @ self.out[part].transpose(1, 2) + self.out_bias[part])

    def new_cache(self, batch: int) -> SlidingCache:
        """An empty cache for `hidden`."""
        c = self.config
        return SlidingCache(c.layers, batch, c.heads, c.window, c.width // c.heads, self.out)

    def forward(self, codes: Tensor, condition: Tensor | None, before: Tensor | None = None) -> Tensor:
        """Logits of codes (B, K, T), given those of the frames before and the coarser ones: (K, B T, size).

        Args:
            condition: (B, T, width), from `embed_all`; None for none.
            before: what is read of the frames before, codes themselves when omitted.
        """
        start = codes.new_full((*codes.shape[:2], 1), self.special)
        read = torch.cat([start, (codes if before is None else before)[..., :-1]], dim=-1)
        hidden = self.hidden(read, condition).flatten(0, 1)
        own = self._embedded(codes).movedim(1, 0).flatten(1, 2)
        return self.codebook_logits(hidden, own.cumsum(0) - own)

    def loss(self, codes: Tensor, features: Tensor) -> tuple[Tensor, int]:
        """Nats of codes (B, K, T) given features (B, T, F), summed, and their number.

        While training, the condition of a share of the examples is left out, and so are frames before, and other codes
        before are replaced.
        """
        condition, before = self.embed_all(features, codes.shape[-1]), codes
        if self.training:
            condition = self.with_dropout(condition, self.config.unconditioned)
            before = self._spoilt(codes)
        logits = self(codes, condition, before)
        wanted = codes.movedim(1, 0).flatten(1)
        nats = functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="sum")
        return nats, codes.numel()

    def _spoilt(self, codes: Tensor) -> Tensor:
        c, device = self.config, codes.device
        others = torch.randint(c.size, codes.shape, device=device)
        codes = torch.where(torch.rand(codes.shape, device=device) < c.replaced, others, codes)
        rates = c.left_out * torch.rand(len(codes), 1, 1, device=device)
        return codes.masked_fill(torch.rand(len(codes), 1, codes.shape[-1], device=device) < rates, self.special)


@torch.no_grad()
def stream_by_depth(
    model: DepthWriter,
    features: Features,
    frames: int,
    prompt: Tensor | None = None,
    *,
    batch: int = 1,
    guidance: float = 3.0,
    temperature: float = 0.6,
    top_k: int = 100,
    plausible: float = 0.0,
    seed: int = 0,
    choose: Callable[[Tensor], int] | None = None,
    stretch: int = _FRAMES_AT_ONCE,
) -> Iterator[Tensor]:
    """Codes (B, K, n) in blocks of frames, each as soon as it is drawn.

    Pieces of any length take the memory of a window.

    Args:
        model: in evaluation mode.
        features: of the frames from one to another, requested on demand; see `stream_codes`.
        frames: of the piece.
        prompt: (B, K, t), codes of the first t frames, which are kept.
        batch: B.
        guidance: w in u + w (c - u), where c are the logits with the condition and u those without it; 1 for c alone.
        temperature: by which the logits are divided.
        top_k: codes that may be drawn, the likeliest.
        plausible: codes with less than this share of the likeliest one's chance, given the condition, are not drawn
            with guidance. 0.1 makes fewer crackles in the long notes of a piano, and loses notes of ensembles.
        seed: the same seed draws the same codes.
        choose: takes B candidates of a stretch, (B, K, n), and gives the number of one: it is given out, (1, K, n), and
            all candidates of the next stretch continue it.
        stretch: frames of a block.

    Raises:
        OptionError: for values out of range.
        ModelError: for a prompt of another shape.

    Examples:
        >>> import torch
        >>> config = sm.codec.DepthWriterConfig(codebooks=4, width=32, layers=2, heads=2, hidden=64, blocks=1)
        >>> network = sm.codec.DepthWriter(config).eval()  # of random weights
        >>> def features(first, last):  # of the frames from first to last; outside of the piece they are zeros
        ...     return torch.from_numpy(sm.codec.score_frames(melody, 75.0, last - first, first))[None]
        >>> sum(block.shape[2] for block in sm.codec.stream_by_depth(network, features, frames=10, seed=1))
        10
    """
    check_drawing(guidance, temperature, top_k)
    if not 0 <= plausible <= 1:
        raise OptionError(f"the plausible share is 0 to 1, not {plausible:g}")
    if frames < 1:
        raise OptionError(f"a piece has at least one frame, not {frames:,}")
    c, generator, both = model.config, torch.Generator().manual_seed(seed), guidance != 1
    known = checked_prompt(prompt, batch, frames, c.codebooks, c.size, model.nothing.device)
    cache, copies = model.new_cache((1 + both) * batch), 1 + both
    latest = known.new_full((batch, c.codebooks, 1), model.special)
    for first in range(0, frames, stretch):
        count = min(stretch, frames - first)
        conditions, written = model.embed_range(features, first, first + count), []
        for frame in range(count):
            condition = conditions[:, frame : frame + 1].expand(batch, -1, -1)
            if both:
                condition = torch.cat([condition, model.nothing.expand_as(condition)])
            hidden = model.hidden(latest.repeat(copies, 1, 1), condition, cache)[:, 0]
            if first + frame < known.shape[-1]:
                latest = known[..., first + frame : first + frame + 1]
            else:
                latest = _frame(model, hidden, guidance, temperature, top_k, plausible, generator)
            written.append(latest)
        block = torch.cat(written, dim=-1)
        if choose is not None:
            best = choose(block)
            block, latest = block[best : best + 1], latest[best : best + 1].expand(batch, -1, -1)
            cache.take_rows(torch.arange(copies * batch) // batch * batch + best)
        yield block


def _frame(
    model: DepthWriter,
    hidden: Tensor,
    guidance: float,
    temperature: float,
    top_k: int,
    plausible: float,
    generator: torch.Generator,
) -> Tensor:
    """The codes of a frame, (B, K, 1), coarse to fine; hidden is that with the condition, and then that without."""
    both, c = guidance != 1, model.config
    coarser, codes = torch.zeros_like(hidden), []
    table = model.embedding.weight.view(c.codebooks, c.size + 1, c.width)
    for k in range(c.codebooks):
        logits = model.codebook_logits(hidden, coarser[None], k)[0]
        if both:
            with_it, without = logits.chunk(2)
            logits = without + guidance * (with_it - without)
            if plausible:
                # Guidance also lifts codes that are unlikely either way; as sound they are crackles in long notes.
                unlikely = with_it < with_it.amax(-1, keepdim=True) + math.log(plausible)
                logits = logits.masked_fill(unlikely, -math.inf)
        code = draw(logits / temperature, top_k, generator)
        codes.append(code)
        coarser = coarser + table[k, code.repeat(1 + both)]
    return torch.stack(codes, dim=1)[..., None]
