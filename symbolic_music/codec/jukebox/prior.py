"""The network of a level of the cascade: codes given those before them, and what the level is conditioned on.

Source: Dhariwal et al. 2020 (Jukebox, sections 4.2 and 5). Blocks are those of the Llama family, with attention to all
codes of a window, in the place of sparse attention with learned positions: windows are short here.

Shapes: B batch, T frames, U frames of the level above, W width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.codec.jukebox.conditioning import Above, Place
from symbolic_music.errors import ModelError
from symbolic_music.models.config_checks import Layers, Number, Share, Size, SizeOrZero, Texts, check_heads, checked
from symbolic_music.models.modules.decoder_block import initialise
from symbolic_music.models.modules.kv_cache import KeyValues
from symbolic_music.models.modules.llama_stack import llama_blocks, run_blocks

FROM_DATA = ("size", "frame_rate", "above", "ratio", "instruments")  # what codecs and folders say of a config
_BASE = 10_000.0  # of the rotary positions
_EPSILON = 1e-5
_HEAD, _SEEN = 0.02, 0.5  # deviations of weights at the start
_MOST_BLOCKS = 8  # of the condition: their reach grows threefold with each


@checked
@dataclass(frozen=True)
class JukeboxPriorConfig:
    """The shape of a `JukeboxPrior`.

    Args:
        size: entries of its codes.
        frame_rate: of its codes, a second.
        above: entries of the codes of the level above; 0 for the top.
        ratio: codes for each code above.
        above_blocks: dilated convolutions over the codes above.
        instruments: names of the labels.
        unlabelled: share of the examples whose instrument is not named while training.
        width, layers, heads: of the decoder; hidden is the feed-forward's inner width.
        window: codes that are seen at once.

    Raises:
        ModelError: for what no prior can be.

    Examples:
        >>> sm.codec.JukeboxPriorConfig(instruments=("piano",)).window
        512
    """

    size: Size = 512
    frame_rate: Number = 86.1328125
    above: SizeOrZero = 0
    ratio: Size = 1
    above_blocks: Layers = 4
    instruments: Texts = ()
    unlabelled: Share = 0.1
    width: Size = 128
    layers: Layers = 3
    heads: Size = 4
    hidden: Size = 384
    window: Size = 512

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads)
        if self.width // self.heads % 2:
            raise ModelError(
                f"rotary positions turn pairs of numbers: heads of width {self.width // self.heads} are odd"
            )
        if self.above_blocks > _MOST_BLOCKS or self.window < 2 or not 0 < self.frame_rate <= 1e6:
            raise ModelError(
                f"a prior has windows of 2 codes or more, at most {_MOST_BLOCKS} blocks over the codes above, "
                "and up to a million frames a second"
            )


class JukeboxPrior(nn.Module):
    """A decoder of one level's codes; the top has no codes above.

    Examples:
        >>> config = sm.codec.JukeboxPriorConfig(width=16, layers=1, heads=2, hidden=16, above=512, ratio=4)
        >>> prior = sm.codec.JukeboxPrior(config)
        >>> prior.reach  # codes above on either side
        40
    """

    def __init__(self, config: JukeboxPriorConfig) -> None:
        super().__init__()
        self.config = c = config
        self.start = c.size  # stands before the first code of a window
        self.embedding = nn.Embedding(c.size + 1, c.width)
        self.place = Place(c.width, len(c.instruments), c.frame_rate)
        self.above = Above(c.above, c.width, c.above_blocks, c.ratio) if c.above else None
        self.blocks = llama_blocks(c.layers, c.width, c.heads, c.heads, c.hidden, _EPSILON)
        self.norm = nn.RMSNorm(c.width, _EPSILON)
        self.out = nn.Linear(c.width, c.size, bias=False)
        initialise(self)
        if not self.out.weight.is_meta:
            nn.init.normal_(self.out.weight, std=_HEAD)
            for weights in self.place.parameters():
                # Faint beside codes: bins that no piece of the training has do no harm.
                nn.init.normal_(weights, std=_HEAD)
            # Codes and those above are seen alike, and beside what blocks add.
            nn.init.normal_(self.embedding.weight, std=_SEEN)
            if self.above is not None:
                nn.init.constant_(self.above.norm.weight, _SEEN)

    @property
    def reach(self) -> int:
        """Codes above on either side that a code is conditioned on; 0 for the top."""
        return 0 if self.above is None else self.above.reach

    def conditions(self, first: Tensor, count: int, total: Tensor, instrument: Tensor, above: Tensor | None) -> Tensor:
        """The condition of frames, (B, count, W).

        Args:
            first: (B,), the frames to begin with.
            count: of frames.
            total: (B,), frames of the pieces.
            instrument: (B,), numbers of labels; their number itself for none.
            above: codes of `Above.around`, (B, reach + U + reach), None for the top.

        Raises:
            ModelError: without the codes above, or with codes that do not cover the frames.
        """
        frames = first[:, None] + torch.arange(count, device=first.device)
        place: Tensor = self.place(frames, total, instrument)
        if self.above is None or above is None:
            if self.above is not None or above is not None:
                raise ModelError(f"this level {'needs' if above is None else 'has no'} codes of a level above")
            return place
        begun = first % self.config.ratio
        needed = int((begun + count).max())
        brought: Tensor = self.above(above)
        if brought.shape[1] < needed:
            raise ModelError(f"codes above cover {brought.shape[1]:,} frames, not {needed:,}")
        at = begun[:, None] + torch.arange(count, device=first.device)
        return place + brought.gather(1, at[..., None].expand(-1, -1, brought.shape[2]))

    def new_cache(self, batch: int = 1) -> list[KeyValues]:
        """An empty cache of a window."""
        c = self.config
        return [KeyValues(batch, c.heads, c.window, c.width // c.heads, self.out.weight) for _ in range(c.layers)]

    def logits(self, before: Tensor, condition: Tensor, cache: list[KeyValues] | None = None) -> Tensor:
        """Logits of the codes at positions (B, T, size), given the codes before each, (B, T), and its condition.

        The first code of a window is given `start`. A cache holds the positions before these.

        Raises:
            ModelError: for more codes than a window has.
        """
        end = before.shape[1] + (cache[0].length if cache else 0)
        if end > self.config.window:
            raise ModelError(f"this prior sees {self.config.window:,} codes at once, not {end:,}")
        x = self.embedding(before) + condition
        x = run_blocks(self.blocks, x, self.config.heads, _BASE, cache)
        return torch.as_tensor(self.out(self.norm(x)))

    def loss(
        self, codes: Tensor, first: Tensor, total: Tensor, instrument: Tensor, above: Tensor | None = None
    ) -> Tensor:
        """Nats of codes (B, T), summed; arguments as of `conditions`. While training, some labels are left out."""
        if self.training:
            kept = torch.rand(len(codes), device=codes.device) >= self.config.unlabelled
            instrument = torch.where(kept, instrument, len(self.config.instruments))
        condition = self.conditions(first, codes.shape[1], total, instrument, above)
        before = functional.pad(codes[:, :-1], (1, 0), value=self.start)
        logits = self.logits(before, condition).float()
        return functional.cross_entropy(logits.flatten(0, 1), codes.flatten(), reduction="sum")

    def label(self, instrument: str | None) -> int:
        """The number of an instrument's label, that of none for None. ModelError for an unknown one."""
        known = self.config.instruments
        if instrument is None:
            return len(known)
        if instrument not in known:
            raise ModelError(
                f"this cascade has no instrument {instrument[:60]!r}; there are: {', '.join(known) or '-'}"
            )
        return known.index(instrument)
