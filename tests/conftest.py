"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from symbolic_music.score import KEY, METER, TEMPO, Score, Track, note_table
from tests.browsers import headless

# A shared machine can be slow at any moment: no deadlines, and the same examples in every run.
settings.register_profile("tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

# One thread a test process: with several processes more threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium, one for all tests: a second in the same thread would be refused."""
    yield from headless()


@pytest.fixture
def two_threads() -> Iterator[None]:
    """PyTorch uses two threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def quartet() -> Score:
    """Two bars of 4/4 at 120 quarters a minute: four voices, a note a beat, then a drum part; 4 seconds."""
    rows = [
        (beat * 480, 480, pitch + step, 60 + 5 * voice, program, voice, voice)
        for beat, step in enumerate((0, 2, 4, 5, 7, 5, 4, 0))
        for voice, (pitch, program) in enumerate(((72, 73), (64, 68), (55, 60), (43, 70)))
    ]
    rows += [(beat * 480, 60, 36 if beat % 2 == 0 else 38, 100, 0, 9, 4) for beat in range(8)]
    return Score(
        notes=note_table(rows),
        tempos=np.array([(0, 500_000)], TEMPO),
        meters=np.array([(0, 4, 4)], METER),
        keys=np.array([(0, 0, 0)], KEY),
        tracks=(
            Track("Flute", 73),
            Track("Oboe", 68),
            Track("Horn", 60),
            Track("Bassoon", 70),
            Track("Drums", 0, is_drum=True),
        ),
    )
