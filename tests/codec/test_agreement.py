"""Of several candidates the one is chosen whose transcription has most notes of the score, stretch after stretch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import symbolic_music as sm
from symbolic_music.codec.agreement import NoteAgreement, note_f1
from symbolic_music.codec.encode_decode import encode_audio
from symbolic_music.codec.registry import load_codec
from symbolic_music.score import Score, note_table

RATE = 24_000


def piece(*pitches: int) -> Score:
    """Half a second each, at 120 quarters a minute."""
    return Score(480, note_table([(480 * i, 440, pitch, 90) for i, pitch in enumerate(pitches)]))


def test_notes_agree_by_pitch_and_onset() -> None:
    onsets, pitches = np.array([0.0, 0.5, 0.5]), np.array([60, 64, 67])

    def f1(*found: tuple[float, int], span: tuple[float, float] = (0.0, 1.0)) -> float:
        return note_f1(onsets, pitches, np.array([one[0] for one in found]), np.array([one[1] for one in found]), span)

    assert f1((0.02, 60), (0.5, 64), (0.46, 67)) == 1
    assert f1((0.02, 60), (0.6, 64)) == pytest.approx(2 / 5)  # one late, two missing
    assert f1((0.0, 60), (0.03, 60)) == pytest.approx(2 / 5)  # a note agrees once
    assert f1((0.0, 60), (1.2, 50)) == f1((0.0, 60)) == pytest.approx(2 / 4)  # what is outside is judged elsewhere
    assert f1() == 0
    none = np.zeros(0)
    assert note_f1(none, none, none, none, (0, 1)) == 1


def test_the_candidate_with_the_notes_of_the_score_is_chosen() -> None:
    codec = load_codec("codec", "cpu")
    melody = (60, 67, 64, 72, 69, 62, 65, 71)
    score = piece(*melody)
    others = [score, piece(*(pitch + 3 for pitch in melody)), piece(*melody[:4], *(pitch - 2 for pitch in melody[4:]))]
    rows = [torch.from_numpy(encode_audio(sm.render(one, sample_rate=RATE), codec).codes)[:, :300] for one in others]
    right, wrong, half = rows
    choose = NoteAgreement(score, codec)
    stretches = torch.stack([wrong, right, half]).split(150, dim=-1)
    first = choose(stretches[0])
    assert first in (1, 2)  # alike so far
    assert choose(stretches[1]) == 1
