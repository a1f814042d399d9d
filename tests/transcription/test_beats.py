import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music.errors import EmptyScoreError, OptionError, ScoreError
from symbolic_music.score import CONTROL, Score, Text, note_table
from symbolic_music.transcription import Beats, track_beats, with_bars


def played(beats: np.ndarray, meter: int = 4, seed: int = 0) -> Score:
    """Bass and a chord on first beats, a chord on others, a melody of eighths with holes; a tick a millisecond."""
    rng, rows = np.random.default_rng(seed), []
    for i, time in enumerate(beats[:-1]):
        length = beats[i + 1] - time
        jitter = rng.normal(0, 0.008, 8)
        chord = [0, 5, 7, 9][i // meter % 4]
        if i % meter == 0:
            rows.append((time + jitter[0], meter * length * 0.9, 36 + chord, 90, 0, 0, 0))
        for j, pitch in enumerate((60, 64, 67)):
            rows.append((time + jitter[1 + j], 0.4 * length, pitch + chord % 5, 60 + 20 * (i % meter == 0), 0, 0, 0))
        for j, part in enumerate((0.0, 0.5)):
            if rng.random() < 0.75:
                rows.append(
                    (time + part * length + jitter[5 + j], 0.4 * length, int(rng.integers(72, 84)), 80, 0, 0, 0)
                )
    ticks = [(max(0, round(1000 * a)), max(1, round(1000 * d)), *rest) for a, d, *rest in rows]
    return Score(500, note_table(ticks))


def found_share(wanted: np.ndarray, found: np.ndarray) -> float:
    return float(np.mean([np.abs(found - time).min() < 0.07 for time in wanted]))


@pytest.mark.parametrize("period", [0.5, 0.6, 0.75])
def test_beats_of_a_steady_performance(period):
    beats = 0.5 + period * np.arange(60)
    found = track_beats(played(beats))
    assert found_share(beats[:-1], found.times) > 0.95
    assert len(found.times) < 64
    assert found.meter == 4
    assert found_share(beats[:-1:4], found.downbeats) > 0.9


def test_beats_that_slow_down_and_speed_up():
    beats = np.cumsum(0.55 + 0.12 * np.sin(np.arange(80) / 9))
    found = track_beats(played(beats))
    assert found_share(beats[2:-3], found.times) > 0.93


def test_bars_of_three():
    beats = 0.3 + 0.5 * np.arange(73)
    found = track_beats(played(beats, meter=3))
    assert found.meter == 3
    assert found_share(beats[:-1:3], found.downbeats) > 0.9
    assert track_beats(played(beats, meter=3), meter=4).meter == 4


def test_what_the_file_says_of_tempo_is_not_used():
    score = played(0.5 + 0.6 * np.arange(40))
    faster = Score(1000, score.notes, tempos=np.array([(0, 1_000_000)], score.tempos.dtype))
    assert track_beats(faster).times == pytest.approx(track_beats(score).times, abs=1e-6)


def test_too_little_is_an_error():
    with pytest.raises(EmptyScoreError, match="two notes"):
        track_beats(Score(480, note_table([(0, 10, 60, 80)])))
    with pytest.raises(ScoreError, match=r"lasts 155\.3 hours"):
        track_beats(Score(notes=note_table([(0, 10, 60), (2**29, 10, 62)])))
    with pytest.raises(OptionError, match="2 to 12"):
        track_beats(played(0.5 * np.arange(10)), meter=1)


def test_a_beat_is_a_quarter_and_nothing_moves():
    beats = np.cumsum(0.55 + 0.05 * np.sin(np.arange(40) / 5))
    score = played(beats)
    pedal = np.array([(700, 64, 127, 0), (1500, 64, 0, 0)], CONTROL)
    score = score.replace(controls=pedal, texts=(Text(1234, "verse"),))
    barred = with_bars(score, Beats(beats[1:-1], 4, 3))
    assert barred.onset_seconds == pytest.approx(score.onset_seconds, abs=0.002)
    assert barred.offset_seconds == pytest.approx(score.offset_seconds, abs=0.004)
    assert barred.seconds(barred.controls["time"]) == pytest.approx(score.seconds(pedal["time"]), abs=0.002)
    assert float(barred.seconds(barred.texts[0].time)) == pytest.approx(1.234, abs=0.002)
    assert barred.seconds(480 * np.arange(2, 20)) == pytest.approx(beats[1:19], abs=0.001)
    assert barred.meters[["numerator", "denominator"]].tolist()[-1] == (4, 4)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 3000), st.integers(21, 108)), min_size=2, max_size=40))
def test_any_notes_have_bars_and_keep_their_times(rows):
    score = Score(500, note_table([(*row, 80) for row in rows]))
    barred = with_bars(score)
    order = np.lexsort((score.notes["pitch"], score.notes["onset"]))
    again = np.lexsort((barred.notes["pitch"], barred.notes["onset"]))
    near = np.sort(barred.onset_seconds[again]) - np.sort(score.onset_seconds[order])
    assert np.abs(near).max() < 0.01
    assert len(barred) == len(score)
