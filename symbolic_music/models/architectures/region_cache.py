"""Sample the rows of a region incrementally, with cached keys and values.

The fields of a row are requested in the order of the chain rule: gap, slot, key, duration, velocity; `append` reads the
row that was chosen. The log-probabilities are those of `RegionTransformer.losses`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from symbolic_music.models.architectures.region_transformer import RegionTransformer, allowed_keys, allowed_slots
from symbolic_music.models.modules.pointer import mixed
from symbolic_music.models.modules.rotary_axes import Rotation
from symbolic_music.tokenizers.region import rows as r

_NEVER = -1e4
# Rows for which there is memory at first, beyond those that are given.
_SPARE = 128


class RegionCache:
    """The state of a network for several alternatives.

    Alternatives may begin with rows of their own; those that are shorter stand at the end of the kept rows, after
    padding that no attention finds.

    Args:
        network: in evaluation mode.
        given: the rows that each alternative begins with, (P, COLUMNS) each, the header first.
        room: rows that may be appended to each.
    """

    @torch.inference_mode()
    def __init__(self, network: RegionTransformer, given: Sequence[Tensor], room: int) -> None:
        self.network = n = network
        device, width = n.kind.weight.device, n.config.width
        heads, layers = n.row_layers[0].attention.heads, len(n.blocks) + len(n.note_blocks)
        alternatives, longest = len(given), max(map(len, given))
        self._most = longest + room
        most = min(longest + _SPARE, self._most)
        self._is_padded = any(len(rows) < longest for rows in given)

        def empty(*shape: int) -> Tensor:
            # Padding is multiplied by nothing, which must be a number; all other rows are written before they are read.
            new = n.kind.weight.new_empty((alternatives, *shape))
            return new.zero_() if self._is_padded else new

        def nothing(*shape: int) -> Tensor:
            return torch.full((alternatives, *shape), -1, dtype=torch.long, device=device)

        self._keys, self._values = ([empty(heads, most, width // heads) for _ in range(layers)] for _ in range(2))
        self._pointer_keys = [empty(most, 64) for _ in n.copies]
        self._content, self.x, self.out = empty(most, width), empty(1, width), empty(1, width)
        self._fields, self._gaps, self._latest = nothing(r.COLUMNS, most), nothing(most), nothing(r.SLOTS + 1)
        # Rows of padding before those of each alternative.
        self._padding = torch.tensor([longest - len(rows) for rows in given], device=device)
        rows = [one.to(device) for one in given]
        headers = [n.declared(own[None]) for own in rows]
        self.table, self.about, self.is_drum = (torch.cat(parts) for parts in zip(*headers, strict=True))
        self.count = longest
        # Rows that all alternatives have in common, and are read once for all.
        self._shared = longest if all(torch.equal(one, rows[0]) for one in rows) else 0
        for number, own in enumerate(rows):
            # The same rows are read once.
            same = next(i for i in range(number + 1) if torch.equal(rows[i], own))
            if same < number:
                for kept in self._kept():
                    kept[number] = kept[same]
            else:
                self._begin(number, own)

    def _kept(self) -> list[Tensor]:
        """What is kept of each alternative while rows are read."""
        rows = [*self._keys, *self._values, *self._pointer_keys, self._content, self._fields, self._gaps]
        return [*rows, self._latest, self.x, self.out]

    @torch.inference_mode()
    def select(self, alternatives: Sequence[int]) -> None:
        """Keep some of the alternatives, in this order."""
        at = torch.tensor(alternatives, device=self._fields.device)
        self._keys, self._values, self._pointer_keys = (
            [one[at] for one in many] for many in (self._keys, self._values, self._pointer_keys)
        )
        self._content, self._fields, self._gaps = self._content[at], self._fields[at], self._gaps[at]
        self._latest, self._padding, self.x, self.out = self._latest[at], self._padding[at], self.x[at], self.out[at]
        self.table, self.about, self.is_drum = self.table[at], self.about[at], self.is_drum[at]

    # -- reading ------------------------------------------------------------------------------------------

    def _begin(self, number: int, rows: Tensor) -> None:
        """Read the rows that an alternative begins with."""
        first = self.count - len(rows)
        rows = rows.clone()
        rows[:, r.PREVIOUS] += first * (rows[:, r.PREVIOUS] >= 0)
        self._read(rows[None], slice(number, number + 1), first, first)
        for row in range(len(rows)):
            if int(rows[row, r.KIND]) == r.NOTE:
                self._latest[number, int(rows[row, r.SLOT])] = first + row

    @torch.inference_mode()
    def append(self, rows: Tensor) -> None:
        """Read one row of each alternative, (A, COLUMNS); PREVIOUS is set here."""
        if self.count == self._content.shape[1]:
            self._make_room()
        rows = rows.clone().to(self._fields.device)
        rows[:, r.PREVIOUS] = self._latest.gather(1, rows[:, r.SLOT, None])[:, 0]
        self._read(rows[:, None], slice(None), 0, self.count)
        self.count += 1
        is_note = rows[:, r.KIND] == r.NOTE
        own = torch.arange(len(rows), device=rows.device)
        at = torch.where(is_note, self.count - 1, self._latest[own, rows[:, r.SLOT]])
        self._latest[own, rows[:, r.SLOT]] = at

    def _make_room(self) -> None:
        """Memory for half as many rows again, within the room that was asked for."""
        more = min(max(_SPARE, self.count // 2), self._most - self.count)

        def wider(kept: Tensor, axis: int) -> Tensor:
            shape = list(kept.shape)
            shape[axis] += more
            new = kept.new_empty(shape)
            new.narrow(axis, 0, self.count).copy_(kept)
            return new

        self._keys, self._values, self._pointer_keys = (
            [wider(one, -2) for one in many] for many in (self._keys, self._values, self._pointer_keys)
        )
        self._content, self._fields, self._gaps = wider(self._content, 1), wider(self._fields, 2), wider(self._gaps, 1)

    def _read(self, rows: Tensor, own: slice, first: int, start: int) -> None:
        """Rows (B, N, COLUMNS) of some alternatives, kept from `start` on, after those from `first` on."""
        n, end = self.network, start + rows.shape[1]
        c = rows.unbind(-1)
        before = c[r.TIME][:, :1] if start == first else self._fields[own, r.TIME, start - 1 : start]
        gap = torch.diff(c[r.TIME], dim=1, prepend=before).clamp(0, r.GAPS)
        content = n.content(rows, gap)
        self._content[own, start:end] = content
        # What stands before the first row is empty: padding, or nothing.
        earlier = self._content[own, max(start - 1, 0) : end - 1]
        earlier = earlier if start else functional.pad(earlier, (0, 0, 1, 0))
        previous = c[r.PREVIOUS]
        picked = self._content[own].gather(1, previous.clamp(min=0)[..., None].expand(-1, -1, content.shape[-1]))
        x = n.embed(content, earlier, picked * (previous >= 0)[..., None], c[r.STATE])
        order = torch.arange(start, end, device=rows.device) - self._padding[own, None]
        turned = Rotation.of(n.angles(c[r.TIME], order, c[r.KEY], c[r.SLOT]), x.dtype)
        hidden = self._hidden(end) if start > first else None
        for layer, block in enumerate(n.row_layers):
            found = block.attention.keys_values(block.normed(x), turned)
            x = block(x, turned, *self._keep(layer, found, own, first, start), hidden, self._shared)
        out = n.norm_out(x)
        self.x[own], self.out[own] = x[:, -1:], out[:, -1:]
        for number, block in enumerate(n.note_layers):
            self._keep(len(n.blocks) + number, block.attention.keys_values(out, turned), own, first, start)
        for keys, pointer in zip(self._pointer_keys, n.copies, strict=True):
            keys[own, start:end] = pointer.keys(out, turned)
        self._fields[own, :, start:end] = rows.transpose(1, 2)
        self._gaps[own, start:end] = torch.where(c[r.KIND] == r.NOTE, gap.clamp(max=r.LONGEST_GAP - 1), -1)

    def _keep(
        self, layer: int, found: tuple[Tensor, Tensor], own: slice, first: int, start: int
    ) -> tuple[Tensor, Tensor]:
        end = start + found[0].shape[2]
        for kept, new in zip((self._keys[layer], self._values[layer]), found, strict=True):
            kept[own, :, start:end] = new
        return self._keys[layer][own, :, first:end], self._values[layer][own, :, first:end]

    def _hidden(self, count: int) -> Tensor | None:
        """Which of the first kept rows are padding, (A, count); None where none is."""
        if not self._is_padded:
            return None
        return torch.arange(count, device=self._padding.device) < self._padding[:, None]

    # -- what may follow, each (A, values) ------------------------------------------------------------------

    @property
    def newest(self) -> Tensor:
        """The row read last, (A, COLUMNS)."""
        return self._fields[:, :, self.count - 1]

    @torch.inference_mode()
    def gaps(self) -> Tensor:
        """Log-probabilities of the gap classes, (A, 242)."""
        logits = self.network.gap_head(self.out)[:, 0].float().log_softmax(-1)
        now = self.newest
        order = self.count - 1 - self._padding[:, None]
        angles = self.network.angles(now[:, r.TIME, None], order, now[:, r.KEY, None], now[:, r.SLOT, None])
        turned = Rotation.of(angles, self.out.dtype)
        return self._mixed(0, 0, self.out, turned, logits, self._gaps[:, : self.count])

    @torch.inference_mode()
    def slots(self, gap: Tensor, state: Tensor) -> Tensor:
        """Log-probabilities of the slots once the gap (A,) is known, for rows of a state (A,): (A, 33)."""
        now = self.newest
        at_once = (gap == 0) & (now[:, r.KIND] == r.NOTE)
        logits = self.network.slot_logits(self.out, gap[:, None], self.table)[:, 0]
        allowed = allowed_slots(self.about, state[:, None], now[:, r.SLOT, None], at_once[:, None])[:, 0]
        logits = logits.masked_fill(~allowed, _NEVER)
        logits[:, r.NO_SLOT] = _NEVER
        return logits.log_softmax(-1)

    @torch.inference_mode()
    def keys(self, gap: Tensor, slot: Tensor, rows: Tensor) -> Tensor:
        """Log-probabilities of the keys once gap and slot are known, (A,) each: (A, 256).

        Of the rows (A, COLUMNS) that are drawn the time, the place in the bar and the harmony are read.
        """
        time = rows[:, r.TIME]
        n, now, own = self.network, self.newest, torch.arange(len(gap), device=gap.device)
        latest = self._latest[own, slot]
        picked = self._content[own, latest.clamp(min=0)] * (latest >= 0)[:, None]
        last_key = torch.where(latest >= 0, self._fields[own, r.KEY, latest.clamp(min=0)], 0)
        said = self.table[own, slot]
        z = n.note_input(self.x, gap[:, None], rows[:, None], said[:, None], picked[:, None])
        order = self.count - self._padding[:, None]
        self._where = (time[:, None], order, slot[:, None])
        ahead = Rotation.of(n.angles(time[:, None], order, last_key[:, None], slot[:, None]), z.dtype)
        for number, block in enumerate(n.note_layers):
            layer = len(n.blocks) + number
            kept = self._keys[layer][:, :, : self.count], self._values[layer][:, :, : self.count]
            z = block(z, ahead, *kept, self._hidden(self.count), self._shared)
        self._z, note = z, n.norm_note(z)
        is_drum = self.is_drum[own, slot]
        ascends = (gap == 0) & (now[:, r.KIND] == r.NOTE) & (now[:, r.SLOT] == slot)
        allowed = allowed_keys(is_drum[:, None], now[:, r.KEY, None], ascends[:, None])[:, 0]
        logits = n.key_head(note)[:, 0].float().masked_fill(~allowed, _NEVER).log_softmax(-1)
        return self._mixed(1, 0, note, ahead, logits, self._fields[:, r.KEY, : self.count])

    @torch.inference_mode()
    def durations(self, key: Tensor) -> Tensor:
        """Log-probabilities of the durations once the key (A,) is known: (A, 1000)."""
        n = self.network
        time, order, slot = self._where
        self._state = n.duration_state(self._z, key[:, None])
        self._there = Rotation.of(n.angles(time, order, key[:, None], slot), self._state.dtype)
        logits = n.duration_logits(self._state)[:, 0].float().log_softmax(-1)
        return self._mixed(2, 0, self._state, self._there, logits, self._fields[:, r.DURATION, : self.count])

    @torch.inference_mode()
    def velocities(self, duration: Tensor) -> Tensor:
        """Log-probabilities of the velocity classes once the duration (A,) is known: (A, 32)."""
        logits = self.network.velocity_logits(self._state, duration[:, None])[:, 0].float().log_softmax(-1)
        return self._mixed(2, 1, self._state, self._there, logits, self._fields[:, r.VELOCITY, : self.count])

    def _mixed(self, number: int, gate: int, state: Tensor, turned: Rotation, log_p: Tensor, field: Tensor) -> Tensor:
        """A head's log-probabilities (A, values), mixed with those of copying a field (A, rows)."""
        pointer = self.network.copies[number]
        is_note = self._fields[:, r.KIND, : self.count] == r.NOTE
        weights = pointer.weights(state, turned, self._pointer_keys[number][:, : self.count], is_note).float()
        values = field.clamp(0, log_p.shape[-1] - 1)
        copied = torch.zeros_like(log_p).scatter_add_(1, values, weights * is_note)
        share = pointer.gate(state)[:, 0, gate, None].float()
        return mixed(log_p, copied, share)
