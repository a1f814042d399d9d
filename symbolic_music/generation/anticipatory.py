"""Sample events of the anticipatory encoding while controls are given ahead of time.

The order is that of training (Thickstun et al. 2024, algorithm 1): before each new event all controls due
within delta of the event before it are shown. The window slides: when it is full, the latest events are shown
again with times of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from symbolic_music.errors import ModelError
from symbolic_music.generation.sampling import Sampling, draw
from symbolic_music.models.anticipatory import GAPS, AnticipatoryTransformer
from symbolic_music.tokenizers import anticipation_vocabulary as v
from symbolic_music.tokenizers.anticipation_events import REST_NOTE, Events, interleave, pad, to_ids

Progress = Callable[[float], None]
# A window starts on a multiple of this many steps (a quarter note at 100 a minute), as in training.
_UNIT = 60
# No part plays more than this many notes a second: it bounds what a bad model can cost.
_MOST_EVENTS_PER_SECOND = 25


@dataclass(frozen=True)
class Task:
    """What is to be written.

    Args:
        past: events before `start`, sorted.
        controls: given events at or after `start`, sorted.
        start, end: steps; onsets are drawn in [start, end).
        instruments: those that write; each sounds one note at a time.
        may_end: step from which the model may end the piece of its own will; None for never.
    """

    past: Events
    controls: Events
    start: int
    end: int
    instruments: tuple[int, ...]
    may_end: int | None = None


@torch.inference_mode()
def sample_events(
    network: AnticipatoryTransformer,
    task: Task,
    sampling: Sampling,
    generator: torch.Generator,
    progress: Progress | None = None,
) -> Events:
    """Events written in the region of the task, sorted; times in the task's steps."""
    writer = _Writer(network, task, sampling, generator)
    limit = int((task.end - task.start) / v.STEPS_PER_SECOND * _MOST_EVENTS_PER_SECOND * len(task.instruments)) + 100
    for _ in range(limit):
        if not writer.write_one():
            break
        if progress:
            progress((writer.now - task.start) / (task.end - task.start))
    return writer.written()


class _Writer:
    def __init__(
        self, network: AnticipatoryTransformer, task: Task, sampling: Sampling, generator: torch.Generator
    ) -> None:
        self.network, self.task, self.sampling, self.generator = network, task, sampling, generator
        self.device = next(network.parameters()).device
        self.rows: list[tuple[int, int, int]] = []  # what has been drawn, rests too
        self.free_at = dict.fromkeys(task.instruments, task.start)
        for time, duration, note in task.past.tolist():
            if note // 128 in self.free_at:
                self.free_at[note // 128] = max(self.free_at[note // 128], time + duration)
        self.past = pad(task.past[-network.config.window :] if len(task.past) else task.past, None)
        self._fill_silence()
        self.now = int(self.past[-1, 0]) if len(self.past) else task.start
        self._prime()

    def written(self) -> Events:
        """The notes drawn, without rests."""
        notes = [row for row in self.rows if row[2] != REST_NOTE]
        return np.array(notes, np.int32).reshape(-1, 3)

    def _fill_silence(self) -> None:
        """Rests from the last event of the past up to the region, so that no gap is wider than a rest."""
        if len(self.past):
            last = int(self.past[-1, 0])
            times = np.arange(last + v.DENSITY, self.task.start, v.DENSITY)[-self.network.config.window // 4 :]
            rests = np.stack([times, np.zeros_like(times), np.full_like(times, REST_NOTE)], axis=1)
            self.past = np.concatenate([self.past, rests.astype(np.int32)])

    def _prime(self) -> None:
        """Show the latest events and the controls due, with times that begin near 0."""
        window = self.network.config.window
        rows = np.concatenate([self.past, np.array(self.rows, np.int32).reshape(-1, 3)])
        rows = rows[-(window // 2) :]
        earliest = int(rows[0, 0]) if len(rows) else self.task.start
        # Times stay below 100 s with room for what is still to come.
        earliest = max(earliest, self.now - v.MAX_TIME * 6 // 10)
        self.base = earliest // _UNIT * _UNIT
        rows = rows[rows[:, 0] >= self.base]
        due = self.task.controls[:, 0] <= self.now + v.DELTA
        controls = self.task.controls[due & (self.task.controls[:, 0] >= self.base)]
        self.pending = self.task.controls[~due]
        room = window - 8 - len(rows)
        if len(controls) > room:
            # More is given than the window holds: what is nearest to the present is shown.
            controls = controls[np.sort(np.argsort(np.abs(controls[:, 0] - self.now), kind="stable")[: max(room, 0)])]
        offset = np.array([self.base, 0, 0], np.int32)
        table, is_control = interleave(rows - offset, controls - offset)
        flag = v.ANTICIPATE if len(self.task.controls) else v.AUTOREGRESS
        ids = np.append(flag, to_ids(table, is_control))
        self.cache = self.network.new_cache(1)
        self.logits = self._step(ids)
        # With nothing before it, an event is counted from the region's start.
        if not len(rows):
            self.cache.now[:] = self.now - self.base
            self.logits = self.network._time_logits(self.cache.state, self.cache.now)[0]

    def _step(self, ids: object) -> Tensor:
        tensor = torch.as_tensor(np.asarray(ids, dtype=np.int64), device=self.device)[None]
        return self.network.step(tensor, self.cache)[0]

    def _show_controls(self) -> None:
        due = self.pending[self.pending[:, 0] <= self.now + v.DELTA]
        self.pending = self.pending[len(due) :]
        for control in due:
            if self.cache.rows.length + 3 >= self.network.config.window:
                self._prime()
                return
            row = (control - np.array([self.base, 0, 0], np.int32))[None]
            self.logits = self._step(to_ids(row, np.ones(1, bool)))

    def write_one(self) -> bool:
        """Draw one event or rest; False when the region is full or the model ended the piece."""
        self._show_controls()
        full = self.cache.rows.length + 3 >= self.network.config.window
        if full or self.now + 2 * v.DENSITY - self.base >= v.MAX_TIME:
            self._prime()
        task, free = self.task, min(self.free_at.values())
        earliest = max(self.now, task.start, free)
        if earliest >= task.end:
            return False
        rest_at = self.now + v.DENSITY
        if earliest > rest_at:
            time, must_rest = rest_at, True
        else:
            times = self._only(self.logits, v.TIME + earliest - self.base, v.TIME + self.now + GAPS - self.base)
            if task.may_end is not None and self.now >= task.may_end:
                times[v.SEPARATOR] = self.logits[v.SEPARATOR]
            drawn = draw(times, self.sampling, self.generator)
            if drawn == v.SEPARATOR:
                return False
            time, must_rest = drawn - v.TIME + self.base, False
        if time >= task.end:
            return False
        logits = self._step([v.TIME + time - self.base])
        duration = 0 if must_rest else draw(logits, self.sampling, self.generator) - v.DURATION
        logits = self._step([v.DURATION + duration])
        note = REST_NOTE if must_rest else self._draw_note(logits, time, duration, may_rest=time == rest_at)
        if note != REST_NOTE:
            # A note of no length cannot be heard; the grid's shortest is a step.
            duration = max(duration, 1)
            self.free_at[note // 128] = time + duration
        self.logits = self._step([v.NOTE + note])
        self.rows.append((time, duration, note))
        self.now = time
        return True

    def _draw_note(self, logits: Tensor, time: int, duration: int, may_rest: bool) -> int:
        masked = torch.full_like(logits, float("-inf"))
        for instrument, free in self.free_at.items():
            if free <= time:
                block = slice(v.NOTE + 128 * instrument, v.NOTE + 128 * (instrument + 1))
                masked[block] = logits[block]
        if may_rest and duration == 0:
            masked[v.REST] = logits[v.REST]
        return draw(masked, self.sampling, self.generator) - v.NOTE

    @staticmethod
    def _only(logits: Tensor, first: int, last: int) -> Tensor:
        masked = torch.full_like(logits, float("-inf"))
        masked[first:last] = logits[first:last]
        if not torch.isfinite(masked).any():
            raise ModelError("the model allows no time here")
        return masked
