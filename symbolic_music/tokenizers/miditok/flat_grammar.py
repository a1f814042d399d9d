"""The grammar of MidiTok's flat encodings: its graph of token types, as an automaton.

What is promised: types follow each other as MidiTok's `tokens_types_graph` says (PerTok has none there; its rules are
here), a note is written to its end before anything else, BOS comes first if at all, EOS after something whole, then
PAD only, MASK never; tokens that a user added to the special ones come first. What is not: rules on values. Positions
may fall within a bar, a NoteOff may find no note, intervals may leave the range of pitches; MidiTok's decoder passes
over these.

An id of a trained vocabulary stands for several tokens: it may come where all of them may, one after another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import TokenError
from symbolic_music.tokenizers.base import Grammar, whole_ids

_START, _BOS, _EOS, _PAD = "START", "BOS", "EOS", "PAD"
# What completes the token before it, and never begins anything.
_INSIDE = frozenset({"Velocity", "Duration", "MicroTiming", "Pattern"})
_NEVER_FIRST = _INSIDE | {"NoteOff", "DrumOff", "PedalOff"}
_TIMED = "+MicroTiming"  # PerTok writes it after several types, and what follows it depends on them
_ADDED = "ADDED"  # special tokens of the user
_TRACK_START, _TRACK_END = "Track_Start", "Track_End"  # MMM's


class TypeGrammar(Grammar):
    """The automaton. A state is a number: the type of the last token, and what it was before a MicroTiming.

    Args:
        tokenizer: MidiTok's, of one vocabulary.
        expansions: for each id the base ids that it stands for; None when ids are base ids.
    """

    def __init__(self, tokenizer: Any, expansions: Sequence[Sequence[int]] | None = None) -> None:
        types = [_type(name, tokenizer) for name in sorted(tokenizer.vocab, key=tokenizer.vocab.__getitem__)]
        kinds = list(dict.fromkeys(types))
        table, whole = _table(tokenizer, kinds)
        of_token = np.array([kinds.index(kind) for kind in types])
        step = table[:, of_token] if expansions is None else _compiled(table, whole, of_token, expansions)
        step.flags.writeable = False
        self._step = step
        self._masks = step >= 0
        self._masks.flags.writeable = False

    def start(self) -> int:
        """Before the first id."""
        return 0

    def allowed(self, state: int) -> NDArray[np.bool_]:
        """Mask of the ids that may follow, shape (vocabulary,), read-only."""
        return np.asarray(self._masks[state])

    def advance(self, state: int, token: int) -> int:
        """The state after one more id. TokenError when it may not follow here."""
        token = int(token)
        after = int(self._step[state, token]) if 0 <= token < self._step.shape[1] else -1
        if after < 0:
            raise TokenError(f"id {token} may not follow here")
        return after

    def violation(self, ids: ArrayLike) -> int | None:
        """Position of the first id out of place, or None."""
        state, size = 0, self._step.shape[1]
        for position, token in enumerate(whole_ids(ids).tolist()):
            if not 0 <= token < size:
                return position
            state = self._step[state, token]
            if state < 0:
                return position
        return None


def _type(name: str, tokenizer: Any) -> str:
    if name in (_TRACK_START, _TRACK_END):
        return name
    kind = name.partition("_")[0]
    special = name in tokenizer.special_tokens
    return kind if not special or kind in (_PAD, _BOS, _EOS, "MASK") else _ADDED


def _table(tokenizer: Any, kinds: list[str]) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """State after each type of token in each state, -1 where it may not come; shape (states, types).

    And the states in which nothing is unfinished.
    """
    follows = _follows(tokenizer, set(kinds))
    states = [_START, _BOS, _EOS, _PAD, *(state for state in follows if state not in (_START, _BOS, _EOS, _PAD))]
    number = {state: i for i, state in enumerate(states)}
    table = np.full((len(states), len(kinds)), -1, np.int16)
    for before, after in follows.items():
        for kind in after:
            if kind not in kinds:
                continue
            state = kind
            if kind == "MicroTiming":
                state = before + _TIMED
            elif kind == _ADDED or kind.startswith("AC"):
                state = before
            table[number[before], kinds.index(kind)] = number[state]
    whole = [state not in (_EOS, _PAD) and bool({_EOS, _TRACK_END} & follows[state]) for state in states]
    return table, np.array(whole)


def _follows(tokenizer: Any, kinds: set[str]) -> dict[str, set[str]]:
    """State -> types that may come next."""
    graph = _pertok(tokenizer, kinds) if type(tokenizer).__name__ == "PerTok" else _graph(tokenizer, kinds)
    whole = {state for state, after in graph.items() if not after or after - _INSIDE}
    first = _openers(tokenizer, set(graph))
    # Attribute controls are not written by encoding; a model trained with them accepts them before a whole item.
    controls = {kind for kind in kinds if kind.startswith("AC")}
    if _TRACK_START in kinds:
        ends = {_TRACK_END}
        graph |= {_TRACK_START: first | ends | controls, _TRACK_END: {_TRACK_START, _EOS}}
        first = {_TRACK_START}
    else:
        ends = {_EOS}
        first = first | controls
    for state in whole:
        graph[state] |= ends | controls
    return {_START: {_BOS, _ADDED, _EOS, *first}, _BOS: {_ADDED, _EOS, *first}, _EOS: {_PAD}, _PAD: {_PAD}, **graph}


def _graph(tokenizer: Any, kinds: set[str]) -> dict[str, set[str]]:
    """MidiTok's graph without special tokens, and without control changes in the middle of a note.

    A pedal that is pressed and released in one tick is added: MidiTok writes it, but its graph lacks it.
    """
    special = {name.partition("_")[0] for name in tokenizer.special_tokens}
    given: Mapping[str, Iterable[str]] = tokenizer.tokens_types_graph
    graph = {
        kind: {after.partition("_")[0] for after in follow} - special
        for kind, follow in given.items()
        if kind not in special and kind in kinds
    }
    for kind, follow in graph.items():
        if kind == "ControlChange":
            follow -= _INSIDE
        elif follow - {"ControlChange"} and not follow - _INSIDE - {"ControlChange"}:
            follow.discard("ControlChange")
    if "PedalOff" in graph:
        graph["Pedal"].add("PedalOff")
    return graph


def _openers(tokenizer: Any, kinds: set[str]) -> set[str]:
    """The ids that may begin a sequence."""
    if "Bar" in kinds and type(tokenizer).__name__ != "PerTok":
        return {"Bar"} | ({"Rest", "Program"} & kinds if tokenizer.config.program_changes else {"Rest"} & kinds)
    if type(tokenizer).__name__ == "Structured":
        return {"TimeShift"}
    return {kind for kind in kinds - _NEVER_FIRST if not kind.endswith(_TIMED)}


def _pertok(tokenizer: Any, kinds: set[str]) -> dict[str, set[str]]:
    """PerTok: events of any order; a note is Pitch [MicroTiming] [Velocity] [Duration]."""
    config = tokenizer.config
    special = {name.partition("_")[0] for name in tokenizer.special_tokens}
    pitches = {"Pitch", "PitchDrum", "PitchIntervalTime", "PitchIntervalChord"} & kinds
    any_event = {kind for kind in kinds - _INSIDE - special - {_ADDED} if not kind.startswith("AC")}
    with_velocity, with_duration = "Velocity" in kinds, config.using_note_duration_tokens
    # Where some programs have no durations, a note may end without one.
    after_velocity = {"Duration"} if with_duration else any_event
    if with_duration and not set(config.programs) <= set(config.use_note_duration_programs):
        after_velocity = after_velocity | any_event
    graph = {kind: set(any_event) for kind in any_event}
    for pitch in pitches:
        graph[pitch] = {"Velocity"} if with_velocity else set(after_velocity)
    if config.sustain_pedal_duration:
        graph["Pedal"] = {"Duration"}
    if with_velocity:
        graph["Velocity"] = set(after_velocity)
    if "Duration" in kinds:
        graph["Duration"] = set(any_event)
    if "MicroTiming" in kinds:
        for kind in [kind for kind in graph if kind in tokenizer.microtime_events]:
            graph[kind + _TIMED], graph[kind] = graph[kind], {"MicroTiming"}
    return graph


def _compiled(
    table: NDArray[np.int16], whole: NDArray[np.bool_], of_token: NDArray[np.int64], expansions: Sequence[Sequence[int]]
) -> NDArray[np.int16]:
    """State after each id in each state; shape (states, ids). An id of no token comes where nothing is unfinished."""
    lengths = np.array([len(one) for one in expansions])
    state = np.repeat(np.arange(len(table), dtype=np.int16)[:, None], len(lengths), axis=1)
    for place in range(int(lengths.max(initial=0))):
        ids = np.flatnonzero(lengths > place).tolist()
        kinds = of_token[[expansions[i][place] for i in ids]]
        before = state[:, ids]
        state[:, ids] = np.where(before >= 0, table[before, kinds], -1)
    empty = lengths == 0
    state[:, empty] = np.where(whole[:, None], state[:, empty], -1)
    return state
