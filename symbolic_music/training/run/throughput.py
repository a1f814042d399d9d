"""The speed of a run, and the time that it takes."""

from __future__ import annotations

import time


class Clock:
    """Speed and time of a run.

    Args:
        step, steps: where it begins and ends.
        before: seconds that it has taken already.
    """

    def __init__(self, step: int, steps: int, before: float) -> None:
        self._first, self._steps, self._before = step, steps, before
        self._started, self._tokens = time.perf_counter(), 0.0
        self.seconds, self.rate, self.left = before, 0.0, 0.0

    def tick(self, tokens: float, step: int) -> None:
        """A step of this many tokens has been made."""
        self._tokens += tokens
        passed = time.perf_counter() - self._started
        self.seconds, self.rate = self._before + passed, self._tokens / passed
        self.left = passed / (step - self._first) * (self._steps - step)
