import json

import numpy as np
import pytest

from symbolic_music.errors import AudioError, FileError
from symbolic_music.score import Score, note_table
from symbolic_music.synthesis.midi_ddsp.expression import Expression, express, read_expression, write_expression
from symbolic_music.synthesis.midi_ddsp.voices import load_voices

VIOLIN, PIANO, KOTO = 40, 0, 107


def score(*rows: tuple[int, int, int, int, int], channel: int = 0) -> Score:
    """Notes (onset ms, length ms, pitch, velocity, program)."""
    return Score(500, note_table([(on, length, p, v, program, channel, 0) for on, length, p, v, program in rows]))


def test_velocity_is_loudness_and_brightness():
    found = express(score((0, 500, 67, 40, VIOLIN), (1000, 500, 67, 80, VIOLIN)))
    soft, loud = found.controls
    assert loud[0] - soft[0] > 9  # 40 log10 2, and the phrase's arch
    assert loud[3] > soft[3] > 1
    assert loud[4] - soft[4] == pytest.approx(40 * np.log10(2))


def test_notes_that_touch_are_tied_and_chords_are_not():
    line = express(score((0, 500, 67, 80, VIOLIN), (500, 500, 69, 80, VIOLIN), (1200, 300, 67, 80, VIOLIN)))
    assert line.tied.tolist() == [False, True, False]
    assert line.column("attack_noise")[1] < line.column("attack_noise")[0] - 5
    chord = express(score((0, 500, 67, 80, VIOLIN), (0, 500, 71, 80, VIOLIN), (500, 500, 69, 80, PIANO)))
    assert not chord.tied.any()


def test_the_middle_of_a_phrase_is_louder():
    found = express(score(*[(600 * i, 400, 67, 80, VIOLIN) for i in range(5)]))
    volume = found.column("volume")
    assert volume[2] == max(volume)
    assert volume[2] - volume[0] == pytest.approx(1.5)
    # A rest divides phrases: two of one note are at their middle each.
    apart = express(score((0, 400, 67, 80, VIOLIN), (2000, 400, 67, 80, VIOLIN)))
    assert apart.column("volume")[0] == apart.column("volume")[1]


def test_the_pedal_lengthens_notes():
    plain = score((0, 200, 60, 80, PIANO), (2000, 200, 64, 80, PIANO))
    control = np.array([(0, 64, 127, 0), (1500, 64, 0, 0)], _control_type(plain))
    held = plain.replace(controls=control)
    assert express(held).column("volume")[0] != express(plain).column("volume")[0]


def _control_type(score: Score) -> np.dtype:
    fields = {"time": 0, "number": 64, "value": 127, "track": 0}
    assert set(score.controls.dtype.names) == set(fields)
    return np.dtype([(name, score.controls.dtype[name]) for name in ("time", "number", "value", "track")])


def test_a_note_without_a_voice_has_no_controls():
    found = express(score((0, 500, 67, 80, KOTO), (500, 500, 67, 80, VIOLIN)))
    assert np.isnan(found.controls[0]).all()
    assert np.isfinite(found.controls[1]).all()


def test_controls_are_read_as_written(tmp_path):
    notes = score((0, 500, 67, 80, KOTO), (500, 500, 67, 80, VIOLIN))
    found = express(notes)
    found.column("vibrato")[1] = 0.25
    path = write_expression(found, notes, tmp_path / "notes.json")
    back = read_expression(path, notes)
    assert np.allclose(back.controls, found.controls, atol=1e-4, equal_nan=True)
    assert back.tied.tolist() == found.tied.tolist()
    assert back.column("vibrato")[1] == 0.25
    lines = json.loads(path.read_text())["notes"]
    assert lines[1]["onset"] == 0.5
    assert "volume" not in lines[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "does not hold"),
        ("[]", "does not hold"),
        ('{"notes": [{"pitch": 67, "tied": false, "volume": 1}]}', "note 0 lacks"),
        ('{"notes": [{"pitch": 68, "tied": false}]}', "another score"),
    ],
)
def test_other_files_are_refused(tmp_path, text, problem):
    (tmp_path / "notes.json").write_text(text)
    with pytest.raises(AudioError, match=problem):
        read_expression(tmp_path / "notes.json", score((0, 500, 67, 80, VIOLIN)))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileError, match="nowhere"):
        read_expression(tmp_path / "nowhere.json", score((0, 500, 67, 80, VIOLIN)))


def test_an_unknown_control_is_named():
    with pytest.raises(AudioError, match="fluctuation"):
        Expression(np.zeros((1, 6)), np.zeros(1, bool), load_voices()).column("warmth")
