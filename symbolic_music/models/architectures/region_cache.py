"""Sample the rows of a region incrementally, with cached keys and values.

The fields of a row are requested in the order of the chain rule: gap, slot, key, duration, velocity; `append` reads the
row that was chosen. The log-probabilities are those of `RegionTransformer.losses`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from symbolic_music.models.architectures.region_transformer import RegionTransformer, allowed_keys, allowed_slots
from symbolic_music.models.modules.pointer import mixed
from symbolic_music.models.modules.rotary import Rotation
from symbolic_music.tokenizers.region import rows as r

_NEVER = -1e4
_FIELDS = (r.TIME, r.SLOT, r.KEY, r.DURATION, r.VELOCITY)


class RegionCache:
    """The state of a network for alternatives that begin with the same rows.

    Args:
        network: in evaluation mode.
        rows: given to all, (P, COLUMNS), the header first.
        alternatives: how many.
        room: rows that may be appended.
    """

    @torch.inference_mode()
    def __init__(self, network: RegionTransformer, rows: Tensor, alternatives: int, room: int) -> None:
        self.network = n = network
        self.count, most = 0, len(rows) + room
        self.x = self.out = torch.zeros(0)
        width, heads = n.config.width, n.row_layers[0].attention.heads
        like = n.kind.weight

        def empty(*shape: int) -> Tensor:
            return like.new_zeros(alternatives, *shape)

        layers = len(n.blocks) + len(n.note_blocks)
        shape = (heads, most, width // heads)
        self._keys, self._values = ([empty(*shape) for _ in range(layers)] for _ in range(2))
        self._pointer_keys = [empty(most, 64) for _ in n.copies]
        self._content = empty(most, width)
        self._fields = torch.zeros(alternatives, most, r.COLUMNS, dtype=torch.long, device=like.device)
        self._gaps = torch.zeros(alternatives, most, dtype=torch.long, device=like.device)
        self._latest = torch.full((alternatives, r.SLOTS + 1), -1, dtype=torch.long, device=like.device)
        rows = rows.to(like.device)
        self.table, self.about, self.is_drum = n.declared(rows[None])
        self._read(rows[None])
        for kept in (*self._keys, *self._values, *self._pointer_keys, self._content, self._fields, self._gaps):
            kept[1:] = kept[:1]
        for row in range(len(rows)):
            if int(rows[row, r.KIND]) == r.NOTE:
                self._latest[:, int(rows[row, r.SLOT])] = row
        self.x, self.out = (one.expand(alternatives, -1, -1).contiguous() for one in (self.x, self.out))

    # -- reading ------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def append(self, rows: Tensor) -> None:
        """Read one row of each alternative, (A, COLUMNS); PREVIOUS is set here."""
        rows = rows.clone().to(self._fields.device)
        rows[:, r.PREVIOUS] = self._latest.gather(1, rows[:, r.SLOT, None])[:, 0]
        self._read(rows[:, None])
        is_note = rows[:, r.KIND] == r.NOTE
        own = torch.arange(len(rows), device=rows.device)
        at = torch.where(is_note, self.count - 1, self._latest[own, rows[:, r.SLOT]])
        self._latest[own, rows[:, r.SLOT]] = at

    def _read(self, rows: Tensor) -> None:
        """Rows of one batch (B, N, COLUMNS), all after what was read; N is 1 but at first."""
        n, start = self.network, self.count
        batch, end = len(rows), start + rows.shape[1]
        c = rows.unbind(-1)
        first = c[r.TIME][:, :1] if not start else self._fields[:batch, start - 1 : start, r.TIME]
        gap = torch.diff(c[r.TIME], dim=1, prepend=first).clamp(0, r.GAPS)
        content = n.content(rows, gap)
        self._content[:batch, start:end] = content
        before = functional.pad(self._content[:batch, : end - 1], (0, 0, 1, 0))[:, start:end]
        previous = c[r.PREVIOUS]
        picked = self._content[:batch].gather(1, previous.clamp(min=0)[..., None].expand(-1, -1, content.shape[-1]))
        x = n.embed(content, before, picked * (previous >= 0)[..., None], c[r.STATE])
        order = torch.arange(start, end, device=rows.device).expand(batch, -1)
        turned = Rotation.of(n.angles(c[r.TIME], order, c[r.KEY], c[r.SLOT]), x.dtype)
        for layer, block in enumerate(n.row_layers):
            kept = self._keep(layer, block.attention.keys_values(block.normed(x), turned), start, end)
            x = block(x, turned, *kept)
        self.x, self.out = x[:, -1:], n.norm_out(x)
        for number, block in enumerate(n.note_layers):
            layer = len(n.blocks) + number
            self._keep(layer, block.attention.keys_values(self.out, turned), start, end)
        for keys, pointer in zip(self._pointer_keys, n.copies, strict=True):
            keys[:batch, start:end] = pointer.keys(self.out, turned)
        self.out = self.out[:, -1:]
        self._turned = turned
        self._fields[:batch, start:end] = rows
        self._gaps[:batch, start:end] = torch.where(c[r.KIND] == r.NOTE, gap.clamp(max=r.LONGEST_GAP - 1), -1)
        self.count = end

    def _keep(self, layer: int, found: tuple[Tensor, Tensor], start: int, end: int) -> tuple[Tensor, Tensor]:
        batch = len(found[0])
        for kept, new in zip((self._keys[layer], self._values[layer]), found, strict=True):
            kept[:batch, :, start:end] = new
        return self._keys[layer][:batch, :, :end], self._values[layer][:batch, :, :end]

    # -- what may follow, each (A, values) ------------------------------------------------------------------

    @property
    def newest(self) -> Tensor:
        """The row read last, (A, COLUMNS)."""
        return self._fields[:, self.count - 1]

    @torch.inference_mode()
    def gaps(self) -> Tensor:
        """Log-probabilities of the gap classes, (A, 242)."""
        logits = self.network.gap_head(self.out)[:, 0].float().log_softmax(-1)
        now = self.newest
        order = torch.full((len(now), 1), self.count - 1, device=now.device)
        angles = self.network.angles(now[:, r.TIME, None], order, now[:, r.KEY, None], now[:, r.SLOT, None])
        turned = Rotation.of(angles, self.out.dtype)
        return self._mixed(0, 0, self.out, turned, logits, self._gaps[:, : self.count])

    @torch.inference_mode()
    def slots(self, gap: Tensor, state: Tensor) -> Tensor:
        """Log-probabilities of the slots once the gap (A,) is known, for rows of a state (A,): (A, 33)."""
        now = self.newest
        at_once = (gap == 0) & (now[:, r.KIND] == r.NOTE)
        logits = self.network.slot_logits(self.out, gap[:, None], self.table.expand(len(gap), -1, -1))[:, 0]
        about = self.about.expand(len(gap), -1)
        allowed = allowed_slots(about, state[:, None], now[:, r.SLOT, None], at_once[:, None])[:, 0]
        logits = logits.masked_fill(~allowed, _NEVER)
        logits[:, r.NO_SLOT] = _NEVER
        return logits.log_softmax(-1)

    @torch.inference_mode()
    def keys(self, gap: Tensor, slot: Tensor, time: Tensor, position: Tensor, length: Tensor) -> Tensor:
        """Log-probabilities of the keys once gap and slot are known, (A,) each, and where that is: (A, 256)."""
        n, now, own = self.network, self.newest, torch.arange(len(gap), device=gap.device)
        latest = self._latest[own, slot]
        picked = self._content[own, latest.clamp(min=0)] * (latest >= 0)[:, None]
        last_key = torch.where(latest >= 0, self._fields[own, latest.clamp(min=0), r.KEY], 0)
        said = self.table.expand(len(gap), -1, -1)[own, slot]
        z = n.note_input(self.x, gap[:, None], position[:, None], length[:, None], said[:, None], picked[:, None])
        order = torch.full((len(gap), 1), self.count, device=gap.device)
        self._where = (time[:, None], order, slot[:, None])
        ahead = Rotation.of(n.angles(time[:, None], order, last_key[:, None], slot[:, None]), z.dtype)
        for number, block in enumerate(n.note_layers):
            layer = len(n.blocks) + number
            z = block(z, ahead, self._keys[layer][:, :, : self.count], self._values[layer][:, :, : self.count])
        self._z, note = z, n.norm_note(z)
        is_drum = self.is_drum.expand(len(gap), -1)[own, slot]
        ascends = (gap == 0) & (now[:, r.KIND] == r.NOTE) & (now[:, r.SLOT] == slot)
        allowed = allowed_keys(is_drum[:, None], now[:, r.KEY, None], ascends[:, None])[:, 0]
        logits = n.key_head(note)[:, 0].float().masked_fill(~allowed, _NEVER).log_softmax(-1)
        return self._mixed(1, 0, note, ahead, logits, self._fields[:, : self.count, r.KEY])

    @torch.inference_mode()
    def durations(self, key: Tensor) -> Tensor:
        """Log-probabilities of the durations once the key (A,) is known: (A, 1000)."""
        n = self.network
        time, order, slot = self._where
        self._state = n.duration_state(self._z, key[:, None])
        self._there = Rotation.of(n.angles(time, order, key[:, None], slot), self._state.dtype)
        logits = n.duration_logits(self._state)[:, 0].float().log_softmax(-1)
        return self._mixed(2, 0, self._state, self._there, logits, self._fields[:, : self.count, r.DURATION])

    @torch.inference_mode()
    def velocities(self, duration: Tensor) -> Tensor:
        """Log-probabilities of the velocity classes once the duration (A,) is known: (A, 32)."""
        logits = self.network.velocity_logits(self._state, duration[:, None])[:, 0].float().log_softmax(-1)
        return self._mixed(2, 1, self._state, self._there, logits, self._fields[:, : self.count, r.VELOCITY])

    def _mixed(self, number: int, gate: int, state: Tensor, turned: Rotation, log_p: Tensor, field: Tensor) -> Tensor:
        """A head's log-probabilities (A, values), mixed with those of copying a field (A, rows)."""
        pointer = self.network.copies[number]
        is_note = self._fields[:, : self.count, r.KIND] == r.NOTE
        weights = pointer.weights(state, turned, self._pointer_keys[number][:, : self.count], is_note).float()
        values = field.clamp(0, log_p.shape[-1] - 1)
        copied = torch.zeros_like(log_p).scatter_add_(1, values, weights * is_note)
        share = pointer.gate(state)[:, 0, gate, None].float()
        return mixed(log_p, copied, share)
