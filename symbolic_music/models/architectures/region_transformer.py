"""A decoder that writes regions of a score given everything else, with one position for each event.

Notable features:
- rotary positions on four axes: musical time, by periods of beats and bars, order, pitch, and slot (the same slot turns
  by the same angle);
- every row also sees the row before it and the last note of its own slot, so that one layer can find what followed the
  like;
- an event by the chain rule: gap, slot, key, duration, velocity; the last blocks run when time and slot are known;
- pointers: each field may be copied from a row that attention finds;
- a slot is chosen among those that the header declares, so that two guitars are two.

`losses` and the steps of a `RegionCache` give the same numbers. Rows: `tokenizers.region.rows`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.errors import ModelError
from symbolic_music.models.config_checks import Layers, Size, checked
from symbolic_music.models.modules.pointer import Pointer, mixed
from symbolic_music.models.modules.region_block import RegionBlock
from symbolic_music.models.modules.rotary_axes import Rotation, turns
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.harmony import KEY_BIT, ROOT_BIT

_TIME = (15, 20, 30, 40, 60, 120, 180, 240, 360, 480, 720, 960, 1440, 1920, 3840, 7680)
_ORDER = (4, 16, 64, 512)
_PITCH = (12, 7, 24, 48, 96, 256)
_SLOT_AXES = 6
_HEAD = 2 * (len(_TIME) + len(_ORDER) + len(_PITCH) + _SLOT_AXES)
# Waves of the place in a bar, and in a quarter.
_BAR_WAVES = (1, 2, 3, 4, 6, 8, 12, 16)
_BEAT_WAVES = (1, 2, 3, 4)
_LENGTH_CLASS = 30  # steps of a bar's length in a class
_NEVER = -1e4
# Pitch classes and root of a chord, and a key.
_HARMONY = 12 + 12 + 24


@checked
@dataclass(frozen=True)
class RegionConfig:
    """Shape of a `RegionTransformer`.

    Args:
        width: of the rows; heads are 64 wide.
        layers: that read rows.
        note_layers: that run when the time and the slot of the next event are known.
        hidden: inner width of the feed-forward networks.
        window: rows that it was trained on at most.
        harmony: whether it was trained on regions with chords and keys that are known beforehand.
    """

    width: Size = 256
    layers: Layers = 5
    note_layers: Layers = 2
    hidden: Size = 1024
    window: Size = 640
    harmony: bool = False

    def __post_init__(self) -> None:
        if self.width % _HEAD:
            raise ModelError(f"the width is a multiple of {_HEAD}, not {self.width}")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Ids of the fields of a row: gap, slot, instrument, key, duration, velocity."""
        return (r.GAPS, r.SLOTS + 1, r.NO_INSTRUMENT + 1, r.KEYS + 1, r.DURATIONS, r.VELOCITIES + 1)


class RegionTransformer(nn.Module):
    """See the module's docstring."""

    reads = "regions"

    def __init__(self, config: RegionConfig) -> None:
        super().__init__()
        self.config = config
        w = config.width
        heads = w // _HEAD
        self.kind, self.duration, self.slot = nn.Embedding(7, w), nn.Embedding(r.DURATIONS, w), nn.Embedding(33, w)
        self.instrument, self.key = nn.Embedding(r.NO_INSTRUMENT + 1, w), nn.Embedding(r.KEYS + 1, w)
        self.velocity, self.state = nn.Embedding(r.VELOCITIES + 1, w), nn.Embedding(r.STATES, w)
        self.about, self.gap = nn.Embedding(r.ABOUTS, w), nn.Embedding(r.GAPS + 1, w)
        self.length = nn.Embedding(17, w)
        if config.harmony:
            self.harmony, self.next_harmony = (nn.Linear(_HARMONY, w, bias=False) for _ in range(2))
        waves = 2 * (len(_BAR_WAVES) + len(_BEAT_WAVES))
        self.wave, self.next_wave = nn.Linear(waves, w, bias=False), nn.Linear(waves, w, bias=False)
        self.before, self.last = nn.Linear(w, w, bias=False), nn.Linear(w, w, bias=False)
        self.next_last, self.next_slot = nn.Linear(w, w, bias=False), nn.Linear(w, w, bias=False)
        self.blocks = nn.ModuleList([RegionBlock(w, heads, config.hidden) for _ in range(config.layers)])
        self.note_blocks = nn.ModuleList([RegionBlock(w, heads, config.hidden) for _ in range(config.note_layers)])
        self.norm_in, self.norm_out, self.norm_note, self.norm_duration, self.norm_slot = (
            nn.LayerNorm(w, bias=False) for _ in range(5)
        )
        self.gap_head, self.instrument_head = nn.Linear(w, r.GAPS), nn.Linear(w, r.NO_INSTRUMENT + 1)
        self.slot_query, self.slot_key = nn.Linear(w, 64), nn.Linear(w, 64)
        self.key_head = nn.Linear(w, r.KEYS)
        self.next_gap, self.next_key = nn.Embedding(r.GAPS, w), nn.Embedding(r.KEYS + 1, w)
        self.next_duration = nn.Embedding(r.DURATIONS, w)
        self.duration_in, self.velocity_in = nn.Linear(w, w, bias=False), nn.Linear(w, w, bias=False)
        self.duration_head, self.velocity_head = nn.Linear(w, r.DURATIONS), nn.Linear(w, r.VELOCITIES)
        self.pointers = nn.ModuleList([Pointer(w, 1), Pointer(w, 1), Pointer(w, 2)])
        generator = torch.Generator().manual_seed(7)
        phases = torch.rand(r.SLOTS + 1, _SLOT_AXES, generator=generator, device="cpu") * 2 * math.pi
        self.register_buffer("slot_phases", phases)
        for name, values in (("times", _TIME), ("orders", _ORDER), ("pitches", _PITCH)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)
        self.register_buffer("bar_waves", torch.tensor(_BAR_WAVES, dtype=torch.float32), persistent=False)
        self.register_buffer("beat_waves", torch.tensor(_BEAT_WAVES, dtype=torch.float32), persistent=False)
        self._initialise()

    def _initialise(self) -> None:
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                std = 0.02 if "head" in name else 0.6 * parameter.shape[-1] ** -0.5
                nn.init.normal_(parameter, std=std)
            if name.endswith(("out.weight", "down.weight")):
                nn.init.zeros_(parameter)
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.3)
        if self.config.harmony:  # adds nothing at first: weights from before it keep their meaning
            nn.init.zeros_(self.harmony.weight)
            nn.init.zeros_(self.next_harmony.weight)

    @property
    def row_layers(self) -> list[RegionBlock]:
        """The blocks that read rows."""
        return cast("list[RegionBlock]", list(self.blocks))

    @property
    def note_layers(self) -> list[RegionBlock]:
        """The blocks that run when time and slot are known; their keys and values are of the rows' outputs."""
        return cast("list[RegionBlock]", list(self.note_blocks))

    @property
    def copies(self) -> list[Pointer]:
        """The pointers: of gaps, of keys, of durations and velocities."""
        return cast("list[Pointer]", list(self.pointers))

    # -- rows ---------------------------------------------------------------------------------------------

    def angles(self, time: Tensor, order: Tensor, key: Tensor, slot: Tensor) -> Tensor:
        """Angles of rows, (B, N) each to (B, N, 32)."""
        axes = ((time, self.times), (order, self.orders), (key, self.pitches))
        parts = [turns(values, torch.as_tensor(periods)) for values, periods in axes]
        return torch.cat([*parts, torch.as_tensor(self.slot_phases)[slot]], -1)

    def _waves(self, position: Tensor, length: Tensor) -> Tensor:
        bar = (position / length.clamp(min=1))[..., None] * (2 * math.pi * torch.as_tensor(self.bar_waves))
        beat = (position / r.STEPS)[..., None] * (2 * math.pi * torch.as_tensor(self.beat_waves))
        return torch.cat([bar.sin(), bar.cos(), beat.sin(), beat.cos()], -1)

    def content(self, rows: Tensor, gap: Tensor) -> Tensor:
        """The embedding of each row (B, N, COLUMNS), (B, N, width); gaps (B, N) to the previous row, at most 242."""
        c = rows.unbind(-1)
        fields = self.duration(c[r.DURATION]) + self.slot(c[r.SLOT]) + self.instrument(c[r.INSTRUMENT])
        fields = fields + self.key(c[r.KEY]) + self.velocity(c[r.VELOCITY])
        fields = fields + self.kind(c[r.KIND]) + self.about(c[r.ABOUT])
        if self.config.harmony:
            fields = fields + self.harmony(_harmony_features(c[r.HARMONY]))
        place = self.wave(self._waves(c[r.POSITION], c[r.LENGTH]))
        place = place + self.length((c[r.LENGTH] // _LENGTH_CLASS).clamp(max=16)) + self.gap(gap)
        return torch.as_tensor(fields + place * (c[r.KIND] >= r.NOTE)[..., None])

    def embed(self, content: Tensor, before: Tensor, last: Tensor, state: Tensor) -> Tensor:
        """Input of the blocks: a row, the row before it, the last note of its slot, and where it stands."""
        x = content + self.state(state) + self.before(before) + self.last(last)
        return torch.as_tensor(self.norm_in(x))

    def declared(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """For each slot of a header: content (B, 33, width), ABOUT (0 if undeclared), whether it is drums."""
        c = rows.unbind(-1)
        is_track = c[r.KIND] == r.TRACK
        slot = torch.where(is_track, c[r.SLOT], r.NO_SLOT)
        shape = (len(rows), r.SLOTS + 1)
        instrument, about = slot.new_full(shape, r.NO_INSTRUMENT), slot.new_zeros(shape)
        instrument.scatter_(1, slot, torch.where(is_track, c[r.INSTRUMENT], r.NO_INSTRUMENT))
        about.scatter_(1, slot, torch.where(is_track, c[r.ABOUT], 0))
        instrument[:, r.NO_SLOT], about[:, r.NO_SLOT] = r.NO_INSTRUMENT, 0
        table = self.slot.weight[None] + self.instrument(instrument) + self.about(about)
        return table, about, instrument == 128

    # -- heads, each for states (B, N, width) ---------------------------------------------------------------

    def slot_logits(self, out: Tensor, gap: Tensor, table: Tensor) -> Tensor:
        """Logits of the 33 slots (the last is none), given the gap class: (B, N, 33)."""
        query = self.slot_query(self.norm_slot(out + self.next_gap(gap)))
        return torch.einsum("bnd,bsd->bns", query, self.slot_key(table)).float() / 8

    def note_input(self, x: Tensor, gap: Tensor, rows: Tensor, slot_content: Tensor, last: Tensor) -> Tensor:
        """Input of the note blocks, once gap and slot are known; of the rows (B, N, COLUMNS) where they stand."""
        place = self.next_wave(self._waves(rows[..., r.POSITION], rows[..., r.LENGTH]))
        if self.config.harmony:
            place = place + self.next_harmony(_harmony_features(rows[..., r.HARMONY]))
        return torch.as_tensor(x + self.next_gap(gap) + place + self.next_slot(slot_content) + self.next_last(last))

    def duration_state(self, z: Tensor, key: Tensor) -> Tensor:
        """State from which duration and velocity are drawn, once the key is known."""
        return torch.as_tensor(self.norm_duration(z + self.next_key(key)))

    def duration_logits(self, state: Tensor) -> Tensor:
        """(B, N, 1000)."""
        inner = functional.relu(self.duration_in(state))
        return torch.as_tensor(self.duration_head(inner * inner))

    def velocity_logits(self, state: Tensor, duration: Tensor) -> Tensor:
        """(B, N, 32)."""
        inner = functional.relu(self.velocity_in(state + self.next_duration(duration)))
        return torch.as_tensor(self.velocity_head(inner * inner))

    # -- training -----------------------------------------------------------------------------------------

    def losses(self, rows: Tensor) -> dict[str, Tensor]:
        """Negative log-likelihoods in nats of the rows from the second on, by field; 0 where nothing is predicted.

        Args:
            rows: (B, N, COLUMNS).

        Returns:
            gap, slot, key, duration, velocity, instrument (of headers): (B, N - 1); notes: 1 for predicted notes;
            written: for those of them that are in a span.
        """
        pointers = self.copies
        now, then = rows[:, :-1].unbind(-1), rows[:, 1:].unbind(-1)
        count = rows.shape[1] - 1
        order = torch.arange(count, device=rows.device).expand(len(rows), count)
        gap_before = torch.diff(now[r.TIME], dim=1, prepend=now[r.TIME][:, :1]).clamp(0, r.GAPS)
        content = self.content(rows[:, :-1], gap_before)
        before = functional.pad(content[:, :-1], (0, 0, 1, 0))
        x = self.embed(content, before, _picked(content, now[r.PREVIOUS]), now[r.STATE])
        dtype = torch.get_autocast_dtype(x.device.type) if torch.is_autocast_enabled(x.device.type) else x.dtype
        turned = Rotation.of(self.angles(now[r.TIME], order, now[r.KEY], now[r.SLOT]), dtype)
        for block in self.row_layers:
            x = block(x, turned, *block.attention.keys_values(block.normed(x), turned))
        out = self.norm_out(x)

        kind = then[r.KIND]
        is_note, is_predicted = kind == r.NOTE, then[r.PREDICTED] > 0
        gap = (then[r.TIME] - now[r.TIME]).clamp(0, r.LONGEST_GAP - 1)
        gap = torch.where(kind == r.REST, r.GAP_REST, torch.where(kind == r.END, r.GAP_END, gap))
        is_earlier_note = now[r.KIND] == r.NOTE
        copyable = torch.where(is_earlier_note, gap_before.clamp(max=r.LONGEST_GAP - 1), -1)
        (copied,) = pointers[0].copied(out, turned, pointers[0].keys(out, turned), is_earlier_note, [copyable], [gap])
        gap_log_p = mixed(_log_p(self.gap_head(out), gap), copied, pointers[0].gate(out).float()[..., 0])

        table, about, is_drum = self.declared(rows)
        slot = torch.where(is_note, then[r.SLOT], r.NO_SLOT)
        at_once = (gap == 0) & is_earlier_note & is_note
        slot_logits = self.slot_logits(out, gap, table)
        allowed = allowed_slots(about, then[r.STATE], now[r.SLOT], at_once)
        slot_logits = slot_logits.masked_fill(~allowed, _NEVER)
        slot_logits[..., r.NO_SLOT] = torch.where(is_note, _NEVER, slot_logits[..., r.NO_SLOT])
        slot_log_p = _log_p(slot_logits, slot)

        previous = then[r.PREVIOUS]
        slot_content = torch.gather(table, 1, slot[..., None].expand(-1, -1, table.shape[-1]))
        last_key = torch.where(previous >= 0, torch.gather(now[r.KEY], 1, previous.clamp(min=0)), 0)
        z = self.note_input(x, gap, rows[:, 1:], slot_content, _picked(content, previous))
        ahead = Rotation.of(self.angles(then[r.TIME], order + 1, last_key, slot), dtype)
        for block in self.note_layers:
            z = block(z, ahead, *block.attention.keys_values(out, turned))
        note = self.norm_note(z)
        key = torch.where(is_note, then[r.KEY], 0)
        key_logits = self.key_head(note).masked_fill(
            ~allowed_keys(torch.gather(is_drum, 1, slot), now[r.KEY], at_once & (now[r.SLOT] == slot)), _NEVER
        )
        (copied,) = pointers[1].copied(note, ahead, pointers[1].keys(out, turned), is_earlier_note, [now[r.KEY]], [key])
        key_log_p = mixed(_log_p(key_logits, key), copied, pointers[1].gate(note).float()[..., 0])

        state = self.duration_state(z, key)
        there = Rotation.of(self.angles(then[r.TIME], order + 1, key, slot), dtype)
        velocity = torch.where(is_note, then[r.VELOCITY], 0)
        fields, targets = [now[r.DURATION], now[r.VELOCITY]], [then[r.DURATION], velocity]
        copied, copied_velocity = pointers[2].copied(
            state, there, pointers[2].keys(out, turned), is_earlier_note, fields, targets
        )
        gates = pointers[2].gate(state).float()
        duration_log_p = mixed(_log_p(self.duration_logits(state), then[r.DURATION]), copied, gates[..., 0])
        velocity_logits = self.velocity_logits(state, then[r.DURATION])
        velocity_log_p = mixed(_log_p(velocity_logits, velocity), copied_velocity, gates[..., 1])

        predicted = is_predicted.float()
        notes = predicted * is_note
        instrument_log_p = _log_p(self.instrument_head(out[:, : r.SLOTS + 2]), then[r.INSTRUMENT][:, : r.SLOTS + 2])
        instrument_log_p = functional.pad(instrument_log_p, (0, count - instrument_log_p.shape[1]))
        return {
            "gap": -gap_log_p * predicted * (kind >= r.NOTE) * (kind != r.REGION),
            "slot": -slot_log_p * notes,
            "key": -key_log_p * notes,
            "duration": -duration_log_p * notes,
            "velocity": -velocity_log_p * notes,
            "instrument": -instrument_log_p * predicted * (kind == r.TRACK),
            "notes": notes,
            "written": notes * (then[r.STATE] >= r.WRITTEN),
        }

    def forward(self, rows: Tensor) -> Tensor:
        """Nats of each row from the second on, (B, N, COLUMNS) to (B, N - 1)."""
        found = self.losses(rows)
        fields = ("gap", "slot", "key", "duration", "velocity", "instrument")
        return torch.stack([found[name] for name in fields]).sum(0)


def allowed_slots(about: Tensor, state: Tensor, slot_before: Tensor, at_once: Tensor) -> Tensor:
    """Slots of which the next note may be: (B, 33), and (B, N) each, to (B, N, 33).

    In a span those that are written; given notes within a span are of the others. Slots of one time ascend. None is
    allowed always.
    """
    is_written = (about == r.ABOUT_WRITTEN)[:, None]
    allowed = (about >= r.ABOUT_GIVEN)[:, None] & ~((state >= r.WRITTEN)[..., None] & ~is_written)
    allowed = allowed & ~((state == r.WITHIN)[..., None] & is_written)
    number = torch.arange(about.shape[1], device=about.device)
    allowed = allowed & ~(at_once[..., None] & (number < slot_before[..., None]))
    return allowed | (number == r.NO_SLOT)


def allowed_keys(is_drum: Tensor, key_before: Tensor, ascends: Tensor) -> Tensor:
    """Keys of drums or of pitches, above the key before where it begins at once in the same slot: (B, N, 256)."""
    number = torch.arange(r.KEYS, device=is_drum.device)
    allowed = (number >= r.DRUM_KEYS) == is_drum[..., None]
    return allowed & ~(ascends[..., None] & (number <= key_before[..., None]))


def _harmony_features(codes: Tensor) -> Tensor:
    """Codes (B, N) of `tokenizers.region.harmony` as pitch classes, root and key, 0 or 1: (B, N, 48)."""

    def one_hot(value: Tensor, count: int) -> Tensor:
        return value[..., None] == torch.arange(1, count + 1, device=codes.device)

    classes = (codes[..., None] >> torch.arange(ROOT_BIT, device=codes.device)) & 1 > 0
    root, key = (codes >> ROOT_BIT) & 15, codes >> KEY_BIT
    return torch.cat([classes, one_hot(root, 12), one_hot(key, 24)], -1).float()


def _picked(content: Tensor, at: Tensor) -> Tensor:
    """Rows at (B, N) of a content (B, K, width); 0 for -1."""
    found = torch.gather(content, 1, at.clamp(min=0)[..., None].expand(-1, -1, content.shape[-1]))
    return found * (at >= 0)[..., None]


def _log_p(logits: Tensor, target: Tensor) -> Tensor:
    nats = functional.cross_entropy(logits.float().flatten(0, 1), target.flatten(), reduction="none")
    return -nats.view(target.shape)
