from pathlib import Path

import numpy as np
import pytest
import torch

from symbolic_music.corpora.store.manifest import Piece, write_manifest, write_segment
from symbolic_music.errors import ConfigError, TrainingError
from symbolic_music.score import Score, note_table
from symbolic_music.synthesis.audio import Audio
from symbolic_music.training.trainer import begin, train
from symbolic_music.training.transcription.arranging import passage, scattered
from symbolic_music.training.transcription.augmentation import recorded, tuned
from symbolic_music.training.transcription.clips import Clips
from symbolic_music.training.transcription.config import (
    ClipData,
    TranscriberShape,
    TranscriptionOptim,
    TranscriptionTraining,
    load_transcription_config,
)
from symbolic_music.training.transcription.targets import targets
from symbolic_music.transcription import load_transcriber

for name in ("mir_eval", "soxr", "soundfile", "lightning_fabric"):
    pytest.importorskip(name)


def piece(seed: int) -> Score:
    """Four voices and a drum, a beat of half a second each."""
    rng = np.random.default_rng(seed)
    rows = [(480 * i, 400, int(rng.integers(40, 80)), 80, 10 * v, v, v) for i in range(16) for v in range(4)]
    rows += [(480 * i, 60, 36, 100, 0, 9, 4) for i in range(16)]
    return Score(notes=note_table(rows))


@pytest.fixture
def store(tmp_path) -> Path:
    scores = [piece(seed) for seed in range(4)]
    splits = ("train", "train", "validation", "test")
    pieces = [
        (Piece(f"{i}.mid", str(i), split, len(one), one.duration), one)
        for i, (one, split) in enumerate(zip(scores, splits, strict=True))
    ]
    write_segment(tmp_path / "store", 0, "", pieces, [])
    write_manifest(tmp_path / "store", 1, "folder", {})
    return tmp_path / "store"


@pytest.fixture
def config(store, tmp_path) -> TranscriptionTraining:
    data = ClipData(stores={str(store): 1.0}, clips=3, held_out=1, seconds=2, synths={"ddsp": 1.0})
    return TranscriptionTraining(
        name="run", out=str(tmp_path), data=data, evaluate_every=2, checkpoint_every=2, license="CC0-1.0",
        model=TranscriberShape(width=8, dilations=(1, 2)),
        optim=TranscriptionOptim(steps=4, batch=2, seconds=1.0, warmup=1),
    )  # fmt: skip


def test_targets_are_the_notes() -> None:
    onset, frame, velocity = targets(np.array([[2.5, 6.0, 60, 64], [9, 30, 21, 127]], np.float32), 12)
    assert onset[:, 39].tolist() == pytest.approx([0, 0.4, 0.8, 0.8, 0.4, 0, 0, 0, 0, 0, 0, 0], abs=1e-6)
    assert np.flatnonzero(frame[:, 39]).tolist() == [2, 3, 4, 5]
    assert velocity[1:5, 39].tolist() == pytest.approx([64 / 127] * 4)
    assert np.flatnonzero(frame[:, 0]).tolist() == [9, 10, 11]
    assert onset[9, 0] == 1
    assert (onset > 0).sum() == 4 + 5


def test_passages_are_playable() -> None:
    data = ClipData(stores={"": 1.0}, seconds=3)
    for seed in range(15):
        rng = np.random.default_rng(seed)
        for score in (passage(piece(seed), data, rng), scattered(data, rng)):
            pitched = score.notes[score.instruments < 128]
            assert len(pitched)
            assert pitched["pitch"].min() >= 21
            assert pitched["pitch"].max() <= 108
            assert score.duration <= 3 + 1e-3
            for program in np.unique(pitched["program"]):
                for pitch in np.unique(pitched["pitch"]):
                    own = pitched[(pitched["program"] == program) & (pitched["pitch"] == pitch)]
                    assert (own["onset"][1:] >= (own["onset"] + own["duration"])[:-1]).all()


def test_programs_that_may_play_are_those() -> None:
    data = ClipData(stores={"": 1.0}, seconds=3)
    for seed in range(10):
        score = passage(piece(seed), data, np.random.default_rng(seed), programs=(40, 42))
        assert set(score.instruments.tolist()) <= {40, 42}


def test_another_tuning_is_heard() -> None:
    sound = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    found = tuned(sound, 2 ** (1 / 12), 16_000)
    peak = np.abs(np.fft.rfft(found * np.hanning(len(found)))).argmax() * 16_000 / len(found)
    assert peak == pytest.approx(1000 * 2 ** (1 / 12), rel=1e-3)


def test_recorded_sound_is_as_long_and_finite() -> None:
    sound = np.random.default_rng(0).normal(size=8000).astype(np.float32) * 0.1
    found = [recorded(sound, 16_000, np.random.default_rng(seed)) for seed in range(40)]
    assert all(one.shape == sound.shape and np.isfinite(one).all() for one in found)
    gains = [float(np.std(one) / np.std(sound)) for one in found]
    assert min(gains) < 0.7
    assert max(gains) > 1.4


def test_clips_are_made_once_and_depend_on_their_number(config, tmp_path) -> None:
    data, said = config.data, list[str]()
    first = Clips(data, tmp_path / "a", "train", 2, 16_000, 1, said.append)
    assert len(said) == 2
    assert len(Clips(data, tmp_path / "a", "train", 2, 16_000, 1, said.append)) == 2
    assert len(said) == 2
    more = Clips(data, tmp_path / "b", "train", 3, 16_000, 1)
    for one, two in zip(first.clips, more.clips[:2], strict=True):
        assert np.array_equal(one.samples, two.samples)
        assert np.array_equal(one.notes, two.notes)
    assert len(more.clips[0].notes) >= 4


def test_recorded_notes_play_too(store, tmp_path) -> None:
    folder = tmp_path / "flute"
    folder.mkdir()
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100)
    Audio(wave, 44_100).write(folder / "a.wav")
    (folder / "index.csv").write_text("file,midi_note\na.wav,69\n")
    data = ClipData(stores={str(store): 1.0}, seconds=2, synths={"recordings": 1.0}, recordings={73: str(folder)})
    (clip,) = Clips(data, tmp_path / "clips", "train", 1, 16_000, 1).clips
    assert clip.synth == "recordings"
    assert np.abs(clip.sound).max() > 0.05


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"synths": {"harp": 1.0}}, "no synthesizer 'harp'"),
        ({"synths": {"recordings": 1.0}}, "recordings need folders"),
        ({"stores": {"nowhere": 1.0}}, "cannot be used for training"),
        ({"train": "other"}, "no pieces in its split 'other'"),
    ],
)
def test_mistakes_are_said(config, changes, said) -> None:
    wrong = config.model_copy(update={"data": config.data.model_copy(update=changes)})
    with pytest.raises(TrainingError, match=said):
        begin(wrong)


def test_a_broken_clip_is_said(config) -> None:
    begin(config)
    (config.folder / "clips" / "train" / "00001.npz").write_bytes(b"no")
    with pytest.raises(TrainingError, match=r"00001\.npz is no clip"):
        begin(config.model_copy(update={"name": "run"}))


def test_a_run_leaves_a_transcriber_and_goes_on(config, tmp_path) -> None:
    whole = train(config)
    assert whole.finished
    made = load_transcriber(whole.folder, "cpu")
    assert made.config.width == 8
    rows = (config.folder / "log.csv").read_text().splitlines()
    assert rows[0].startswith("step,split,loss,onset,frame,velocity,note F1")

    other = config.model_copy(update={"name": "parts", "out": str(tmp_path)})
    run = begin(other)
    batches = run.task.batches(0, run.share)
    for _ in range(2):
        run.update(next(batches))
    run.evaluate()
    run.save()
    resumed = train(other, resume=True)
    for name, value in load_transcriber(resumed.folder, "cpu").state_dict().items():
        assert torch.equal(value, made.state_dict()[name]), name


def test_the_loss_falls(config) -> None:
    losses = list[float]()
    optim = TranscriptionOptim(steps=30, batch=2, seconds=1.0, warmup=5, learning_rate=1e-2)
    train(
        config.model_copy(update={"optim": optim, "evaluate_every": 100}), report=lambda row: losses.append(row["loss"])
    )
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])


def test_the_published_config_is_read(tmp_path) -> None:
    path = Path(__file__).parents[3] / "configs" / "transcription.yaml"
    assert load_transcription_config(path, ["optim.steps=7"]).optim.steps == 7
    with pytest.raises(ConfigError, match=r"data\.clips"):
        load_transcription_config(path, ["data.clips=0"])
