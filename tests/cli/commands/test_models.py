from __future__ import annotations

import json

from symbolic_music import models
from symbolic_music.models import Card
from symbolic_music.synthesis.midi_ddsp.voices import load_voices

CARDS = [Card("one", 1_234_567, "CC0", "scales"), Card("two", 89, "MIT", "arpeggios")]


def test_every_bundled_model_is_listed_with_its_data(run) -> None:
    listed = json.loads(run("models", "--json").out)
    assert [m["name"] for m in listed] == [*(card.name for card in models.list_models()), "voices"]


def test_the_bundled_voices_are_listed_with_what_plays_them(run) -> None:
    voices = json.loads(run("models", "--json").out)[-1]
    assert voices == load_voices().card
    assert voices["parameters"] == sum(weight.numel() for weight in load_voices().networks.parameters())
    assert "midi-ddsp" in run("models").out


def test_cards_are_shown_whole(run, monkeypatch) -> None:
    monkeypatch.setattr(models, "list_models", lambda: CARDS)
    listed = json.loads(run("models", "--json").out)
    assert listed[0].items() >= {"name": "one", "parameters": 1234567, "licence": "CC0", "data": "scales"}.items()
    lines = run("models").out.splitlines()
    assert any(line.split() == ["one", "1,234,567", "CC0", "scales"] for line in lines)
