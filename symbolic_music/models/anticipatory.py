"""A small decoder for the anticipatory encoding, one position an event.

The encoding's three ids of an event are predicted one after the other, as its chain rule says, but the
transformer runs once an event: from its state h the time is drawn, from (h, time) the duration, from those
the instrument, and a last attention layer that knows all of them draws the pitch. Times are predicted as the
gap to the last event, so that 55,028 ids need no table of 55,028 rows. `forward` and `step` speak in ids.

Sources: the encoding, Thickstun et al. 2024; relative attention, Huang et al. 2018, with relative time as in
its section 3.4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.errors import ModelError
from symbolic_music.models.layers import Block, KeyValues
from symbolic_music.tokenizers import anticipation_vocabulary as v

# Kinds of rows of a table of rows (time, duration, note, kind).
EVENT, CONTROL, SEPARATOR, AUTOREGRESS, ANTICIPATE, PADDING = range(6)
REST = v.REST - v.NOTE
GAPS = v.DENSITY + 1  # rests keep gaps at 0..100 steps
END = GAPS  # the class of the gap that stands for a separator


@dataclass(frozen=True)
class AnticipatoryConfig:
    """Shape of an `AnticipatoryTransformer`.

    Args:
        width, layers, heads, hidden: of the transformer; hidden is the feed-forward's inner width.
        instruments: those the model knows (128 is drums); others are refused.
        window: events that it attends to.
        distances: relative positions told apart.
        time_unit: steps of 10 ms in a bucket of relative time.
        time_reach: buckets of relative time to either side.
        dropout: on the embedding and on what each half of a block adds.
    """

    width: int = 256
    layers: int = 5
    heads: int = 4
    hidden: int = 640
    instruments: tuple[int, ...] = tuple(range(v.INSTRUMENTS))
    window: int = 512
    distances: int = 128
    time_unit: int = 15
    time_reach: int = 64
    dropout: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "instruments", tuple(self.instruments))
        if self.width % self.heads:
            raise ModelError(f"width {self.width} is not a multiple of {self.heads} heads")
        if not self.instruments or not all(0 <= i < v.INSTRUMENTS for i in self.instruments):
            raise ModelError("instruments are numbers from 0 to 128, at least one")


class Cache:
    """What `step` remembers: keys and values of each layer, times of the rows, ids of an unfinished event."""

    def __init__(self, config: AnticipatoryConfig, batch: int, like: Tensor) -> None:
        shape = (batch, config.heads, config.window, config.width // config.heads)
        self.layers = [KeyValues(*shape, like=like) for _ in range(config.layers + 1)]
        self.times = torch.zeros(batch, config.window, dtype=torch.long, device=like.device)
        self.now = torch.zeros(batch, dtype=torch.long, device=like.device)
        self.pending = torch.zeros(batch, 0, dtype=torch.long, device=like.device)
        self.state = like.new_zeros(batch, config.width)

    @property
    def length(self) -> int:
        """Rows (events, controls, the flag) held so far."""
        return self.layers[0].length


class AnticipatoryTransformer(nn.Module):
    """See the module's docstring."""

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
        shape = (c.width, c.heads, c.hidden, c.distances, buckets, c.dropout)
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
        """Instrument number to row of its embedding; -1 for one that the model does not know; rests are last."""
        index = torch.full((v.INSTRUMENTS + 1,), -1)
        index[torch.tensor(self.config.instruments)] = torch.arange(len(self.config.instruments))
        index[v.INSTRUMENTS] = len(self.config.instruments)
        return index

    # -- tables -----------------------------------------------------------------------------------------

    def states(self, table: Tensor, cache: Cache | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Run the blocks over rows.

        Args:
            table: (B, N, 4) of (time, duration, note, kind), steps of 10 ms; note as in the events, REST too.
            cache: rows before these; extended.

        Returns:
            States (B, N, width), times of all rows so far (B, K), and the time of the last event at each
            of these rows (B, N).
        """
        time, duration, note, kind = table.unbind(-1)
        batch = len(table)
        is_event = kind == EVENT
        previous = cache.now if cache is not None else time.new_zeros(batch)
        now = torch.cummax(torch.where(is_event, time, 0), dim=1).values
        now = torch.maximum(now, previous[:, None])
        before = torch.cat([previous[:, None], now[:, :-1]], dim=1)
        x = self._embed(time, duration, note, kind, before)
        if cache is None:
            times = time
        else:
            start = cache.length
            if start + time.shape[1] > self.config.window:
                raise ModelError(f"the model's window holds {self.config.window} events")
            cache.times[:, start : start + time.shape[1]] = time
            times = cache.times[:, : start + time.shape[1]]
            cache.now = now[:, -1]
        buckets = self._buckets(now, times)
        x = self.drop(x)
        for i, block in enumerate(self.blocks):
            x = block(x, buckets, None if cache is None else cache.layers[i])
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
        if (row < 0).any():
            unknown = sorted(set(instrument[row < 0].tolist()))
            raise ModelError(f"this model does not know instruments {unknown}; it knows {self.config.instruments}")
        return row

    def _waves(self, time: Tensor) -> Tensor:
        assert isinstance(self.rates, Tensor)
        angle = time[..., None] * self.rates
        return torch.cat([angle.sin(), angle.cos()], dim=-1)

    def _buckets(self, query_times: Tensor, key_times: Tensor) -> Tensor:
        """Buckets of relative time, (B, L) and (B, K) to (B, L, K)."""
        apart = query_times[:, :, None] - key_times[:, None, :]
        reach = self.config.time_reach
        return torch.div(apart, self.config.time_unit, rounding_mode="floor").clamp(-reach, reach) + reach

    # -- heads ------------------------------------------------------------------------------------------

    def _duration_input(self, states: Tensor, gap: Tensor) -> Tensor:
        return torch.as_tensor(states + self.next_gap(gap))

    def _note_input(self, states: Tensor, gap: Tensor, duration: Tensor) -> Tensor:
        return self._duration_input(states, gap) + torch.as_tensor(self.duration(duration))

    def _pitch_logits(self, note_input: Tensor, instrument: Tensor, buckets: Tensor, keys_values: tuple[Tensor, Tensor]
                      ) -> Tensor:  # fmt: skip
        """Attend from (B, L, width), each told its instrument's row, to the states of the rows up to its own."""
        block = self.pitch_block
        assert isinstance(block, Block)
        x = note_input + self.instrument(instrument)
        x = x + block.drop(block.attention(block.attention_norm(x), *keys_values, buckets))
        x = x + block.drop(block.feed_forward(block.feed_forward_norm(x)))
        return torch.as_tensor(self.heads["pitch"](x))

    def _pitch_keys_values(self, states: Tensor, cache: Cache | None = None) -> tuple[Tensor, Tensor]:
        block = self.pitch_block
        assert isinstance(block, Block)
        keys, values = block.attention.keys_values(block.attention_norm(states))
        return (keys, values) if cache is None else cache.layers[-1].append(keys, values)

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
        if (gap[is_event] >= GAPS).any() or (gap[is_event] < 0).any():
            raise ModelError("events must be sorted by time, with rests in gaps of more than a second")
        is_rest = is_event & (note == REST)
        instrument = self._instruments(torch.where(is_event & ~is_rest, note // 128, v.INSTRUMENTS))
        note_input = self._note_input(states, gap, duration)
        pitch = self._pitch_logits(
            note_input, instrument, self._buckets(now + gap * is_event, times), self._pitch_keys_values(states)
        )
        parts = {
            "time": _nll(self.heads["gap"](states), gap) * (is_event | first_end),
            "duration": _nll(self.heads["duration"](self._duration_input(states, gap)), duration) * is_event,
            "note": _nll(self.heads["instrument"](note_input), instrument) * is_event
            + _nll(pitch, torch.where(is_rest, 0, note % 128)) * (is_event & ~is_rest),
        }
        return {**parts, "events": is_event, "ends": first_end}

    # -- ids --------------------------------------------------------------------------------------------

    def cache(self, batch: int = 1) -> Cache:
        """An empty cache for `step`."""
        return Cache(self.config, batch, self.kind.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """Log-probabilities of the next id at each position: (B, L) to (B, L, 55028).

        Ids begin with a flag. Where a control is under way its ids are not predicted: the log-probabilities
        are uniform over its block. Memory is 220 kB a position; training uses `losses`.
        """
        table = table_of_ids(ids[:, : 1 + (ids.shape[1] - 1) // 3 * 3])
        states, times, now = self.states(table)
        kv = self._pitch_keys_values(states)
        out = states.new_empty(len(ids), ids.shape[1], v.SIZE)
        out[:, 0::3] = self._time_logits(states, now)
        for row in range(table.shape[1]):
            at = 1 + 3 * row
            seen = (kv[0][:, :, : row + 1], kv[1][:, :, : row + 1])
            here = (states[:, row], now[:, row], times[:, : row + 1], seen)
            if at < ids.shape[1]:
                out[:, at] = self._duration_logits(here[0], here[1], ids[:, at])
            if at + 1 < ids.shape[1]:
                out[:, at + 1] = self._note_logits(*here, ids[:, at : at + 2])
        return out

    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        """Log-probabilities of the id after these: (B, L) appended to the cache, to (B, 55028).

        The first call begins with a flag. Raises ModelError when the window is full.
        """
        pending = torch.cat([cache.pending, ids], dim=1)
        flag = 0 if cache.length else 1
        whole = flag + (pending.shape[1] - flag) // 3 * 3
        if whole:
            table = table_of_ids(pending[:, :whole], flag=bool(flag))
            states, _, _ = self.states(table, cache)
            self._pitch_keys_values(states, cache)
            cache.state = states[:, -1]
        cache.pending = pending[:, whole:]
        if cache.pending.shape[1] == 0:
            return self._time_logits(cache.state, cache.now)
        if cache.pending.shape[1] == 1:
            return self._duration_logits(cache.state, cache.now, cache.pending[:, 0])
        kv, length = cache.layers[-1], cache.length
        seen = (kv.keys[:, :, :length], kv.values[:, :, :length])
        return self._note_logits(cache.state, cache.now, cache.times[:, :length], seen, cache.pending)

    def _time_logits(self, states: Tensor, now: Tensor) -> Tensor:
        """(..., width), (...) to (..., vocabulary): the gap classes laid at their absolute times."""
        gaps = self.heads["gap"](states).log_softmax(-1)
        out = _nothing(states)
        times = now[..., None] + torch.arange(GAPS, device=states.device)
        inside = times < v.MAX_TIME
        out.scatter_(-1, times.clamp(max=v.MAX_TIME - 1), torch.where(inside, gaps[..., :GAPS], float("-inf")))
        out[..., v.SEPARATOR] = gaps[..., END]
        return out

    def _duration_logits(self, states: Tensor, now: Tensor, time_id: Tensor) -> Tensor:
        """(B, width), (B,), (B,) to (B, vocabulary)."""
        out = _nothing(states)
        gap = (time_id - now).clamp(0, GAPS - 1)
        logits = self.heads["duration"](self._duration_input(states, gap)).log_softmax(-1)
        out[:, v.DURATION : v.NOTE] = logits
        out = _where_control(time_id, out, v.ADURATION, v.ANOTE)
        return _where_separator(time_id, out)

    def _note_logits(self, states: Tensor, now: Tensor, times: Tensor, seen: tuple[Tensor, Tensor], ids: Tensor
                     ) -> Tensor:  # fmt: skip
        """(B, width), (B,), (B, K), keys and values of K rows, ids (B, 2) of time and duration to (B, vocabulary)."""
        config, batch = self.config, len(states)
        gap = (ids[:, 0] - now).clamp(0, GAPS - 1)
        duration = torch.where(ids[:, 1] < v.NOTE, ids[:, 1] - v.DURATION, 0).clamp(0, v.MAX_DURATION - 1)
        note_input = self._note_input(states, gap, duration)
        instruments = self.heads["instrument"](note_input).log_softmax(-1)
        count = len(config.instruments)
        # Each instrument asks for its pitches as a batch row of its own.
        rows = torch.arange(count, device=states.device).repeat(batch)[:, None]
        repeated = note_input.repeat_interleave(count, 0)[:, None]
        kv = (seen[0].repeat_interleave(count, 0), seen[1].repeat_interleave(count, 0))
        buckets = self._buckets((now + gap)[:, None], times).repeat_interleave(count, 0)
        pitches = self._pitch_logits(repeated, rows, buckets, kv).log_softmax(-1).view(batch, count, 128)
        out = _nothing(states)
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
    octaves = 2.0 ** torch.arange(_PERIODS // 2)
    return 2 * math.pi / torch.cat([7.5 * octaves, 22.5 * octaves])


def _nll(logits: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(logits.transpose(1, -1), target, reduction="none")


def _nothing(states: Tensor) -> Tensor:
    return states.new_full((*states.shape[:-1], v.SIZE), float("-inf"))


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
    """Rows (time, duration, note, kind) of whole triples of ids, the flag first: (B, 1 + 3 N) to (B, 1 + N, 4)."""
    start = 1 if flag else 0
    triples = ids[:, start:].reshape(len(ids), -1, 3) if ids.shape[1] > start else ids.new_zeros(len(ids), 0, 3)
    is_separator = (triples[..., :1] == v.SEPARATOR).expand_as(triples)
    is_control = (triples[..., :1] >= v.ATIME) & ~is_separator
    offsets = torch.tensor([v.TIME, v.DURATION, v.NOTE], device=ids.device) + is_control * v.CONTROL
    values = torch.where(is_separator, 0, triples - offsets)
    kind = torch.where(is_separator[..., 0], SEPARATOR, torch.where(is_control[..., 0], CONTROL, EVENT))
    rows = torch.cat([values, kind[..., None]], dim=-1)
    if not flag:
        return rows
    head = torch.zeros(len(ids), 1, 4, dtype=ids.dtype, device=ids.device)
    head[:, 0, 3] = torch.where(ids[:, 0] == v.ANTICIPATE, ANTICIPATE, AUTOREGRESS)
    return torch.cat([head, rows], dim=1)
