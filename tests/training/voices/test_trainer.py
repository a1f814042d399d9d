import numpy as np
import pytest
import torch

from symbolic_music.errors import ConfigError, TrainingError
from symbolic_music.synthesis.analysis import features
from symbolic_music.synthesis.analysis.harmonics import BANDS, HOP, PARTIALS
from symbolic_music.synthesis.analysis.notes import TakenNote
from symbolic_music.synthesis.analysis.recordings import Recording
from symbolic_music.synthesis.midi_ddsp.voices import load_voices
from symbolic_music.training.run.checkpoints import save_checkpoint
from symbolic_music.training.trainer import begin, train
from symbolic_music.training.voices import note_examples as voice_notes
from symbolic_music.training.voices.config import VoiceConfig, VoiceOptim, VoiceSource, load_voice_config
from symbolic_music.training.voices.task import stiffness

pytest.importorskip("auraloss")


def taken(pitch: float, frames: int = 80, held: int = 60) -> TakenNote:
    """A note of two partials that swells a little; its noise is steady."""
    level = 0.1 + 0.05 * np.sin(np.arange(frames) / 20)
    amplitudes = np.zeros((frames, PARTIALS), np.float32)
    amplitudes[:, 0], amplitudes[:, 1] = level, level / 2
    noise = np.full((frames, BANDS), 1e-3, np.float32)
    ratios = np.arange(1.0, PARTIALS + 1)
    return TakenNote(pitch, np.zeros(frames), amplitudes, noise, ratios, held, 0.0, np.full(frames, -20.0))


@pytest.fixture
def config(tmp_path) -> VoiceConfig:
    folder = tmp_path / "run"
    notes = [taken(pitch) for pitch in range(60, 70)]
    voice_notes._write(folder / "notes" / "one.npz", notes)
    voice_notes._write(folder / "notes" / "two.npz", notes)
    sources = (VoiceSource(name="one", folder="a", programs=(40,)), VoiceSource(name="two", folder="b", struck=True))
    optim = VoiceOptim(steps=4, spectral_steps=2, batch=6, frames=12, warmup=1)
    return VoiceConfig(
        name="run", out=str(tmp_path), path=str(tmp_path), voices=sources, held_out=5, evaluate_every=3,
        checkpoint_every=2, optim=optim,
    )  # fmt: skip


def quiet(text: str) -> None:
    pass


def log(run) -> list[dict[str, object]]:
    """Rows of the log that say nothing of time."""
    return [{k: v for k, v in row.items() if "second" not in k} for row in run.records.rows]


def test_a_run_learns_and_writes_a_bank(config):
    run = begin(config)
    assert len(run.task.train.notes) == 2 * 8
    assert len(run.task.held_out.notes) == 2 * 2
    bank = load_voices(run.go().folder)
    assert [voice.name for voice in bank.voices] == ["one", "two"]
    assert (bank.voices[0].lowest, bank.voices[0].highest) == (60, 69)
    rows = [row for row in log(run) if row["split"] == "valid"]
    assert [row["step"] for row in rows] == [3, 4, 6]
    assert rows[-1]["sound"] > 0
    assert rows[0]["sound"] == ""
    assert bank.card["figures"]["step"] == 6
    assert bank.card["figures"]["held out level"] == pytest.approx(rows[-1]["level"], abs=1e-4)
    assert (config.folder / "log.csv").read_text().count("\n") == 7
    assert (config.folder / "curves.png").is_file()


def test_the_loss_falls(config):
    losses = []
    longer = config.model_copy(update={"optim": VoiceOptim(steps=60, batch=6, frames=12)})
    assert train(longer, report=lambda row: losses.append(row["loss"])).finished
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


@pytest.mark.parametrize("batch", [1, 2])
def test_a_batch_may_be_a_note(config, batch):
    small = config.optim.model_copy(update={"batch": batch})
    assert train(config.model_copy(update={"optim": small})).finished


class Stop(Exception):
    pass


def stop(row: dict[str, float]) -> None:
    if row["step"] == 4:
        raise Stop


def test_a_stopped_run_goes_on_as_if_it_had_not_been(config, tmp_path):
    whole = begin(config)
    whole.go()
    other = config.model_copy(update={"name": "other"})
    (tmp_path / "other").mkdir()
    (config.folder / "notes").rename(tmp_path / "other" / "notes")
    with pytest.raises(Stop):
        begin(other).go(stop)
    again = begin(other, True)
    assert again.step == 2
    again.go()
    for name, value in whole.average.tensors.items():
        assert torch.equal(value, again.average.tensors[name]), name
    assert log(whole) == log(again)


def test_a_checkpoint_of_before_goes_on(config):
    """Voices kept no losses but in their log, a row an evaluation."""
    half = begin(config)
    with pytest.raises(Stop):
        half.go(stop)
    settings = half.config.model_dump(mode="json", exclude={"engine"})
    state = {"step": 4, "log": [{"step": 3, "level": 2.0, "held out level": 3.0}], "config": settings}
    save_checkpoint(config.folder, half.network, half.average.tensors, half.optimizer, state)
    again = begin(config, True)
    assert again.go().finished
    assert [(row["step"], row["split"], row["level"]) for row in log(again)[:2]] == [
        (3, "train", 2.0),
        (3, "valid", 3.0),
    ]
    assert [row["step"] for row in log(again)[2:]] == [6, 6]
    load_voices(config.folder / "voices")


def test_resume_is_said_and_meant(config):
    with pytest.raises(TrainingError, match="nothing to resume"):
        train(config, True)
    train(config)
    with pytest.raises(TrainingError, match="--resume"):
        train(config)


def test_a_run_that_has_more_steps_than_asked_for_is_done_and_leaves_its_bank(config):
    with pytest.raises(Stop):
        train(config.model_copy(update={"evaluate_every": 100, "optim": VoiceOptim(steps=50, batch=6)}), report=stop)
    fewer = config.model_copy(update={"optim": config.optim.model_copy(update={"steps": 1, "spectral_steps": 0})})
    result = train(fewer, True)
    assert (result.finished, result.step) == (True, 2)
    load_voices(result.folder)


def test_a_voice_does_not_go_on_with_other_recordings(config):
    mine = config.model_copy(update={"voices": config.voices[:1], "begin": "bundled"})
    train(mine)
    with pytest.raises(TrainingError, match="another path"):
        train(mine.model_copy(update={"path": "elsewhere"}), True)


def test_notes_are_the_same_the_first_time_and_from_the_cache(tmp_path, monkeypatch):
    source = VoiceSource(name="one", folder=".")
    monkeypatch.setattr(voice_notes, "recordings", lambda _: [Recording(tmp_path)] * 3)
    monkeypatch.setattr(voice_notes, "taken_notes", lambda *_: [taken(60.3)])
    first, again = (voice_notes.notes_of(source, tmp_path, tmp_path, quiet)[0] for _ in range(2))
    assert np.array_equal(first.amplitudes, again.amplitudes)
    assert np.array_equal(first.noise, again.noise)


def test_a_voice_is_added_and_the_others_stay(config):
    one = config.model_copy(update={"voices": config.voices[:1], "begin": "bundled"})
    before = load_voices()
    run = begin(one)
    run.go()
    after = load_voices(config.folder / "voices")
    assert [voice.name for voice in after.voices] == [*(voice.name for voice in before.voices), "one"]
    assert after.number(40) == len(before.voices)
    for name, value in before.networks.state_dict().items():
        found = after.networks.state_dict()[name]
        if ".heads." in name or ".embedding." in name:
            assert not torch.allclose(found[-1], value.mean(0), atol=1e-5), name
            found = found[:-1]
        assert torch.allclose(found, value, atol=1e-6), name


def test_a_levelled_note_has_the_power_of_the_hand_set_voices():
    note = voice_notes.levelled(taken(69))
    hertz = 440 * torch.tensor([1.0, 2.0])
    weight = torch.pow(10.0, features.a_weighting(hertz) / 40).numpy()
    power = ((note.amplitudes[:, :2] * weight) ** 2).sum(axis=1)
    assert np.median(power[power > power.max() / 4]) == pytest.approx(1, rel=0.01)


def test_an_example_has_the_controls_that_it_says():
    rng = np.random.default_rng(0)
    for struck in (False, True):
        for _ in range(20):
            one = voice_notes.example(taken(64.0), struck, rng)
            held = round(one.held / HOP)
            level, shares = one.level[:held], torch.pow(10.0, one.shares[:held] / 20)
            assert one.controls[0] == pytest.approx(float(level.mean()), abs=1e-3)
            assert one.controls[1] == pytest.approx(float(level.std(correction=0)), abs=1e-3)
            assert one.controls[3] == pytest.approx(float(features.brightness(shares).mean()), abs=1e-2)
            assert len(one.since) == len(one.level) == len(one.noise) >= held
            assert 62.5 <= one.pitch <= 65.5


def test_every_so_many_notes_are_held_out_but_no_end():
    notes = [taken(60.0)] * 15
    train, held = voice_notes.split(notes, 7)
    assert held == [3, 10]
    assert sorted(train + held) == list(range(15))
    assert voice_notes.split(notes, 0) == (list(range(15)), [])


def test_a_stiff_string_is_told_from_its_partials():
    number = np.arange(1.0, PARTIALS + 1)

    def string(pitch: float) -> TakenNote:
        stiff = 4e-4 * 2 ** ((pitch - 57) / 12)
        note = taken(pitch)
        ratios = number * np.sqrt((1 + stiff * number**2) / (1 + stiff))
        return TakenNote(pitch, note.deviation, note.amplitudes, note.noise, ratios, note.held, 0.0, note.loudness)

    found = stiffness([string(pitch) for pitch in (45.0, 57.0, 69.0)])
    assert found == pytest.approx((np.log(4e-4), np.log(2)))
    assert stiffness([taken(pitch) for pitch in (45.0, 57.0, 69.0)]) is None


def test_configs_are_checked(tmp_path):
    (tmp_path / "bad.yaml").write_text("name: x\npath: y\nvoices: []\n")
    with pytest.raises(ConfigError, match="voices"):
        load_voice_config(tmp_path / "bad.yaml")
    with pytest.raises(ConfigError, match="cannot read"):
        load_voice_config(tmp_path / "none.yaml")
    assert len(load_voice_config("configs/voices/nine.yaml").voices) == 9
