from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music import tokenizers
from symbolic_music.errors import OptionError
from symbolic_music.tokenizers.anticipation.chunks import Piece, augmentations, packed
from symbolic_music.tokenizers.anticipation.events import REST_NOTE, arrange
from symbolic_music.tokenizers.anticipation.vocabulary import ANTICIPATE, AUTOREGRESS, CONTROL, SEPARATOR

GRAMMAR = tokenizers.get("anticipation").grammar


def steady(count, step=20, start=0, note=60):
    """A piece of notes at equal distances."""
    rows = [(start + step * i, 10, note) for i in range(count)]
    return np.array(rows, np.int32).reshape(-1, 3)


def plain(events):
    return Piece(events, np.zeros(len(events), bool), False)


def chunks(*pieces):
    return list(packed(pieces))


# -- the published rules, an id at a time ----------------------------------------------------------------------


def literal_chunks(pieces):
    """Flat lists of ids, cut and moved by the rules one by one."""
    stream, flags = [], []
    for events, is_control, augmented in pieces:
        table, controls = arrange(events, is_control)
        stream += [SEPARATOR] * 3
        for (time, duration, note), control in zip(table.tolist(), controls.tolist(), strict=True):
            shift = CONTROL if control else 0
            stream += [time + shift, 10_000 + duration + shift, 11_000 + note + shift]
        flags += [augmented] * (len(stream) // 3 - len(flags))
    out = []
    for start in range(0, len(stream) - 1022, 1023):
        chunk = stream[start : start + 1023]
        earliest, times, seen = None, [], False
        for time, _, note in zip(chunk[::3], chunk[1::3], chunk[2::3], strict=True):
            time -= CONTROL if note >= CONTROL else 0
            seen |= note == SEPARATOR
            times.append((time, seen, note))
            if not seen:
                earliest = time if earliest is None else min(earliest, time)
        late = False
        for row, (time, after, note) in enumerate(times):
            if note == SEPARATOR:
                continue
            moved = time if after else time - earliest
            late |= moved >= 10_000
            chunk[3 * row] += moved - time
        if not late:
            out.append([ANTICIPATE if flags[start // 3] else AUTOREGRESS, *chunk])
    return out


def random_piece(rng):
    count = int(rng.integers(0, 700))
    gaps = rng.choice([0, 3, 30, 250], count, p=[0.3, 0.4, 0.28, 0.02])
    notes = rng.choice([60, 128 * 33 + 40, 128 * 128 + 36], count)
    events = np.stack([np.cumsum(gaps), rng.integers(0, 1000, count), notes], axis=1).astype(np.int32)
    return next(piece for k, piece in enumerate(augmentations(events, 10, rng)) if k == rng.integers(0, 10) or k == 9)


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_chunks_are_those_of_the_rules(seed):
    rng = np.random.default_rng(seed)
    pieces = [random_piece(rng) for _ in range(5)]
    found = chunks(*pieces)
    assert [chunk.tolist() for chunk in found] == literal_chunks(pieces)
    assert all(chunk.dtype == np.int32 and chunk.shape == (1024,) for chunk in found)
    assert all(GRAMMAR.violation(chunk) is None for chunk in found)


# -- tiny cases ------------------------------------------------------------------------------------------------


def test_the_first_chunk_begins_with_a_flag_and_a_separator():
    (chunk,) = chunks(plain(steady(340)))
    assert chunk[:7].tolist() == [AUTOREGRESS, SEPARATOR, SEPARATOR, SEPARATOR, 0, 10_010, 11_060]
    assert chunk[-3:].tolist() == [339 * 20, 10_010, 11_060]
    assert chunks(plain(steady(339))) == []


def test_times_count_from_the_earliest_up_to_the_first_separator():
    first, second = chunks(plain(steady(400, step=20, start=7)), plain(steady(400, step=10, start=5)))
    # The first begins with a separator: its piece keeps its clock.
    assert first[4] == 7
    # Of the first piece 60 notes are left, from time 7 + 340 * 20 on; then the second by its own clock.
    assert second[[1, 4]].tolist() == [0, 20]
    assert second[[181, 184, 187]].tolist() == [SEPARATOR, 5, 15]


def test_controls_count_among_the_earliest():
    events = steady(682)
    is_control = np.zeros(682, bool)
    is_control[341:] = True
    # 340 notes and their separator fill the first chunk; then one event, and controls and rests in turn.
    (_, second) = chunks(Piece(events, is_control, True))[:2]
    rows = second[1:].reshape(-1, 3)
    controls = rows[:, 2] >= CONTROL
    assert min((rows[:, 0] - CONTROL * controls).tolist()) == 0
    assert controls.any()


def test_chunks_past_a_hundred_seconds_are_left_out():
    # 341 notes 30 steps apart last 102 s: no chunk of them fits; those 29 steps apart do.
    assert chunks(plain(steady(1022, step=30))) == []
    assert len(chunks(plain(steady(1022, step=29)))) == 3
    # After a separator times are those of the piece, not of the chunk.
    late = chunks(plain(steady(340)), plain(steady(341, start=9_990, step=5)))
    assert len(late) == 1


def test_the_flag_is_that_of_the_piece_that_a_chunk_begins_in():
    augmented = Piece(steady(400), np.zeros(400, bool), True)
    flags = [chunk[0] for chunk in chunks(augmented, plain(steady(400)), augmented, plain(steady(300)))]
    # 401 rows each: chunks begin at rows 0, 341 (both in the first), 682 (second) and 1023 (third).
    assert flags == [ANTICIPATE, ANTICIPATE, AUTOREGRESS, ANTICIPATE]
    # A piece that fills a chunk to its end leaves the next to the next.
    assert [c[0] for c in chunks(augmented._replace(events=steady(340), is_control=np.zeros(340, bool)),
                                 plain(steady(340)))] == [ANTICIPATE, AUTOREGRESS]  # fmt: skip


def test_the_flag_after_a_chunk_left_out_is_its_own():
    late = Piece(steady(681, step=30), np.zeros(681, bool), True)
    assert [chunk[0] for chunk in chunks(late, plain(steady(340)))] == [AUTOREGRESS]


def test_silence_within_a_piece_is_rests():
    events = np.concatenate([steady(1), steady(400, start=1000)])
    (chunk,) = chunks(plain(events))
    assert (chunk[3::3][1:11] == 11_000 + REST_NOTE).tolist() == [False, *[True] * 9]


def test_quadruples_are_packed_too():
    events = np.append(steady(600), np.full((600, 1), 20, np.int32), axis=1)
    found = list(packed([Piece(events, np.arange(600) % 3 == 0, True)]))
    assert [chunk.shape for chunk in found] == [(1021,), (1021,)]
    assert found[0][:5].tolist() == [ANTICIPATE, *[SEPARATOR] * 4]
    assert set(found[0][8::4].tolist()) == {55_048, 55_080}
    # 100 ids of context hold a flag and 33 triples.
    assert {len(chunk) for chunk in packed([plain(steady(600))], context=101)} == {100}


def test_pieces_are_taken_when_they_are_needed():
    taken = []

    def pieces():
        for k in range(10):
            taken.append(k)
            yield plain(steady(340))

    stream = packed(pieces())
    next(stream)
    assert taken == [0]
    next(stream)
    assert taken == [0, 1]


# -- how often a piece ------------------------------------------------------------------------------------------


def test_ten_augmentations_of_a_piece():
    events = steady(2000)
    events[::2, 2] += 128
    pieces = list(augmentations(events, 20, np.random.default_rng(0)))
    assert [piece.augmented for piece in pieces] == [k % 10 != 0 for k in range(20)]
    assert [piece.is_control.any() for piece in pieces] == [k % 10 != 0 for k in range(20)]
    by_instrument = [piece.is_control for piece in pieces if len(set(piece.is_control[::2].tolist())) == 1]
    assert len(by_instrument) >= 2 + 8
    # With one instrument the last four are as the first, but for the flag.
    alone = list(augmentations(steady(2000), 10, np.random.default_rng(0)))
    assert [piece.augmented for piece in alone[6:]] == [True] * 4
    assert not any(piece.is_control.any() for piece in alone[6:])


def test_a_factor_is_one_or_of_ten():
    assert [piece.augmented for piece in augmentations(steady(3), 1, np.random.default_rng(0))] == [False]
    for factor in (0, 5, -10):
        with pytest.raises(OptionError, match="multiple of 10"):
            list(augmentations(steady(3), factor, np.random.default_rng(0)))
