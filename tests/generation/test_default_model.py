"""The bundled model that is taken when none is named."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import symbolic_music as sm
from symbolic_music.generation import default_model
from symbolic_music.generation.default_model import chosen_name, loaded_model
from symbolic_music.models import load_model
from symbolic_music.score import Score, Track, note_table
from symbolic_music.transforms import select_tracks
from tests.models.checkpoints.test_midigpt_file import written


def test_four_single_lines_are_for_the_chorales(quartet: Score) -> None:
    assert chosen_name(select_tracks(quartet, [0, 1, 2, 3]))[0] == "chorales"
    assert chosen_name(select_tracks(quartet, [0]))[0] == "chorales"


def test_drums_and_chords_are_for_any_tracks(quartet: Score) -> None:
    assert chosen_name(quartet) == ("song", "the piece has drums")
    assert chosen_name(quartet, thins=True)[0] == "multitrack"
    chords = Score(notes=note_table([(0, 480, p, 64, 25, 0, 0) for p in (60, 64, 67)]), tracks=(Track("", 25),))
    assert chosen_name(chords)[0] == "song"


def test_drums_that_are_added_are_for_any_tracks(quartet: Score) -> None:
    line = select_tracks(quartet, [0])
    assert chosen_name(line, adds_drums=True) == ("song", "drums or named instruments are added")
    assert sm.add_track(line, role="drums", seed=1).tracks[-1].is_drum


def test_a_piano_that_plays_freely_is_for_the_piano() -> None:
    def piano(*onsets: int) -> Score:
        rows = [(onset, 400, pitch, 64, 0, 0, 0) for onset in onsets for pitch in (60, 64, 67)]
        return Score(notes=note_table(rows), tracks=(Track("", 0),))

    free, in_time = piano(*range(53, 9000, 487)), piano(*range(0, 9000, 480))
    assert chosen_name(free)[0] == "piano"
    assert chosen_name(in_time) == ("song", "the piece is for piano, in time")
    assert chosen_name(free, thins=True)[0] == "multitrack", "region models do not thin out"


@pytest.fixture
def at_a_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a notebook or REPL, where no lines have been shown yet."""
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    default_model._show.cache_clear()


@pytest.mark.usefixtures("at_a_prompt")
def test_a_prompt_shows_once_which_model_was_chosen(quartet: Score, capsys: pytest.CaptureFixture[str]) -> None:
    loaded_model(None, quartet)
    loaded_model(None, quartet)
    assert capsys.readouterr().err == "using model song: the piece has drums\n"
    loaded_model("chorales", quartet)
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("at_a_prompt")
def test_a_level_of_logging_silences_it(quartet: Score, capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("symbolic_music")
    try:
        logger.setLevel(logging.WARNING)
        loaded_model(None, quartet)
    finally:
        logger.setLevel(logging.NOTSET)
    assert capsys.readouterr().err == ""


def test_a_program_logs_it_only(quartet: Score, capsys: pytest.CaptureFixture[str]) -> None:
    default_model._show.cache_clear()
    loaded_model(None, quartet)
    assert capsys.readouterr().err == ""


def test_a_slightly_held_line_is_a_line() -> None:
    rows = [(480 * i, 560, 60 + i, 64, 40, 0, 0) for i in range(8)]
    assert chosen_name(Score(notes=note_table(rows), tracks=(Track("", 40),)))[0] == "chorales"


def test_nothing_to_go_by() -> None:
    assert chosen_name(None)[0] == chosen_name(Score())[0] == "chorales"


def test_an_ordinary_song_needs_no_further_argument(quartet: Score, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "symbolic_music")
    found = sm.infill(quartet, bars=(2, 2), tracks=["bassoon", "drums"])
    assert [record.getMessage() for record in caplog.records] == ["using model song: the piece has drums"]
    stays = quartet.notes[(quartet.notes["track"] < 3) | (quartet.notes["onset"] < 1920)]
    assert {tuple(row) for row in stays.tolist()} <= {tuple(row) for row in found.notes.tolist()}


@pytest.mark.parametrize(
    "where", [{"bars": (2, 2), "beats": (0, 1)}, {"start": 1.0}, {"start": 0.0, "end": 1.0, "bars": 1}]
)
def test_a_region_is_named_in_one_way(quartet: Score, where: dict) -> None:
    with pytest.raises(sm.generation.regions.RegionError, match="region"):
        sm.infill(quartet, **where)


def test_a_public_model_that_is_named_is_packed(tmp_path: Path) -> None:
    written(tmp_path / "tiny-final.safetensors")
    plain = load_model(tmp_path, "cpu")
    lighter = [loaded_model(tmp_path, device="cpu", weights=weights) for weights in (None, "int8")]
    for model in lighter:
        assert {name for name, module in model.network.named_modules() if isinstance(module, nn.Linear)} == {"head"}
    ids = torch.arange(2, 40)[None]
    assert torch.allclose(lighter[0].network(ids), plain.network(ids), atol=1e-4)
    assert loaded_model(plain) is plain
