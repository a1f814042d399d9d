"""The sampling of a model when none is asked for: its temperature, and the number of candidates."""

from __future__ import annotations

from typing import Any

from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.models import Model

_CANDIDATES = 4
# In 24 new pieces at 0.85 the velocities of a kit spread by 2.8, at 1 by 7.3 (songs 13.4), and cymbals and toms, which
# are rare, were gone.
VELOCITY_SAMPLING, NEW_DRUM_SAMPLING = Sampling(), Sampling(top_p=1.0)
_REGION_SAMPLING, _FROM_NOTHING = Sampling(temperature=0.65), Sampling(temperature=0.85)


def default_best_of(model: Model[Any]) -> int:
    """How many candidates are drawn for one result: 4 of region models without a pedal, which draw them side by side.

    On held-out songs the kept one shares a quarter more notes with the original than the first. The measures of fit
    are for music in time, and other models draw candidates at nearly the full price.
    """
    return _CANDIDATES if model.reads == "regions" and not model.tokenizer.reads_pedal else 1


def default_sampling(model: Model[Any], from_nothing: bool = False) -> Sampling:
    """The default settings of a model: temperature 0.65 for region models without a pedal, 1 for others; top-p 0.95.

    In 60 regions of validation songs a region model repeats itself at 0.65 as much as the originals do, and is nearer
    to its tracks than at 0.85: likeness of rhythm .90, not .88, of rhythm and pitches .42, not .35. From nothing it is
    0.85: Fréchet's distance to held-out pieces is 4.6, at 0.7 4.9. Free playing becomes stiff below 1: velocities
    spread .75 times as far as the prompt's, not .87. So velocities, and the keys of drums that play nowhere else, are
    drawn at 1, too; a sampling that is asked for is that of all fields.

    Args:
        model: that writes.
        from_nothing: whether there is no music around.

    Examples:
        >>> sm.generation.default_sampling(sm.load_model("song")).temperature
        0.65
    """
    plays_in_time = model.reads == "regions" and not model.tokenizer.reads_pedal
    if not plays_in_time:
        return Sampling()
    return _FROM_NOTHING if from_nothing else _REGION_SAMPLING
