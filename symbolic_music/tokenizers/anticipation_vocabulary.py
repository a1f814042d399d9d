"""The 55,028 ids of the Anticipatory Music Transformer (Thickstun et al. 2024, arXiv 2306.08620, appendix A)."""

from __future__ import annotations

from functools import cache

STEPS_PER_SECOND = 100
MAX_TIME = 10_000
MAX_DURATION = 1_000
INSTRUMENTS = 129
MAX_NOTE = 128 * INSTRUMENTS

TIME = 0
DURATION = TIME + MAX_TIME
NOTE = DURATION + MAX_DURATION
REST = NOTE + MAX_NOTE
CONTROL = REST + 1  # a control is an event with this added to each of its three ids
ATIME, ADURATION, ANOTE = CONTROL + TIME, CONTROL + DURATION, CONTROL + NOTE
SEPARATOR = CONTROL + REST
AUTOREGRESS = SEPARATOR + 1
ANTICIPATE = SEPARATOR + 2
SIZE = SEPARATOR + 3

# Steps: controls are given this long before their time; gaps longer than DENSITY are filled with RESTs.
DELTA = 5 * STEPS_PER_SECOND
DENSITY = STEPS_PER_SECOND


@cache
def token_names() -> tuple[str, ...]:
    """Name of each id, in the form Type_value; notes read Note_instrument.pitch."""
    times = [f"Time_{t}" for t in range(MAX_TIME)]
    durations = [f"Duration_{d}" for d in range(MAX_DURATION)]
    notes = [f"Note_{n // 128}.{n % 128}" for n in range(MAX_NOTE)]
    events = [*times, *durations, *notes]
    controls = [f"Control{name}" for name in events]
    return (*events, "Rest_None", *controls, "Separator_None", "Autoregress_None", "Anticipate_None")
