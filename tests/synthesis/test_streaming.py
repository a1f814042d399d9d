import gc
import math
import threading
import time

import numpy as np
import pytest
import soundfile
import torch

from symbolic_music.errors import EmptyScoreError, OptionError
from symbolic_music.parallel.threads import Workers
from symbolic_music.score import BEND, CONTROL, Score, note_table
from symbolic_music.synthesis import (
    estimated_gain,
    measured_gain,
    render,
    render_file,
    render_stems,
    rendering,
    stream,
    streaming,
)
from symbolic_music.synthesis.ddsp import player
from symbolic_music.synthesis.mixing.loudness import Meter

RATE = 16000
# Piano under a pedal, a bent violin, a guitar, a kit: notes over many blocks, of all oscillators.
ROWS = [
    *((400 * i, 350, 45 + 7 * i % 30, 60 + 9 * i % 60, 0, 0, 0) for i in range(14)),
    *((900 * i, 1400, 64 + i, 80, 40, 1, 1) for i in range(5)),
    *((300 * i, 250, 42 if i % 2 else 36, 90, 0, 9, 2) for i in range(12)),
    (500, 3000, 52, 90, 27, 2, 3),
]
PIECE = Score(
    500,
    note_table(ROWS),
    controls=np.array([(200, 64, 127, 0), (4000, 64, 0, 0), (1000, 7, 60, 1), (2000, 11, 90, 3)], CONTROL),
    bends=np.array([(1200, 3000, 1), (1500, 5000, 1), (1000, 1000, 3), (1300, 4000, 3)], BEND),
)


@pytest.mark.parametrize("synth", ["ddsp", "soundfont"])
@pytest.mark.parametrize("chunk", [100, 4096, 1_000_000])
def test_a_stream_is_the_render_however_it_is_cut(synth, chunk):
    if synth == "soundfont":
        pytest.importorskip("tinysoundfont")
    pieces = list(stream(PIECE, synth, RATE, chunk=chunk, gain=-6.0))
    assert {piece.shape[1] for piece in pieces[:-1]} <= {chunk}
    whole = render(PIECE, synth, RATE, gain=-6.0).samples
    assert whole.shape == np.concatenate(pieces, axis=1).shape
    assert np.abs(np.concatenate(pieces, axis=1) - whole).max() < 1e-5


def test_other_blocks_give_the_same_sound(monkeypatch):
    whole = render(PIECE, sample_rate=RATE, gain=-12.0).samples
    monkeypatch.setattr(streaming, "FIRST_BLOCK", 0.033)
    monkeypatch.setattr(streaming, "LONGEST_BLOCK", 0.5)
    assert np.abs(render(PIECE, sample_rate=RATE, gain=-12.0).samples - whole).max() < 1e-5


@pytest.mark.parametrize("synth", ["ddsp", "midi-ddsp"])
def test_the_number_of_threads_does_not_change_a_sample(synth, monkeypatch):
    before, sounds = torch.get_num_threads(), []
    monkeypatch.setattr(streaming, "LONGEST_BLOCK", 1.0)
    monkeypatch.setattr(player, "BATCH_FRAMES", 300)
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            sounds.append(render(PIECE, synth, RATE).samples)
            stems = render_stems(PIECE, synth, RATE, gain=-6.0)
            sounds[-1] = np.stack([sounds[-1], *(one.samples for one in stems.values())])
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(sounds[0], sounds[1])
    assert np.array_equal(sounds[0], sounds[2])


def test_a_room_gets_one_block_after_the_other():
    """A long block, then a short one, with threads for both."""
    order = []

    def add_room(samples: int) -> np.ndarray:
        time.sleep(samples / 1000)
        order.append(samples)
        return np.zeros((2, samples))

    with Workers(3) as workers:
        blocks = list(streaming._with_room(lambda samples: samples, add_room, [200, 10, 100, 5], 0, workers))
    assert order == [200, 10, 100, 5]
    assert [block.shape[1] for block in blocks] == order


def test_a_stream_that_is_left_ends_its_threads():
    before, threads = torch.get_num_threads(), threading.active_count()
    torch.set_num_threads(2)
    try:
        chunks = stream(PIECE, sample_rate=RATE)
        next(chunks)
        assert threading.active_count() == threads + 1
        del chunks
        gc.collect()
        assert threading.active_count() == threads
    finally:
        torch.set_num_threads(before)


def test_the_measured_gain_is_that_of_render():
    gain = measured_gain(PIECE, sample_rate=RATE)
    streamed = np.concatenate(list(stream(PIECE, sample_rate=RATE, gain=gain)), axis=1)
    assert np.abs(streamed - render(PIECE, sample_rate=RATE).samples).max() < 1e-5


@pytest.mark.parametrize("program", [0, 19, 48, 73])
def test_the_estimated_gain_is_near(program):
    music = Score(500, note_table([(250 * i, 240, 50 + 5 * i % 24, 80, program, 0, 0) for i in range(30)]))
    meter = Meter(RATE)
    for piece in stream(music, sample_rate=RATE):
        meter.add(piece)
    assert meter.loudness() == pytest.approx(-16, abs=4)


def test_a_stream_begins_without_the_rest():
    hours = Score(500, note_table([(1000 * i, 900, 60, 80, 0, 0, 0) for i in range(7200)]))
    first = next(stream(hours, sample_rate=8000, chunk=256))
    assert np.abs(first).max() > 0


def test_what_cannot_be_streamed_is_said_at_once():
    with pytest.raises(EmptyScoreError):
        stream(Score())
    with pytest.raises(OptionError, match="chunk"):
        stream(PIECE, chunk=0)
    with pytest.raises(OptionError, match="control rate"):
        stream(PIECE, control_rate=1)
    with pytest.raises(OptionError, match="loudness"):
        stream(PIECE, loudness=math.nan)
    with pytest.raises(OptionError, match="gain"):
        stream(PIECE, gain=math.inf)


def test_silence_is_not_made_louder():
    assert estimated_gain(Score(500, note_table([(0, 500, 60, 0, 0, 0, 0)]))) == 0


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_file_holds_what_render_gives(tmp_path, suffix):
    stems = {track: tmp_path / f"{track}{suffix}" for track in range(4)}
    written = render_file(PIECE, tmp_path / f"mix{suffix}", sample_rate=RATE, stem_paths=stems, bits=24)
    samples, rate = soundfile.read(written.path)
    whole = render(PIECE, sample_rate=RATE)
    assert rate == RATE
    assert written.seconds == pytest.approx(whole.duration)
    assert np.abs(samples.T - whole.samples).max() < 1e-6
    apart = {track: soundfile.read(path)[0].T for track, path in stems.items()}
    for track, sound in render_stems(PIECE, sample_rate=RATE).items():
        assert np.abs(apart[track] - sound.samples).max() < 1e-5
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in [written.path, *stems.values()])


def test_some_tracks_alone_are_written_too(tmp_path):
    written = render_file(PIECE, tmp_path / "mix.wav", sample_rate=8000, stem_paths={2: str(tmp_path / "two.wav")})
    assert written.stems == {2: tmp_path / "two.wav"}
    assert written.peak == render_file(PIECE, tmp_path / "mix.wav", sample_rate=8000).peak
    samples, _ = soundfile.read(tmp_path / "two.wav")
    assert np.abs(samples.T - render_stems(PIECE, sample_rate=8000)[2].samples).max() < 1e-4
    with pytest.raises(OptionError, match="no track 7"):
        render_file(PIECE, tmp_path / "no.wav", stem_paths={7: "seven.wav"})
    assert not (tmp_path / "no.wav").exists()


def test_stems_that_cancel_in_the_mix_are_held_under_full_scale(tmp_path, monkeypatch):
    wave = np.sin(np.arange(16000) / 20).astype(np.float32) * np.ones((2, 1), np.float32)
    monkeypatch.setattr(rendering, "stems", lambda *_: iter([np.stack([1.4 * wave, -1.3 * wave, wave / 2, wave / 9])]))
    paths = {track: tmp_path / f"{track}.wav" for track in (0, 2)}
    render_file(PIECE, tmp_path / "mix.wav", sample_rate=8000, gain=0.0, stem_paths=paths)
    loud, soft = (soundfile.read(path)[0] for path in paths.values())
    assert loud.shape == soft.shape == (16000, 2)
    assert 0.9 < np.abs(loud).max() < 1
    assert np.abs(soft.T - wave / 2).max() < 1e-4


def test_a_failure_leaves_no_file(tmp_path):
    with pytest.raises(EmptyScoreError):
        render_file(Score(), tmp_path / "mix.wav")
    assert not list(tmp_path.iterdir())
