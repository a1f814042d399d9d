import sys
from types import SimpleNamespace

import numpy as np
import pytest

from symbolic_music.errors import AudioError, EmptyScoreError, MissingExtraError, OptionError, UnknownNameError
from symbolic_music.evaluation.transcription_metrics import transcription
from symbolic_music.score import Score, note_table
from symbolic_music.synthesis import render
from symbolic_music.synthesis.audio import Audio
from symbolic_music.transcription import Thresholds, track_beats_of_sound, transcribe, transcribing
from symbolic_music.transcription.network import Transcriber
from tests.transcription.noisy import RATE, noisy


@pytest.fixture
def network() -> Transcriber:
    """Of random weights, whose onsets are often likely."""
    return noisy().eval()


@pytest.fixture
def noise() -> Audio:
    return Audio(np.random.default_rng(0).normal(size=3 * RATE) * 0.1, RATE)


def test_windows_of_any_length_give_the_same_notes(network, noise, monkeypatch) -> None:
    whole = transcribe(noise, model=network)
    assert len(whole) > 20
    monkeypatch.setattr(transcribing, "_FRAMES", 17)
    assert transcribe(noise, model=network) == whole


def test_the_level_of_a_recording_does_not_matter(network, noise) -> None:
    quiet = Audio(noise.samples * np.float32(0.125), RATE)
    assert transcribe(quiet, model=network) == transcribe(noise, model=network)


def test_a_file_gives_the_notes_of_its_sound(network, noise, tmp_path) -> None:
    path, parts = Audio(noise.samples.clip(-1, 1), RATE).write(tmp_path / "a.wav", bits=24), list[float]()
    found = transcribe(path, model=network, program=40, progress=parts.append)
    assert len(found) > 20
    assert found.tracks[0].program == 40
    assert parts == sorted(parts)
    assert parts[-1] == pytest.approx(1)


def test_silence_has_no_notes(network) -> None:
    assert len(transcribe(Audio(np.zeros(RATE), RATE), model=network)) == 0


def test_mistakes_are_said(network, noise) -> None:
    with pytest.raises(UnknownNameError, match="no transcriber 'ear'; there are: onsets, basic-pitch"):
        transcribe(noise, by="ear")
    with pytest.raises(OptionError, match="0 to 127"):
        transcribe(noise, model=network, program=128)
    with pytest.raises(AudioError, match="no samples"):
        transcribe(Audio(np.zeros((1, 0)), RATE), model=network)


def test_basic_pitch_is_called_where_it_is_installed(noise, monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "basic_pitch.inference", None)
    with pytest.raises(MissingExtraError, match="pip install basic-pitch"):
        transcribe(noise, by="basic-pitch")
    asked = list[dict[str, float]]()

    def predict(path: str, **thresholds: float) -> tuple[None, None, list[tuple[float, float, int, float, None]]]:
        asked.append(thresholds)
        assert path.endswith(".wav")
        print("predicting")  # noqa: T201
        return None, None, [(1.0, 1.5, 64, 0.5, None), (0.25, 1.0, 60, 1.0, None)]

    monkeypatch.setitem(sys.modules, "basic_pitch.inference", SimpleNamespace(predict=predict))
    found = transcribe(noise, by="basic-pitch")
    assert capsys.readouterr().out == ""
    assert found.notes[["pitch", "velocity"]].tolist() == [(60, 127), (64, 64)]
    assert found.onset_seconds.tolist() == [0.25, 1.0]
    transcribe(noise, by="basic-pitch", thresholds=Thresholds(0.6, 0.2))
    assert asked == [{}, {"onset_threshold": 0.6, "frame_threshold": 0.2}]


def test_beat_this_is_called_where_it_is_installed(noise, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "beat_this.inference", None)
    with pytest.raises(MissingExtraError, match="pip install beat-this"):
        track_beats_of_sound(noise)
    beats = np.arange(13) / 2

    def of(downbeats: np.ndarray, times: np.ndarray = beats) -> SimpleNamespace:
        return SimpleNamespace(File2Beats=lambda checkpoint_path, device: lambda path: (times, downbeats))

    monkeypatch.setitem(sys.modules, "beat_this.inference", of(beats[2::3]))
    found = track_beats_of_sound(noise)
    assert (found.meter, found.first, found.times.tolist()) == (3, 2, beats.tolist())
    monkeypatch.setitem(sys.modules, "beat_this.inference", of(beats[:0]))
    assert track_beats_of_sound(noise).meter == 4
    monkeypatch.setitem(sys.modules, "beat_this.inference", of(beats[:0], beats[:1]))
    with pytest.raises(EmptyScoreError, match="finds no beats"):
        track_beats_of_sound(noise)


@pytest.mark.parametrize("synth", ["ddsp", "soundfont"])
def test_the_bundled_network_hears_a_melody_and_a_chord(synth) -> None:
    pytest.importorskip("pretty_midi")
    rows = [(480 * i, 400, pitch, 50 + 10 * i) for i, pitch in enumerate((60, 62, 64, 65, 67))]
    rows += [(2880, 960, pitch, 90) for pitch in (48, 64, 67, 72)]
    played = Score(notes=note_table(rows))
    found = transcribe(render(played, synth, RATE))
    assert transcription(played, found).f1 > 0.9
    assert np.abs(np.sort(found.onset_seconds)[:5] - np.arange(5) / 2).max() < 0.03
    strong = found.notes["velocity"][np.argsort(found.onset_seconds)]
    assert strong[-4:].mean() > strong[:2].mean()
