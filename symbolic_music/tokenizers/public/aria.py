"""The ids of Aria: notes with absolute onsets in segments of five seconds, 10 ms apart.

A piece is what it is played on (Instrument_piano), Start, its notes, End. A note is (instrument, pitch, velocity), its
onset in the segment, its duration, which includes the pedal; a drum has no duration. Segment begins the next five
seconds. The silence before the first note is left out.

Source: Bradshaw et al. 2025 (arXiv 2506.23869); github.com/EleutherAI/aria-utils.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import override

from symbolic_music.errors import RegionError, TokenError, UnknownNameError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.midi.published_readers import as_symusic_reads
from symbolic_music.score import CONTROL, TEMPO, Score, Track, note_table
from symbolic_music.tokenizers.base import NOTES_AND_TIME, Grammar, Ids, Tokenizer, Vocabulary, whole_ids
from symbolic_music.tokenizers.public import aria_vocabulary as v

_PRESETS = ("default", "demo")
_SUSTAIN, _DOWN = 64, 64
_MOST_SEGMENTS = 100_000
_DRUM_VELOCITY = 60
_Event = tuple[int, int, tuple[int, ...]]


class AriaTokenizer(Tokenizer):
    """See the module's docstring.

    Args:
        preset: default, or demo, whose two further ids press and release the pedal, of piano alone.

    Raises:
        UnknownNameError: for an unknown preset.
    """

    name = "aria"
    presets: ClassVar[tuple[str, ...]] = _PRESETS
    tables = (*NOTES_AND_TIME, "controls")
    keeps_unended = False

    def __init__(self, preset: str = "default") -> None:
        if preset not in _PRESETS:
            raise UnknownNameError(f"aria has no preset {preset!r}: choose from {', '.join(_PRESETS)}")
        self.preset = preset
        self.with_pedal = preset == "demo"
        self.vocabulary = Vocabulary((v.names(self.with_pedal),))
        self.grammar = AriaGrammar(self.with_pedal)

    def to_config(self) -> dict[str, Any]:
        """Name and preset."""
        return {"name": self.name, "preset": self.preset}

    def encode(self, score: Score) -> Ids:
        """Ids (n,) of a score; tracks of programs that Aria does not have are omitted, by demo all but piano's.

        The original shuffles the prefix; here instruments are in the order of the vocabulary. It also puts
        Diminish near the end of the pieces that it trains on, which is left out here.

        Raises:
            RegionError: when the score lasts more than 100,000 segments.
        """
        score = as_symusic_reads(score).without_hanging()
        events, instruments = self._events(score)
        ids = [v.PREFIX + place for place in sorted(instruments)] + [v.START]
        tempos = score.tempos if len(score.tempos) else np.array([(0, 500_000)], TEMPO)
        clock = v.Clock(tempos["time"].tolist(), tempos["microseconds"].tolist(), score.ticks_per_quarter)
        segment = 0
        for tick, end, head in events:
            now = clock.milliseconds(events[0][0], tick)
            if now // v.SEGMENT - segment > _MOST_SEGMENTS:
                raise RegionError("the score lasts longer than Aria's ids reach; clip it first")
            ids += [v.NEXT_SEGMENT] * (now // v.SEGMENT - segment)
            segment = now // v.SEGMENT
            ids += [*head, v.ONSET + v.onset_step(now % v.SEGMENT)]
            if v.NOTE <= head[0] < v.DRUM:
                ids.append(v.DURATION + v.duration_step(clock.milliseconds(tick, end)))
        return np.array([*ids, v.END], np.int32)

    def _events(self, score: Score) -> tuple[list[_Event], set[int]]:
        """(tick, end, first id) of notes, drums and pedals in order, and the places of the instruments' prefixes."""
        events: list[tuple[int, int, int, _Event]] = []
        instruments: set[int] = set()
        order = np.lexsort((score.notes["track"], score.notes["onset"]))
        final = _last_end(score, order)
        for number, track in enumerate(score.tracks):
            own = score.notes[score.notes["track"] == number]
            instrument = "drum" if track.is_drum else v.instrument_of(track.program)
            if instrument is None or not len(own) or (self.with_pedal and instrument != "piano"):
                continue
            instruments.add([*v.INSTRUMENTS, "drum"].index(instrument))
            pedal = score.controls[(score.controls["track"] == number) & (score.controls["number"] == _SUSTAIN)]
            held = _intervals(pedal["time"].tolist(), pedal["value"].tolist(), final)
            for onset, lasts, pitch, velocity in own[["onset", "duration", "pitch", "velocity"]].tolist():
                end = onset + lasts
                if track.is_drum:
                    known = v.DRUM + pitch - v.DRUMS[0] if pitch in v.DRUMS else v.UNKNOWN
                    event = (onset, end, (known,))
                else:
                    sounds_until = next((b for a, b in held if a < end < b), end)
                    event = (onset, sounds_until, (v.note_id(instrument, pitch, velocity),))
                # As notes are found in a file: by where they end.
                events.append((onset, number, end, event))
            if self.with_pedal:
                for time, value in zip(pedal["time"].tolist(), pedal["value"].tolist(), strict=True):
                    token = v.PEDAL_ON if value >= _DOWN else v.PEDAL_OFF
                    events.append((time, len(score.tracks), time, (time, time, (token,))))
        return [event for *_, event in sorted(events, key=lambda one: one[:3])], instruments

    def decode(self, ids: ArrayLike) -> Score:
        """The score that ids stand for, 500 ticks a quarter of half a second; a track for each instrument named.

        Notes of instruments that the prefix does not name are left out, as in the original.
        """
        tokens = self.check(ids).tolist()
        tracks: list[Track] = []
        place: dict[str, int] = {}
        rows: list[tuple[int, ...]] = []
        pedals: list[tuple[int, int, int, int]] = []
        segment = 0
        for at, token in enumerate(tokens):
            following = tokens[at + 1 : at + 3]
            onset = segment + (following[0] - v.ONSET) * v.STEP if following else 0
            has_onset = bool(following) and v.ONSET <= following[0] < v.SIZE
            if v.PREFIX <= token <= v.PREFIX + len(v.INSTRUMENTS):
                name = [*v.INSTRUMENTS, "drum"][token - v.PREFIX]
                if name not in place and not rows:
                    place[name] = len(tracks)
                    tracks.append(Track("", v.PROGRAMS.get(name, 0), name == "drum"))
            elif token == v.NEXT_SEGMENT:
                segment += v.SEGMENT
            elif v.NOTE <= token < v.DRUM and has_onset and len(following) > 1 and v.DURATION <= following[1] < v.ONSET:
                name, pitch, velocity = v.note_of(token)
                if name in place:
                    lasts = (following[1] - v.DURATION) * v.STEP
                    rows.append((onset, lasts, pitch, velocity, v.PROGRAMS[name], 0, place[name]))
            elif v.DRUM <= token < v.DURATION and has_onset and "drum" in place:
                pitch = v.DRUMS[token - v.DRUM]
                rows.append((onset, v.STEP, pitch, _DRUM_VELOCITY, 0, DRUM_CHANNEL, place["drum"]))
            elif token in (v.PEDAL_ON, v.PEDAL_OFF) and has_onset and "piano" in place:
                pedals.append((onset, _SUSTAIN, 127 * (token == v.PEDAL_ON), place["piano"]))
        table = note_table(rows)
        return Score(
            ticks_per_quarter=500,
            notes=table[np.lexsort((table["track"], table["onset"]))],
            tempos=np.array([(0, 500_000)], TEMPO),
            controls=np.array(pedals, CONTROL),
            tracks=tuple(tracks),
        )


def _last_end(score: Score, order: NDArray[np.int64]) -> int:
    """The end of the last note to begin, where a pedal that is never released ends."""
    return int(score.notes["onset"][order[-1]]) + int(score.notes["duration"][order[-1]]) if len(order) else 0


def _intervals(times: list[int], values: list[int], final: int) -> list[tuple[int, int]]:
    """When the pedal is down."""
    found, down = [], None
    for time, value in zip(times, values, strict=True):
        if value >= _DOWN and down is None:
            down = time
        elif value < _DOWN and down is not None:
            found.append((down, time))
            down = None
    return found if down is None else [*found, (down, final)]


class AriaState(NamedTuple):
    """The state of the grammar: kind of the last id (prefix, event, onset, duration), named instruments, last onset."""

    last: str = "prefix"
    instruments: frozenset[int] = frozenset()
    step: int = 0
    needs_duration: bool = False


class AriaGrammar(Grammar):
    """A prefix, Start, then notes in order, of the instruments that the prefix names, up to End."""

    def __init__(self, with_pedal: bool) -> None:
        self._size, self._with_pedal = v.SIZE + 2 * with_pedal, with_pedal
        self._mask = lru_cache(maxsize=2048)(self._masked)

    def violation(self, ids: ArrayLike) -> int | None:
        """Position of the first id out of place, or None. TokenError unless they are whole numbers in a row."""
        return super().violation(whole_ids(ids))

    def start(self) -> AriaState:
        """The state before the first id."""
        return AriaState()

    @override
    def allowed(self, state: AriaState) -> NDArray[np.bool_]:
        # Only before an onset does it matter where the last was.
        return self._mask(*state[:2], state.step if state.last == "onset" else 0)

    @override
    def advance(self, state: AriaState, token: int) -> AriaState:
        if not 0 <= token < self._size or not self.allowed(state)[token]:
            raise TokenError(f"id {token} may not follow here")
        if state.last == "prefix" and token != v.START:
            named = {token - v.PREFIX} if token <= v.PREFIX + len(v.INSTRUMENTS) else set()
            return state._replace(instruments=state.instruments | named)
        if token == v.END:
            return state._replace(last="end")
        if token in (v.START, v.NEXT_SEGMENT):
            return state._replace(last="event", step=0)
        if v.ONSET <= token < v.SIZE:
            following = "duration" if state.needs_duration else "event"
            return state._replace(last=following, step=token - v.ONSET)
        if v.DURATION <= token < v.ONSET:
            return state._replace(last="event")
        return state._replace(last="onset", needs_duration=v.NOTE <= token < v.DRUM)

    def _masked(self, last: str, instruments: frozenset[int], step: int) -> NDArray[np.bool_]:
        mask = np.zeros(self._size, bool)
        if last == "prefix":
            mask[[v.START, *range(v.PREFIX, v.NOTE)]] = True
            for named in instruments:
                mask[v.PREFIX + named] = False
        elif last == "onset":
            mask[v.ONSET + step : v.SIZE] = True
        elif last == "duration":
            mask[v.DURATION + 1 : v.ONSET] = True
        elif last == "event":
            mask[[v.END, v.NEXT_SEGMENT]] = True
            width = (v.DRUM - v.NOTE) // len(v.INSTRUMENTS)
            for named in instruments:
                if named < len(v.INSTRUMENTS):
                    mask[v.NOTE + named * width : v.NOTE + (named + 1) * width] = True
                else:
                    mask[v.DRUM : v.DURATION] = mask[v.UNKNOWN] = True
            if self._with_pedal:
                mask[v.SIZE :] = True
        mask.flags.writeable = False
        return mask
