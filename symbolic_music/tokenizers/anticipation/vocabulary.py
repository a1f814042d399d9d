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

# The expressive preset appends 32 velocity bins, and again as many for controls; see `expressive`.
VELOCITIES = 32
VELOCITY = SIZE
AVELOCITY = VELOCITY + VELOCITIES
EXPRESSIVE_SIZE = AVELOCITY + VELOCITIES

# First id of each field of an event (time, duration, note, and velocity where it is written), of a control, and how
# many values a field has.
EVENT_BLOCKS = (TIME, DURATION, NOTE, VELOCITY)
CONTROL_BLOCKS = (ATIME, ADURATION, ANOTE, AVELOCITY)
BLOCK_SIZES = (MAX_TIME, MAX_DURATION, MAX_NOTE, VELOCITIES)

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


@cache
def expressive_names() -> tuple[str, ...]:
    """These names, followed by Velocity_bin and ControlVelocity_bin."""
    bins = [f"Velocity_{b}" for b in range(VELOCITIES)]
    return (*token_names(), *bins, *(f"Control{name}" for name in bins))
