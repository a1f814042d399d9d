"""Edits that only delete are drawn again. A stand-in for an edit: it writes what a table says for each seed."""

import logging
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from symbolic_music import generation
from symbolic_music.errors import NothingWrittenError
from symbolic_music.generation.left_to_right import token_continuation
from symbolic_music.generation.results import EditSession, Written, WrittenNote
from symbolic_music.generation.sessions.edited_score import Draft
from symbolic_music.generation.sessions.retry_when_empty import ATTEMPTS, Redrawing
from symbolic_music.models import load_model
from symbolic_music.score import Score, Track, note_table
from tests.models.test_model import tiny

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
    with pytest.raises(NothingWrittenError, match="would only delete them; try another seed"):
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


class Nothing(EditSession):
    """A session of any verb that writes no note, in a piece of which it deletes none."""

    done = 1.0

    def __init__(self, *asked):
        self.count = asked[5]

    def stream(self):
        return iter(())

    def results(self):
        return [Written(SCORE, SCORE.notes[:0], number, float("nan"), True) for number in range(self.count)]


VERBS = {
    "infill": lambda model, **options: generation.infill(SCORE, 0, 1, model=model, **options),
    "accompany": lambda model, **options: generation.accompany(TWO, [0], model, **options),
    "add_track": lambda model, **options: generation.add_track(SCORE, 40, model=model, **options),
    "vary": lambda model, **options: generation.vary(SCORE, [generation.Region(0, 1)], model=model, **options),
    "revoice": lambda model, **options: generation.revoice(SCORE, [generation.Region(0, 1)], model=model, **options),
    "thin_out": lambda model, **options: generation.thin_out(SCORE, [generation.Region(0, 1)], model=model, **options),
    "busier": lambda model, **options: generation.make_busier(SCORE, [generation.Region(0, 1)], model=model, **options),
    "fill": lambda model, **options: generation.fill(
        LATE, [generation.Region(0, 2)], tracks=[0], model=model, **options
    ),
    "continue": lambda model, **options: generation.continue_bars(SCORE, 1, model=model, **options),
    "intro": lambda model, **options: generation.introduce(SCORE, 1, model=model, **options),
    "generate": lambda model, **options: generation.generate(None, 1.0, model, **options),
    "generate on": lambda model, **options: generation.generate(SCORE, 1.0, model, **options),
}
TWO = Score(notes=note_table([(0, 480, 60, 80, 0, 0, 0), (0, 480, 40, 80, 33, 1, 1)]), tracks=(Track(), Track("", 33)))
LATE = Score(notes=note_table([(4 * 480, 480, 60, 80, 0, 0, 0)]))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_draws_again_where_it_writes_nothing(verb, monkeypatch, caplog):
    model = load_model("multitrack", "cpu")
    for module in ("edits", "continuation"):
        monkeypatch.setattr(import_module(f"symbolic_music.generation.{module}"), "edit_session", Nothing)
    with caplog.at_level(logging.WARNING), pytest.raises(NothingWrittenError, match="in 4 attempts; try"):
        VERBS[verb](model)
    assert caplog.text.count("sampling again") == ATTEMPTS - 1
    assert VERBS[verb](model, allow_empty=True) == SCORE


def test_tokens_that_end_at_once_are_drawn_again(monkeypatch):
    """A model that can only continue has a session of its own."""
    monkeypatch.setattr(token_continuation.TokenWriting, "_drawn", lambda *_: iter(()))
    with pytest.raises(NothingWrittenError, match="in 4 attempts; try"):
        generation.generate(SCORE, 1.0, tiny("lstm"))
    assert generation.generate(SCORE, 1.0, tiny("lstm"), allow_empty=True) == SCORE
