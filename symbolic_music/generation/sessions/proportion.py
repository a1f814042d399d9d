"""The proportions of a band: in which bars its new parts rest, and whether a part has as many notes as is asked of it.

Shares are of sixteen bars of 941 songs of Lakh (benchmarks/proportions.py): the more parts a song has, the fewer of
them play in a bar. Of three parts 2.8 do, of five 4.3, of eight 5.8, of twelve 7.5.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import BASSES, DRUM_INSTRUMENT, PIANOS_AND_GUITARS

# Bars of a phrase, which all phrases follow, and bars that a part rests at least: in a region of two phrases or more
# parts enter by the half phrase.
_PHRASE, _UNIT, _LONGER = 8, 2, 2
# Of the bars of songs, in how many a part begins notes: of five and six parts, of seven and eight, and of more; pianos
# and guitars, then others. Drums and basses play on.
_FEWEST_PARTS = 5
_CHORDS_PLAY, _OTHERS_PLAY = (0.84, 0.80, 0.73), (0.73, 0.63, 0.57)
_PLAY_ON = (*BASSES, DRUM_INSTRUMENT)
# A bar with more than this multiple of the mean is crowded.
_FULL = 2.0


def rests(instruments: Sequence[int], parts: int, bars: int, seed: int) -> list[NDArray[np.bool_]]:
    """In which bars each new part of a band rests.

    A part rests in the same bars of each phrase of eight, or in four bars and more of each sixteen, where most of the
    others play. Bands of fewer than five
    parts, and regions of less than a phrase, have no rests.

    Args:
        instruments: of the new parts, 0 to 127 or 128 for drums.
        parts: of the whole piece, those included.
        bars: of the region.
        seed: the same seed gives the same rests.
    """
    random, units = np.random.default_rng(seed), _PHRASE // _UNIT
    times = _LONGER if bars >= _LONGER * _PHRASE else 1
    playing, out = np.zeros(units), []
    for instrument in instruments:
        rests_in = np.zeros(units, bool)
        if parts >= _FEWEST_PARTS and bars >= _PHRASE and instrument not in _PLAY_ON:
            shares = _CHORDS_PLAY if instrument in PIANOS_AND_GUITARS else _OTHERS_PLAY
            length = int((1 - shares[min((parts - _FEWEST_PARTS) // 2, 2)]) * units + random.random())
            if length:
                thickness = np.convolve(playing, np.ones(length), "valid")
                first = int(random.choice(np.flatnonzero(thickness == thickness.max())))
                rests_in[first : first + length] = True
        playing += ~rests_in
        out.append(np.repeat(rests_in, times * _UNIT)[np.arange(bars) % (times * _PHRASE)])
    return out


def proportion(a_bar: NDArray[np.int64], asked: float) -> float:
    """How far a part has as many notes as is asked of it, and no bar that is crowded, 0 to 1.

    Args:
        a_bar: notes that begin in each bar.
        asked: notes of all bars.
    """
    total = int(a_bar.sum())
    if not total or not asked:
        return 0.0
    beyond = max(0.0, float(a_bar.max()) - _FULL * max(total, asked) / len(a_bar)) / total
    return (min(total, asked) / max(total, asked) + 1 - beyond) / 2
