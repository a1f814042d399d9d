"""Bars of tracks filled in by a tiny random MIDI-GPT."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import symbolic_music as sm
from symbolic_music import generation, tokenizers
from symbolic_music.errors import OptionError, RegionError
from symbolic_music.generation import bars
from symbolic_music.generation.left_to_right.midigpt_infill import BarFilling
from symbolic_music.models import GPT2, Card, GPT2Config, Model
from symbolic_music.score import Score
from tests.corpora.example_stores import band


@pytest.fixture(scope="module", params=["yellow", "expressive"])
def model(request: pytest.FixtureRequest) -> Model:
    tokenizer = tokenizers.get("midigpt", preset=request.param)
    torch.manual_seed(0)
    network = GPT2(GPT2Config(len(tokenizer.vocabulary), 2048, 16, 1, 2, scale_by_layer=False, tied=False)).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    with torch.no_grad():
        assert network.head is not None
        # Bars end, so that tests do.
        network.head.weight[tokenizer.vocabulary.fields[0].index("FillInEnd_0")] *= 4
    return Model(network, Card("tiny", 1, "", ""), tokenizer=tokenizer)


@pytest.fixture(scope="module")
def piece() -> Score:
    return band(1, 200)


@pytest.mark.parametrize("tracks", [[0], [1, 2], None])
def test_all_but_the_bars_of_these_tracks_stays(model: Model, piece: Score, tracks: list[int] | None) -> None:
    lines = piece.bars()
    written = generation.edit(piece, [bars(3, 4)], tracks, model, seed=1, count=2).finish()
    for one in written:
        notes, old = one.score.notes, piece.notes
        kept = (old["onset"] < lines[2]) | (old["onset"] >= lines[4])
        if tracks is not None:
            kept |= ~np.isin(old["track"], tracks)
        new = np.isin(notes, one.notes)
        assert np.array_equal(np.sort(notes[~new]), np.sort(old[kept]))
        assert ((one.notes["onset"] >= lines[2]) & (one.notes["onset"] < lines[4])).all()
        assert one.score.tracks == piece.tracks
    assert any(len(one.notes) for one in written)
    again = generation.edit(piece, [bars(3, 4)], tracks, model, seed=2).finish()
    assert np.array_equal(again[0].notes, written[1].notes)


def test_long_regions_are_written_in_windows(model: Model, piece: Score) -> None:
    count = len(piece.bars())
    assert count > 9
    writing = generation.edit(piece, [bars(2, count - 1)], [0], model, seed=3)
    (one,) = writing.finish()
    assert writing.done == 1
    assert len(one.notes)


def test_controls_are_told_to_the_model(model: Model, piece: Score) -> None:
    plain = BarFilling(piece, [tuple(piece.bars()[2:4])], [1], model)
    is_yellow = model.tokenizer.preset == "yellow"
    controls = {"min_duration": 4, **({"max_polyphony": 7} if is_yellow else {})}
    told = BarFilling(piece, [tuple(piece.bars()[2:4])], [1], model, controls=controls)
    step = next(plain._steps())
    before, after = (one._prompt(one._grid(), *step)[0] for one in (plain, told))
    names = model.tokenizer.vocabulary.fields[0]
    changed = {names[i] for i in after[before != after]}
    assert changed <= {"MaxPolyphony_6", "MinNoteDuration_4"}
    assert changed
    has = "density, min_polyphony" if is_yellow else "min_duration, max_duration"
    with pytest.raises(OptionError, match=f"has no control 'loudness'; it has {has}"):
        generation.edit(piece, [bars(3)], [1], model, controls={"loudness": 1})
    with pytest.raises(OptionError, match=r"min_duration is in 0\.\.5, not 11"):
        generation.edit(piece, [bars(3)], [1], model, controls={"min_duration": 11})
    with pytest.raises(OptionError, match="has no controls"):
        generation.edit(piece, [bars(3)], None, None, controls={"density": 1})


def test_parts_of_bars_are_refused(model: Model, piece: Score) -> None:
    with pytest.raises(RegionError, match="writes whole bars"):
        sm.infill(piece, 0.3, 1.1, [0], model)
