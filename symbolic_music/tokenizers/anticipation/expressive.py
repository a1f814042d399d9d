"""The expressive variant of the anticipatory encoding: velocity for each note, the sustain pedal in durations.

It is this library's own; everything that is not said here is as in the published encoding (`anticipation`).

Event: a quadruple (time, duration, note, velocity), and so is a control.

- Notes are those of `sustain_pedal.sustained`: each lasts as long as its key or the pedal of its track holds it,
  but no longer than to the next onset of its pitch under the pedal. Drums are not held.
- Time and duration are in steps of 10 ms, onsets and lengths each rounded half to even from exact times, lengths up
  to 9.99 s (999 steps); note = 128 x instrument + pitch, instrument 128 is drums. Ties of onset stay in file order.
- Velocity bin = velocity // 4: 32 bins, 0 to 31. A bin decodes to 4 x bin + 2, at most 2 from what it was.
- A rest is (time, 0, REST, bin 0). Rests are inserted where the gap from the event before exceeds 100 steps, and a
  control is given before the first event whose predecessor's time is at least its own less 500 steps, as published.
- Between pieces stand four SEPARATORs, a row of them. A chunk (`anticipation.chunks`) has a flag and 255 rows, 1,021
  ids.

Ids: 55,092. The first 55,028 are those of the published vocabulary, so a trained model needs 64 more rows of its
embedding, and what is left without velocities is a published sequence.

| block | ids |
|---|---|
| Time, Duration, Note, Rest | 0-9,999, 10,000-10,999, 11,000-27,511, 27,512 |
| ControlTime, ControlDuration, ControlNote | 27,513-37,512, 37,513-38,512, 38,513-55,024 |
| Separator, Autoregress, Anticipate | 55,025, 55,026, 55,027 |
| Velocity | 55,028-55,059 |
| ControlVelocity | 55,060-55,091 |

Grammar: as published, with a velocity of its kind at the end of each row, and bin 0 for a rest.

Lost on the way: velocity finer than 4; how far pedal and key each hold a note; half pedal, soft and sostenuto pedals
and all other controllers and bends; tempo and meter; channels and track names; times finer than 10 ms; what a note
lasts beyond 9.99 s.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.score import Score
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.events import Events, fill_events
from symbolic_music.tokenizers.sustain_pedal import SUSTAIN, sustained

FIELDS = 4
_BIN = 128 // v.VELOCITIES


def expressive_events(score: Score) -> Events:
    """The notes of a score as rows (time, duration, note, velocity bin), int32, shape (n, 4), sorted by time.

    Raises:
        RegionError: when a note starts 2^31 steps (eight months) or more from the beginning.
    """
    notes = sustained(score)
    table = np.empty((len(notes), FIELDS), np.int32)
    fill_events(table, score, notes)
    table[:, 3] = notes["velocity"] // _BIN
    return table


def folded(score: Score) -> Score:
    """The score with its sustain pedal in the lengths of its notes: it encodes to the same ids.

    For many windows of one score: `score.replace(notes=score.notes[a:b])` of it need not look at the pedal again, and
    keeps what the notes outside the window do to those in it.
    """
    return score.replace(notes=sustained(score), controls=score.controls[score.controls["number"] != SUSTAIN])


def velocities_of(bins: ArrayLike) -> NDArray[np.int64]:
    """The velocities that bins decode to: 2, 6, ... 126."""
    return np.asarray(_BIN * np.asarray(bins, np.int64) + _BIN // 2)
