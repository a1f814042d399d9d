"""Edits that only delete are drawn again. A stand-in for an edit: it writes what a table says for each seed."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from symbolic_music.errors import NothingWrittenError
from symbolic_music.generation.results import Written, WrittenNote
from symbolic_music.generation.sessions.draft import Draft
from symbolic_music.generation.sessions.redrawing import ATTEMPTS, Redrawing
from symbolic_music.score import Score, note_table

SCORE = Score(notes=note_table([(0, 480, 60, 80, 0, 0, 0), (480, 480, 62, 80, 0, 0, 0)]))


class Edit:
    """An edit whose alternatives write a note where `table` says so for their seed, in its order."""

    def __init__(self, writes):
        self.writes, self.done = writes, 0.0

    def stream(self):
        for number, writes in enumerate(self.writes):
            if writes:
                yield WrittenNote(number, 0, 0.0, 0.5, 64, 80)
        self.done = 1.0

    def results(self):
        notes = SCORE.notes
        return [
            Written(SCORE, notes if writes else notes[:0], number, -1.0, True, emptied=not writes)
            for number, writes in enumerate(self.writes)
        ]


def redrawing(*tables):
    asked = []

    def begin(seed, count):
        asked.append((seed, count))
        return Edit(tables[len(asked) - 1])

    return Redrawing(begin, 5, len(tables[0])), asked


def test_what_is_written_at_once_is_what_it_would_be_without():
    edit, asked = redrawing([True, True])
    assert [note.alternative for note in edit.stream()] == [0, 1]
    assert asked == [(5, 2)]
    assert [one.number for one in edit.results()] == [0, 1]


def test_only_the_alternatives_that_delete_are_drawn_again_and_it_is_said(caplog):
    edit, asked = redrawing([True, False, False], [True, False], [True])
    with caplog.at_level(logging.WARNING):
        assert [note.alternative for note in edit.stream()] == [0, 1, 2]
    assert [count for _, count in asked] == [3, 2, 1]
    assert len({seed for seed, _ in asked}) == 3
    assert [one.number for one in edit.results()] == [0, 1, 2]
    assert caplog.text.count("sampling again") == 2


def test_nothing_each_time_is_an_error_and_no_result():
    edit, asked = redrawing(*[[False]] * ATTEMPTS)
    with pytest.raises(NothingWrittenError, match="--allow-empty"):
        edit.finish()
    assert len(asked) == ATTEMPTS
    assert edit.results() == []


def test_an_interrupted_edit_keeps_what_does_not_only_delete():
    edit, _ = redrawing([True, False], [True])
    stream = edit.stream()
    next(stream)
    stream.close()
    assert [one.number for one in edit.results()] == [0]


def test_a_region_without_new_notes_counts_each_by_itself():
    spans = [(0, 480), (480, 960)]
    draft = Draft(0, SCORE.tracks)
    nothing = SCORE.notes[:0]
    for span in spans:
        draft.begin(span, nothing, [0])
        draft.end()
    assert draft.result(SCORE, SCORE.notes, nothing, spans).emptied
    assert not draft.result(SCORE, nothing, nothing, spans).emptied
    half = Draft(0, SCORE.tracks)
    half.begin(spans[0], nothing, [0])
    half._rows.append(SCORE.notes[0].item())
    half.end()
    assert not half.result(SCORE, SCORE.notes, nothing, spans).emptied  # the second has not begun
    half.begin(spans[1], nothing, [0])
    assert half.result(SCORE, SCORE.notes, nothing, spans).emptied
    assert replace(half.result(SCORE, SCORE.notes, nothing, spans), emptied=False).notes.size == np.int64(1)
