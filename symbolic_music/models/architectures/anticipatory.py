"""A small decoder for the anticipatory encoding, with one position for each event.

The encoding's three ids of an event are predicted one after the other, as its chain rule says, but the
transformer runs once an event: from its state h the time is drawn, from (h, time) the duration, from those
the instrument, and a last attention layer conditioned on them predicts the pitch. Times are predicted as the
gap to the last event, so that 55,028 ids need no table of 55,028 rows. `forward` and `step` take ids.

Each row (an event, a control, the flag) sees the last `window` rows, its own included, through every layer: a sequence
may be of any length.

Sources: the encoding, Thickstun et al. 2024; relative attention, Huang et al. 2018, with relative time as in
its section 3.4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.errors import ModelError, TokenError
from symbolic_music.models.attention.relative_terms import Differences
from symbolic_music.models.config_checks import Layers, Share, Size, SizeOrZero, Sizes, check_heads, checked
from symbolic_music.models.modules.anticipatory_block import Block
from symbolic_music.models.modules.kv_cache import SlidingCache
from symbolic_music.models.modules.value_checks import may_check
from symbolic_music.tokenizers.anticipation import vocabulary as v

# Kinds of rows of a table of rows (time, duration, note, kind).
EVENT, CONTROL, SEPARATOR, AUTOREGRESS, ANTICIPATE, PADDING = range(6)
REST = v.REST - v.NOTE
GAPS = v.DENSITY + 1  # rests keep gaps at 0..100 steps
END = GAPS  # the class of the gap that stands for a separator


@checked
@dataclass(frozen=True)
class AnticipatoryConfig:
    """Shape of an `AnticipatoryTransformer`.

    Args:
        width, layers, heads, hidden: of the transformer; hidden is the feed-forward's inner width.
        instruments: those of the model (128 is drums); others are refused.
        window: rows that each row sees.
        distances: number of distinct relative positions.
        time_unit: steps of 10 ms in a bucket of relative time.
        time_reach: buckets of relative time to either side.
        dropout: on the embedding and on what each half of a block adds.

    Examples:
        >>> config = sm.models.AnticipatoryConfig(width=32, layers=2, heads=2, hidden=64, instruments=(0, 128))
        >>> config.window
        512
    """

    width: Size = 256
    layers: Layers = 5
    heads: Size = 4
    hidden: Size = 640
    instruments: Sizes = tuple(range(v.INSTRUMENTS))
    window: Size = 512
    distances: Size = 128
    time_unit: Size = 15
    time_reach: SizeOrZero = 64
    dropout: Share = 0.1

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads)
        known = set(self.instruments)
        if not known or len(known) < len(self.instruments) or max(known) >= v.INSTRUMENTS:
            raise ModelError("instruments are numbers from 0 to 128, at least one, each once")


class Cache:
    """The state of `step`: keys, values and times of the rows so far, and the ids of an incomplete row."""

    def __init__(self, config: AnticipatoryConfig, batch: int, like: Tensor) -> None:
        head_width = config.width // config.heads
        # The last layer is the pitch block's.
        self.rows = SlidingCache(config.layers + 1, batch, config.heads, config.window, head_width, like)
        self.now = torch.zeros(batch, dtype=torch.long, device=like.device)
        self.pending = torch.zeros(batch, 0, dtype=torch.long, device=like.device)
        self.state = like.new_zeros(batch, config.width)

    @property
    def length(self) -> int:
        """Ids read so far: the flag is a row of one, all others are of three."""
        return max(0, 3 * self.rows.length - 2) + self.pending.shape[1]


class AnticipatoryTransformer(nn.Module):
    """A small decoder of anticipatory events: one position an event, with relative attention in distance and time.

    Examples:
        >>> network = sm.load_model("chorales", device="cpu").network
        >>> isinstance(network, sm.models.AnticipatoryTransformer)
        True
    """

    reads = "events"

    def __init__(self, config: AnticipatoryConfig) -> None:
        super().__init__()
        self.config = c = config
        self.kind = nn.Embedding(6, c.width)
        self.gap = nn.Embedding(2 * v.DELTA + 3, c.width)  # -501..501, farther ones share the ends
        self.duration = nn.Embedding(v.MAX_DURATION, c.width)
        self.instrument = nn.Embedding(len(c.instruments) + 1, c.width)
        self.pitch = nn.Embedding(129, c.width)  # 128: a rest has none
        self.clock = nn.Linear(4 * _PERIODS, c.width, bias=False)
        buckets = 2 * c.time_reach + 1
        shape = (c.width, c.heads, c.hidden, c.distances, buckets, c.window, c.dropout)
        self.drop = nn.Dropout(c.dropout)
        self.blocks = nn.ModuleList([Block(*shape) for _ in range(c.layers)])
        self.pitch_block = Block(*shape)
        self.next_gap = nn.Embedding(GAPS + 1, c.width)
        self.heads = nn.ModuleDict(
            {
                "gap": _Head(c.width, GAPS + 1),
                "duration": _Head(c.width, v.MAX_DURATION),
                "instrument": _Head(c.width, len(c.instruments) + 1),
                "pitch": nn.Sequential(nn.RMSNorm(c.width), nn.Linear(c.width, 128)),
            }
        )
        self.register_buffer("index", self._instrument_index(), persistent=False)
        self.register_buffer("rates", _rates(), persistent=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)
            if name.endswith("out.weight"):
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * c.layers + 2))

    def _instrument_index(self) -> Tensor:
        """Instrument number to row of its embedding; -1 for one that the model does not have; rests are last."""
        index = torch.full((v.INSTRUMENTS + 1,), -1)
        index[torch.tensor(self.config.instruments)] = torch.tensor(list(range(len(self.config.instruments))))
        index[v.INSTRUMENTS] = len(self.config.instruments)
        return index

    # -- tables -----------------------------------------------------------------------------------------

    def states(self, table: Tensor, cache: Cache | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Run the blocks over rows.

        Args:
            table: (B, N, 4) of (time, duration, note, kind), steps of 10 ms; note as in the events, REST too.
            cache: rows before these; extended (then N is at most its room).

        Returns:
            States (B, N, width), times of the rows that any of these sees (B, K), and the time of the last event
            at each of these rows (B, N).
        """
        time, duration, note, kind = table.unbind(-1)
        batch = len(table)
        is_event = kind == EVENT
        previous = cache.now if cache is not None else time.new_zeros(batch)
        now = torch.cummax(torch.where(is_event, time, 0), dim=1).values
        now = torch.maximum(now, previous[:, None])
        before = torch.cat([previous[:, None], now[:, :-1]], dim=1)
        x = self._embed(time, duration, note, kind, before)
        times = time if cache is None else cache.rows.append(time)
        if cache is not None:
            cache.now = now[:, -1]
        apart = self._apart(now, times)
        x = self.drop(x)
        for i, block in enumerate(self.blocks):
            x = block(x, apart, None if cache is None else cache.rows.layers[i])
        return x, times, now

    def _embed(self, time: Tensor, duration: Tensor, note: Tensor, kind: Tensor, before: Tensor) -> Tensor:
        musical = (kind == EVENT) | (kind == CONTROL)
        silent = (note == REST) | ~musical
        instrument = self._instruments(torch.where(silent, v.INSTRUMENTS, note // 128))
        pitch = torch.where(silent, 128, note % 128)
        gap = (time - before).clamp(-v.DELTA - 1, v.DELTA + 1) + v.DELTA + 1
        clock = self.clock(torch.cat([self._waves(time), self._waves(time + duration)], dim=-1))
        content = self.gap(gap) + self.duration(duration) + self.instrument(instrument) + self.pitch(pitch) + clock
        return torch.as_tensor(self.kind(kind) + content * musical[..., None])

    def _instruments(self, instrument: Tensor) -> Tensor:
        assert isinstance(self.index, Tensor)
        row = self.index[instrument]
        if may_check(row) and (row < 0).any():
            unknown = sorted(set(instrument[row < 0].tolist()))
            raise ModelError(f"this model does not have instruments {unknown}; it has {self.config.instruments}")
        return row

    def _waves(self, time: Tensor) -> Tensor:
        assert isinstance(self.rates, Tensor)
        angle = time[..., None] * self.rates
        return torch.cat([angle.sin(), angle.cos()], dim=-1)

    def _apart(self, query_times: Tensor, key_times: Tensor) -> Differences:
        """Relative time, of (B, L) and (B, K)."""
        return Differences(query_times, key_times, self.config.time_unit, self.config.time_reach)

    # -- heads ------------------------------------------------------------------------------------------

    def _duration_input(self, states: Tensor, gap: Tensor) -> Tensor:
        return torch.as_tensor(states + self.next_gap(gap))

    def _note_input(self, states: Tensor, gap: Tensor, duration: Tensor) -> Tensor:
        return self._duration_input(states, gap) + torch.as_tensor(self.duration(duration))

    def _pitch_keys_values(self, states: Tensor, cache: Cache | None = None) -> tuple[Tensor, Tensor]:
        """Keys and values of the rows for the pitch layer."""
        block = self.pitch_block
        return block.attention.keys_values(
            block.attention_norm(states), None if cache is None else cache.rows.layers[-1]
        )

    def losses(self, table: Tensor) -> dict[str, Tensor]:
        """Negative log-likelihood in nats of each next event, by part, and which rows are such.

        Args:
            table: (B, N, 4); row 0 is the flag. Controls and padding are given, never predicted; of three
                separators only the first is predicted (by its gap class END).

        Returns:
            time, duration, note: (B, N - 1), 0 where nothing is predicted; events, ends: masks of the rows.
        """
        states, times, now = self.states(table[:, :-1])
        time, duration, note, kind = table[:, 1:].unbind(-1)
        is_event = kind == EVENT
        first_end = (kind == SEPARATOR) & (table[:, :-1, 3] != SEPARATOR)
        gap = torch.where(is_event, time - now, torch.where(first_end, END, 0))
        if may_check(gap) and ((gap[is_event] >= GAPS).any() or (gap[is_event] < 0).any()):
            raise ModelError("events must be sorted by time, with rests in gaps of more than a second")
        is_rest = is_event & (note == REST)
        instrument = self._instruments(torch.where(is_event & ~is_rest, note // 128, v.INSTRUMENTS))
        note_input = self._note_input(states, gap, duration)
        block, x = self.pitch_block, note_input + self.instrument(instrument)
        apart = self._apart(now + gap * is_event, times)
        x = x + block.drop(block.attention(block.attention_norm(x), *self._pitch_keys_values(states), apart))
        pitch = self.heads["pitch"](block.fed_forward(x))
        parts = {
            "time": _nll(self.heads["gap"](states), gap) * (is_event | first_end),
            "duration": _nll(self.heads["duration"](self._duration_input(states, gap)), duration) * is_event,
            "note": _nll(self.heads["instrument"](note_input), instrument) * is_event
            + _nll(pitch, torch.where(is_rest, 0, note % 128)) * (is_event & ~is_rest),
        }
        return {**parts, "events": is_event, "ends": first_end}

    # -- ids --------------------------------------------------------------------------------------------

    def new_cache(self, batch: int = 1) -> Cache:
        """An empty cache for `step`."""
        return Cache(self.config, batch, self.kind.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """Log-probabilities of the next id at each position: (B, L) to (B, L, 55028).

        Ids begin with a flag. Where a control is under way its ids are not predicted: the log-probabilities
        are uniform over its block. Memory is 220 kB a position; training uses `losses`.
        """
        table = table_of_ids(ids[:, : 1 + (ids.shape[1] - 1) // 3 * 3])
        states, times, now = self.states(table)
        keys, values = self._pitch_keys_values(states)
        out = states.new_empty(len(ids), ids.shape[1], v.SIZE)
        out[:, 0::3] = self._time_logits(states, now)
        for row in range(table.shape[1]):
            at = 1 + 3 * row
            if at < ids.shape[1]:
                out[:, at] = self._duration_logits(states[:, row], now[:, row], ids[:, at])
            if at + 1 < ids.shape[1]:
                seen = slice(max(0, row + 1 - self.config.window), row + 1)
                keys_values = (keys[:, :, seen], values[:, :, seen])
                out[:, at + 1] = self._note_logits(
                    states[:, row], now[:, row], times[:, seen], keys_values, ids[:, at : at + 2]
                )
        return out

    @torch.no_grad()
    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        """Log-probabilities of the id after these: (B, L), at least one, appended to the cache, to (B, 55028).

        The first call begins with a flag.
        """
        pending = torch.cat([cache.pending, ids], dim=1)
        flag = 0 if cache.rows.length else 1
        whole = flag + (pending.shape[1] - flag) // 3 * 3
        cache.pending = pending[:, whole:]
        if whole:
            for piece in torch.split(table_of_ids(pending[:, :whole], flag=bool(flag)), cache.rows.room, dim=1):
                states, _, _ = self.states(piece, cache)
                self._pitch_keys_values(states, cache)
            cache.state = states[:, -1]
        if cache.pending.shape[1] == 0:
            return self._time_logits(cache.state, cache.now)
        if cache.pending.shape[1] == 1:
            return self._duration_logits(cache.state, cache.now, cache.pending[:, 0])
        rows = cache.rows
        return self._note_logits(cache.state, cache.now, rows.numbers, rows.layers[-1].last(), cache.pending)

    def _time_logits(self, states: Tensor, now: Tensor) -> Tensor:
        """(..., width), (...) to (..., vocabulary): the gap classes laid at their absolute times."""
        gaps = self.heads["gap"](states).log_softmax(-1)
        out = _nothing(gaps)
        times = now[..., None] + torch.arange(GAPS, device=states.device)
        inside = times < v.MAX_TIME
        out.scatter_(-1, times.clamp(max=v.MAX_TIME - 1), torch.where(inside, gaps[..., :GAPS], float("-inf")))
        out[..., v.SEPARATOR] = gaps[..., END]
        return out

    def _duration_logits(self, states: Tensor, now: Tensor, time_id: Tensor) -> Tensor:
        """(B, width), (B,), (B,) to (B, vocabulary)."""
        gap = (time_id - now).clamp(0, GAPS - 1)
        logits = self.heads["duration"](self._duration_input(states, gap)).log_softmax(-1)
        out = _nothing(logits)
        out[:, v.DURATION : v.NOTE] = logits
        out = _where_control(time_id, out, v.ADURATION, v.ANOTE)
        return _where_separator(time_id, out)

    def _note_logits(
        self, states: Tensor, now: Tensor, times: Tensor, keys_values: tuple[Tensor, Tensor], ids: Tensor
    ) -> Tensor:
        """(B, width), (B,), (B, K), keys and values of K rows, ids (B, 2) of time and duration to (B, vocabulary)."""
        config, batch, block = self.config, len(states), self.pitch_block
        gap = (ids[:, 0] - now).clamp(0, GAPS - 1)
        duration = torch.where(ids[:, 1] < v.NOTE, ids[:, 1] - v.DURATION, 0).clamp(0, v.MAX_DURATION - 1)
        note_input = self._note_input(states, gap, duration)
        instruments = self.heads["instrument"](note_input).log_softmax(-1)
        count = len(config.instruments)
        # Each instrument asks for its pitches by a query of its own.
        x = note_input[:, None] + self.instrument.weight[:count]
        apart = self._apart((now + gap)[:, None], times)
        x = x + block.drop(block.attention.at_last(block.attention_norm(x), *keys_values, apart))
        pitches = self.heads["pitch"](block.fed_forward(x)).log_softmax(-1)
        out = _nothing(instruments)
        notes = out[:, v.NOTE : v.REST].view(batch, v.INSTRUMENTS, 128)
        notes[:, list(config.instruments)] = instruments[:, :count, None] + pitches
        out[:, v.REST] = instruments[:, count]
        out = _where_control(ids[:, 0], out, v.ANOTE, v.SEPARATOR)
        return _where_separator(ids[:, 0], out)


class _Head(nn.Module):
    """Logits from a state: linear(x + gated feed-forward(norm(x)))."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width)
        self.inner = nn.Linear(width, width)
        self.logits = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        return torch.as_tensor(self.logits(functional.gelu(self.inner(self.norm(x)))))


_PERIODS = 24


def _rates() -> Tensor:
    """Angular rates, in radians a step, of waves with periods 7.5 x 2^k and 22.5 x 2^k steps (75 ms to 460 s).

    At 100 quarters a minute these are the 32nd note, its doublings, and the dotted values between them.
    """
    octaves = 2.0 ** torch.arange(_PERIODS // 2, device="cpu")
    return 2 * math.pi / torch.cat([7.5 * octaves, 22.5 * octaves])


def _nll(logits: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(logits.transpose(1, -1), target, reduction="none")


def _nothing(like: Tensor) -> Tensor:
    return like.new_full((*like.shape[:-1], v.SIZE), float("-inf"))


def _where_control(time_id: Tensor, logits: Tensor, first: int, last: int) -> Tensor:
    """Where a control is under way, the uniform distribution over ids first..last-1."""
    under_way = (time_id >= v.ATIME) & (time_id < v.SEPARATOR)
    if not under_way.any():
        return logits
    uniform = torch.full_like(logits[0], float("-inf"))
    uniform[first:last] = -math.log(last - first)
    return torch.where(under_way[:, None], uniform, logits)


def _where_separator(time_id: Tensor, logits: Tensor) -> Tensor:
    """After a separator only a separator follows."""
    under_way = time_id == v.SEPARATOR
    if not under_way.any():
        return logits
    only = torch.full_like(logits[0], float("-inf"))
    only[v.SEPARATOR] = 0
    return torch.where(under_way[:, None], only, logits)


def table_of_ids(ids: Tensor, flag: bool = True) -> Tensor:
    """Rows (time, duration, note, kind) of whole triples of ids, the flag first: (B, 1 + 3 N) to (B, 1 + N, 4).

    Raises:
        TokenError: when the first is no flag, or a triple is not a time, a duration and a note of one kind.
    """
    start = 1 if flag else 0
    triples = ids[:, start:].reshape(len(ids), -1, 3) if ids.shape[1] > start else ids.new_zeros(len(ids), 0, 3)
    is_separator = (triples[..., :1] == v.SEPARATOR).expand_as(triples)
    is_control = (triples[..., :1] >= v.ATIME) & ~is_separator
    offsets = torch.tensor([v.TIME, v.DURATION, v.NOTE], device=ids.device) + is_control * v.CONTROL
    values = torch.where(is_separator, 0, triples - offsets)
    kind = torch.where(is_separator[..., 0], SEPARATOR, torch.where(is_control[..., 0], CONTROL, EVENT))
    sizes = torch.tensor([v.MAX_TIME, v.MAX_DURATION, v.MAX_NOTE + 1], device=ids.device)
    fits = (values >= 0) & (values < sizes) & ((triples == v.SEPARATOR) == is_separator)
    if not fits.all():
        place = fits.all(-1).logical_not().nonzero()[0].tolist()
        raise TokenError(f"ids {triples[tuple(place)].tolist()} are no time, duration and note: see `anticipation`")
    rows = torch.cat([values, kind[..., None]], dim=-1)
    if not flag:
        return rows
    if not ((ids[:, 0] == v.ANTICIPATE) | (ids[:, 0] == v.AUTOREGRESS)).all():
        raise TokenError(f"ids begin with a flag, {v.AUTOREGRESS} or {v.ANTICIPATE}, not {ids[:, 0].tolist()}")
    head = torch.zeros(len(ids), 1, 4, dtype=ids.dtype, device=ids.device)
    head[:, 0, 3] = torch.where(ids[:, 0] == v.ANTICIPATE, ANTICIPATE, AUTOREGRESS)
    return torch.cat([head, rows], dim=1)
