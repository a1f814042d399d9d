"""The anticipatory encoding: triples (time, duration, note), controls given five seconds early.

Source: Thickstun et al. 2024 (arXiv 2306.08620). Lost on the way: velocity (72 on decoding), pedal and other
controllers, tempo and meter (the decoded score has 120 quarters a minute), channels, track names, anything
finer than 10 ms or longer than 9.99 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import OptionError, TokenError, UnknownNameError
from symbolic_music.score import DRUM_CHANNEL, DRUM_INSTRUMENT, TEMPO, Score, Track, note_table
from symbolic_music.tokenizers import anticipation_vocabulary as v
from symbolic_music.tokenizers.anticipation_events import Events, arrange, events_of, to_ids
from symbolic_music.tokenizers.base import Grammar, Ids, Tokenizer, Vocabulary

VELOCITY = 72
# 50 ticks a quarter at 120 quarters a minute: one tick is one step of 10 ms.
_TICKS_PER_QUARTER, _MICROSECONDS = 50, 500_000


class AnticipationTokenizer(Tokenizer):
    """Scores to and from the published 55,028 ids.

    `encode` gives the events of the whole score in absolute time, without flag and padding; the time ids of
    what lies beyond 100 s exceed their block, as in the original (a model sees windows with times of their
    own). With `control_programs` the notes of those instruments (128 for drums) become controls, and rests are
    filled in, as in the sequences that the published models are trained on.
    """

    name: ClassVar[str] = "anticipation"

    def __init__(self, preset: str = "default", control_programs: Sequence[int] = ()) -> None:
        if preset != "default":
            raise UnknownNameError(f"anticipation has no preset {preset!r}: its only one is default")
        for program in control_programs:
            if not 0 <= program <= DRUM_INSTRUMENT:
                raise OptionError(f"a control program is 0 to 127, or 128 for drums, not {program}")
        self.preset = preset
        self.control_programs = tuple(sorted(set(control_programs)))
        self.grammar = AnticipationGrammar()

    @property
    def vocabulary(self) -> Vocabulary:  # type: ignore[override]
        """The 55,028 ids by name."""
        return Vocabulary((v.token_names(),))

    def to_config(self) -> dict[str, Any]:
        """Name, preset and control programs."""
        return {"name": self.name, "preset": self.preset, "control_programs": list(self.control_programs)}

    def encode(self, score: Score) -> Ids:
        """Ids of a score, int32, shape (3 x events,)."""
        events = events_of(score)
        if not self.control_programs:
            return to_ids(events)
        return to_ids(*arrange(events, np.isin(events[:, 2] // 128, self.control_programs)))

    def decode(self, ids: ArrayLike) -> Score:
        """The notes of events and controls together; one track an instrument, velocity 72.

        A leading flag is skipped; after SEPARATORs the clock goes on from where the piece before ended.

        Raises:
            TokenError: when ids are not whole triples of one kind, or outside the vocabulary.
        """
        events, _ = tables_of(ids)
        return score_of(events)


def tables_of(ids: ArrayLike) -> tuple[Events, NDArray[np.bool_]]:
    """Events (rests left out) and which of them are controls, of a sequence of triples sorted by time.

    Time ids at or beyond 10,000 are taken as absolute times past 100 s. TokenError as in `decode`.
    """
    array = np.asarray(ids)
    if array.size == 0:
        return np.zeros((0, 3), np.int32), np.zeros(0, bool)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise TokenError(f"ids of anticipation are whole numbers of shape (n,), not {array.dtype} {array.shape}")
    array = array.astype(np.int64)
    if array[0] in (v.AUTOREGRESS, v.ANTICIPATE):
        array = array[1:]
    if len(array) % 3:
        raise TokenError(f"anticipation ids come in threes; {len(array)} are not whole triples")
    triples = array.reshape(-1, 3)
    is_separator = (triples == v.SEPARATOR).all(axis=1)
    is_control = (triples[:, 2] >= v.ANOTE) & (triples[:, 2] < v.SEPARATOR)
    table = triples - np.array([v.TIME, v.DURATION, v.NOTE]) - np.where(is_control, v.CONTROL, 0)[:, None]
    # MIDI cannot hold times past 2^31 ticks.
    good = (table >= 0).all(axis=1) & (table[:, 0] < 2**31) & (table[:, 1] < v.MAX_DURATION)
    good &= (table[:, 2] < v.MAX_NOTE) | (triples[:, 2] == v.REST)
    if not (good | is_separator).all():
        at = int(np.argmin(good | is_separator))
        raise TokenError(f"triple {at} {tuple(int(x) for x in triples[at])} is neither an event nor a control")
    # Each piece after a separator has a clock of its own: let it begin where the one before ended.
    ends = np.where(is_separator, 0, table[:, 0])
    piece = np.cumsum(is_separator)
    lengths = np.zeros(piece[-1] + 1, np.int64)
    np.maximum.at(lengths, piece, ends)
    table[:, 0] += (np.cumsum(lengths) - lengths)[piece]
    keep = ~is_separator & (triples[:, 2] != v.REST)
    table, is_control = table[keep], is_control[keep]
    order = np.argsort(table[:, 0], kind="stable")
    return table[order].astype(np.int32), is_control[order]


def score_of(events: Events) -> Score:
    """A score of these events: a track for each instrument in order of number, 120 quarters a minute."""
    instrument = events[:, 2] // 128
    instruments, track = np.unique(instrument, return_inverse=True)
    # Non-drum channels in turn; with more than 15 instruments some share one.
    channels = np.array([c for c in range(16) if c != DRUM_CHANNEL])[np.arange(len(instruments)) % 15]
    channel = np.where(instruments == DRUM_INSTRUMENT, DRUM_CHANNEL, channels)
    return Score(
        ticks_per_quarter=_TICKS_PER_QUARTER,
        tempos=np.array([(0, _MICROSECONDS)], TEMPO),
        notes=note_table(
            onset=events[:, 0],
            duration=events[:, 1],
            pitch=events[:, 2] % 128,
            velocity=np.full(len(events), VELOCITY),
            program=np.where(instrument == DRUM_INSTRUMENT, 0, instrument),
            channel=channel[track],
            track=track,
        ),
        tracks=tuple(
            Track(program=0 if i == DRUM_INSTRUMENT else int(i), is_drum=bool(i == DRUM_INSTRUMENT))
            for i in instruments
        ),
    )


@dataclass(frozen=True)
class _State:
    slot: int = -1  # -1 before a flag, 0 time, 1 duration, 2 note, 3 and 4 the rest of a separator
    control: bool = False
    duration: int = 0
    event_time: int = 0
    control_time: int = 0


class AnticipationGrammar(Grammar):
    """A flag or none, then triples: event times never fall, control times never fall, a rest has duration 0.

    Three SEPARATORs stand between pieces and set both clocks back to 0.
    """

    def start(self) -> _State:
        """Before a flag or the first triple."""
        return _State()

    def allowed(self, state: _State) -> NDArray[np.bool_]:
        """Mask of the ids that may follow, shape (55028,)."""
        mask = np.zeros(v.SIZE, bool)
        if state.slot <= 0:
            mask[v.TIME + state.event_time : v.DURATION] = True
            mask[v.ATIME + state.control_time : v.ADURATION] = True
            mask[v.SEPARATOR] = True
            mask[v.AUTOREGRESS :] = state.slot < 0
        elif state.slot == 1:
            base = v.ADURATION if state.control else v.DURATION
            mask[base : base + v.MAX_DURATION] = True
        elif state.slot == 2:
            base = v.ANOTE if state.control else v.NOTE
            mask[base : base + v.MAX_NOTE] = True
            mask[v.REST] = not state.control and state.duration == 0
        else:
            mask[v.SEPARATOR] = True
        return mask

    def advance(self, state: _State, token: int) -> _State:
        """The state after one more id."""
        token = int(token)
        if not 0 <= token < v.SIZE or not self.allowed(state)[token]:
            raise TokenError(f"id {token} may not stand here")
        if state.slot <= 0:
            if token >= v.AUTOREGRESS:
                return _State(slot=0)
            if token == v.SEPARATOR:
                return _State(slot=3)
            if token >= v.CONTROL:
                return _State(1, True, 0, state.event_time, token - v.ATIME)
            return _State(1, False, 0, token - v.TIME, state.control_time)
        if state.slot == 1:
            duration = token - (v.ADURATION if state.control else v.DURATION)
            return _State(2, state.control, duration, state.event_time, state.control_time)
        if state.slot == 2:
            return _State(0, False, 0, state.event_time, state.control_time)
        return _State(4) if state.slot == 3 else _State(0)

    def violation(self, ids: ArrayLike) -> int | None:
        """Position of the first id out of place, or None. Times past 100 s are absolute times, and obey."""
        array = np.asarray(ids, dtype=np.int64)
        offset = int(len(array) > 0 and array[0] in (v.AUTOREGRESS, v.ANTICIPATE))
        body = array[offset:]
        whole = body[: len(body) // 3 * 3].reshape(-1, 3)
        separator = (whole == v.SEPARATOR).all(axis=1)
        control = (whole[:, 2] >= v.ANOTE) & (whole[:, 2] < v.SEPARATOR)
        table = whole - np.where(control, v.CONTROL, 0)[:, None] - np.array([v.TIME, v.DURATION, v.NOTE])
        rest = whole[:, 2] == v.REST
        good = (table[:, 0] >= 0) & (table[:, 0] < v.MAX_TIME * 1000)
        good_duration = (table[:, 1] >= 0) & (table[:, 1] < v.MAX_DURATION)
        good_note = ((table[:, 2] >= 0) & (table[:, 2] < v.MAX_NOTE)) | (rest & (table[:, 1] == 0))
        piece = np.cumsum(separator)
        for mask in (control, ~control & ~separator):
            rows = np.flatnonzero(mask)
            falls = (np.diff(table[rows, 0]) < 0) & (np.diff(piece[rows]) == 0)
            good[rows[1:][falls]] = False
        wrong = ~(np.stack([good, good_duration, good_note], axis=1) | separator[:, None])
        if not wrong.any():
            # An unfinished triple at the end is looked at id by id.
            tail = body[len(whole) * 3 :]
            return None if len(tail) == 0 else self._slow_violation(array, tail, offset + 3 * len(whole))
        return offset + int(np.argmax(wrong.ravel()))

    def _slow_violation(self, array: NDArray[np.int64], tail: NDArray[np.int64], at: int) -> int | None:
        times = array[at - 3 * ((at) // 3) : at : 3]
        events = times[times < v.CONTROL]
        state = _State(slot=0, event_time=min(int(events[-1]) if len(events) else 0, v.MAX_TIME - 1))
        for position, token in enumerate(tail):
            try:
                state = self.advance(state, int(token))
            except TokenError:
                return at + position
        return None
