"""What our own anticipatory model is shown of note stores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import symbolic_music as sm
from symbolic_music.corpora.preparation.pipeline import prepare
from symbolic_music.corpora.windows.edit_examples import musical_events
from symbolic_music.errors import TrainingError
from symbolic_music.models import load_model
from symbolic_music.models.architectures.anticipatory import ANTICIPATE, CONTROL, EVENT, SEPARATOR
from symbolic_music.score import NOTE, TEMPO, Score, Track
from symbolic_music.training.config import StoreEditsData, parse_config
from symbolic_music.training.data.store_edits import StoreEdits
from symbolic_music.training.trainer import train
from tests.training.tiny_runs import edits


def piece(beats: int, tempo: int = 400_000) -> Score:
    """Quarters of bass, off-beat piano, drums on each beat."""
    notes = []
    for beat in range(beats):
        start = 480 * beat
        notes += [(start, 480, 36 + beat % 12, 90, 32, 0, 0), (start + 240, 240, 60 + beat % 12, 80, 0, 1, 1)]
        notes += [(start, 60, 38, 100, 0, 9, 2)]
    table = np.zeros(len(notes), NOTE)
    for name, column in zip(
        ("onset", "duration", "pitch", "velocity", "program", "channel", "track"), zip(*notes, strict=True), strict=True
    ):
        table[name] = column
    tracks = (Track("Bass", 32), Track("Piano", 0), Track("Drums", 0, True))
    return Score(480, table, tempos=np.array([(0, tempo)], TEMPO), tracks=tracks)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    source = tmp_path / "music"
    source.mkdir()
    for i in range(12):
        piece(30 + 4 * i).write(source / f"{i}.mid")
    return Path(prepare("folder", source, tmp_path / "store", workers=1, splits="60/40/0").path)


def source_of(store: Path, window: int = 48, **data: object) -> StoreEdits:
    return StoreEdits(StoreEditsData.model_validate({"kind": "edits", "stores": {str(store): 1.0}, **data}), window)


def test_musical_events_do_not_know_the_tempo() -> None:
    events = musical_events(piece(3), 100.0)
    assert events.tolist() == musical_events(piece(3, 700_000), 100.0).tolist()
    assert events[:4].tolist() == [
        [0, 60, 128 * 32 + 36],
        [0, 8, 128 * 128 + 38],
        [30, 30, 60],
        [60, 60, 128 * 32 + 37],
    ]


def test_stretches_begin_on_bar_lines_and_say_where_a_piece_begins_and_ends(store: Path) -> None:
    source = source_of(store, transpose=[0, 0], edits=0.0, openings=0.3)
    opened = closed = 0
    for sequence in source.training(64, np.random.default_rng(1)):
        opens = sequence[1, 3] == SEPARATOR
        events = sequence[np.isin(sequence[:, 3], (EVENT, CONTROL)) & (sequence[:, 2] < 128 * 129)]
        bass = events[events[:, 2] // 128 == 32]
        # A bar has four quarters of 60 steps, and the bass climbs a semitone a quarter.
        assert events[:, 0].min() == 0
        assert (bass[:, 0] % 60 == 0).all()
        assert (bass[bass[:, 0] % 240 == 0, 2] % 4 == 36 % 4).all()
        assert not opens or bass[bass[:, 0] == 0, 2] % 128 == 36
        opened, closed = opened + opens, closed + (sequence[-1, 3] == SEPARATOR)
    assert 10 < opened < 50
    assert closed > 5


def test_half_are_edits_and_all_notes_are_shown_once(store: Path) -> None:
    sequences = source_of(store, transpose=[0, 0], edits=1.0).training(32, np.random.default_rng(2))
    assert sum(bool(s[0, 3] == ANTICIPATE) for s in sequences) > 20
    for sequence in sequences:
        events = sequence[np.isin(sequence[:, 3], (EVENT, CONTROL)) & (sequence[:, 2] < 128 * 129)]
        assert len(np.unique(events[:, [0, 2]], axis=0)) == len(events)


def test_drums_are_not_transposed(store: Path) -> None:
    sequences = source_of(store, transpose=[5, 5], edits=0.0).training(8, np.random.default_rng(3))
    notes = np.concatenate([s[np.isin(s[:, 3], (EVENT, CONTROL)), 2] for s in sequences])
    assert set((notes[notes // 128 == 128] % 128).tolist()) == {38}
    assert (notes[notes // 128 == 32] % 128).min() == 41


def test_a_batch_depends_on_its_generator_alone(store: Path) -> None:
    one, other = source_of(store), source_of(store)
    for seed in range(3):
        a, b = (s.training(4, np.random.default_rng(seed)) for s in (one, other))
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert all(np.array_equal(x, y) for x, y in zip(one.validation, other.validation, strict=True))
    assert str(store) in one.provenance(4, np.random.default_rng(0))


def test_no_store_with_the_split_is_an_error(store: Path) -> None:
    with pytest.raises(TrainingError, match="no store has pieces in split 'elsewhere'"):
        source_of(store, train="elsewhere")


def test_a_model_is_trained_that_hears_musical_time_and_knows_every_instrument(store: Path, tmp_path: Path) -> None:
    config = parse_config(
        {
            "name": "tiny",
            "out": str(tmp_path / "runs"),
            "evaluate_every": 3,
            "model": {"width": 16, "layers": 1, "heads": 2, "hidden": 16, "window": 48},
            "data": {"kind": "edits", "stores": {str(store): 1.0}, "validation_sequences": 4},
            "optim": {"steps": 3, "batch": 2, "warmup": 1},
        }
    )
    result = train(config)
    model = load_model(result.folder)
    assert model.view.quarters_per_minute == 100.0
    assert model.view.parts == ()
    assert model.network.config.instruments == tuple(range(129))
    assert model.card.data == "store"
    score = sm.generate(model=model, seconds=4, seed=1)
    assert np.array_equal(score.notes, sm.generate(model=model, seconds=4, seed=1).notes)


def test_a_model_of_few_instruments_goes_on_with_all(store: Path, tmp_path: Path) -> None:
    first = train(parse_config(edits(tmp_path / "chorales")))
    assert load_model(first.folder).network.config.instruments == (40, 41, 42, 43)
    tree = edits(tmp_path / "band") | {
        "data": {"kind": "edits", "stores": {str(store): 1.0}},
        "init": str(first.folder),
    }
    second = load_model(train(parse_config({**tree, "model": {"dropout": 0.0}})).folder)
    assert second.network.config.instruments == tuple(range(129))
    assert len(sm.generate(piece(8), 2.0, second, seed=1)) >= len(piece(8))
