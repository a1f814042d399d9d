from __future__ import annotations

import math

import pytest

from symbolic_music.evaluation import audio
from symbolic_music.evaluation.transcription_metrics import transcription
from symbolic_music.score import Score, note_table


def scale(shift: int = 0, later: int = 0) -> Score:
    rows = [(480 * i + 480 + later, 480, 60 + 2 * i + shift) for i in range(5)]
    return Score(notes=note_table([*rows, (0, 60, 36, 90, 0, 9)]))


def test_notes_that_are_the_same_are_found() -> None:
    pytest.importorskip("mir_eval")
    found = transcription(scale(), scale())
    assert (found.precision, found.recall, found.f1, found.f1_offsets, found.onset_f1) == (1, 1, 1, 1, 1)
    assert found.onset_error == found.pitch_error == 0


def test_late_and_wrong_notes_are_told() -> None:
    pytest.importorskip("mir_eval")
    # 24 ticks are 25 ms.
    late = transcription(scale(), scale(later=24))
    assert late.f1 == 1
    assert late.onset_error == pytest.approx(25)
    wrong = transcription(scale(), scale(shift=1))
    assert wrong.f1 == 0
    assert wrong.onset_f1 == 1
    assert wrong.pitch_error == pytest.approx(1)
    assert math.isnan(wrong.onset_error)
    fewer = transcription(scale(), scale().replace(notes=scale().notes[:3]))
    assert (fewer.precision, fewer.recall) == (1, 2 / 5)


def test_nothing_is_not_defined() -> None:
    pytest.importorskip("mir_eval")
    assert math.isnan(transcription(Score(), Score()).f1)
    assert transcription(scale(), Score()).f1 == 0


def test_the_function_is_still_found_where_it_was() -> None:
    with pytest.warns(DeprecationWarning, match=r"audio\.transcription is now transcription_metrics\.transcription"):
        assert audio.transcription is transcription
