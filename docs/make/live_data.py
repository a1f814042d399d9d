"""Data of live views that the tests compute again: the cost of notes, counts of chorales, a melody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

import symbolic_music as sm
from symbolic_music.tokenizers.anticipation import vocabulary as v

NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"]
VOICES = "SATB"
_LIKELIEST = 8


def pitch_name(pitch: int) -> str:
    """C4 for 60."""
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def chorale_ids() -> tuple[Any, torch.Tensor, np.ndarray[Any, Any]]:
    """The chorale model, a chorale of the test split as its ids (1, 1 + 3 n), and the same as events (n, 3)."""
    from music21 import corpus

    from symbolic_music.generation.views.part_assignment import assign_parts, shown
    from symbolic_music.io import from_music21

    model = sm.load_model("chorales", "cpu")
    score = from_music21(corpus.parse("bach/bwv90.5"))
    events = shown(score, score.notes, assign_parts(score, [], model), model.view)[:96]
    ids = (events + np.array([v.TIME, v.DURATION, v.NOTE])).ravel()
    return model, torch.tensor([[v.AUTOREGRESS, *ids.tolist()]]), events


def surprise() -> dict[str, Any]:
    """What the chorale model pays for each note of a chorale, in nats, and the notes that it expected."""
    model, ids, events = chorale_ids()
    with torch.no_grad():
        log_p = model.network.forward(ids)[0]
    lowest = int(events[:, 2].min()) // 128

    def name(note: int) -> str:
        return f"{VOICES[note // 128 - lowest]} {pitch_name(note % 128)}"

    notes = []
    for row, (time, duration, note) in enumerate(events.tolist()):
        costs = [-log_p[3 * row + field, int(ids[0, 3 * row + 1 + field])].item() for field in range(3)]
        top = torch.topk(log_p[3 * row + 2, v.NOTE : v.NOTE + v.MAX_NOTE], _LIKELIEST)
        expected = sorted(zip(top.indices.tolist(), top.values.exp().tolist(), strict=True))
        notes.append({
            "onset": time / 60, "length": duration / 60, "pitch": note % 128, "voice": note // 128 - lowest,
            "name": name(note), "nats": costs, "expected": [[name(one), p] for one, p in expected],
        })  # fmt: skip
    return {"source": "chorales, BWV 90.5", "notes": notes}


def intervals() -> dict[str, Any]:
    """Of every second chorale of music21's corpus: notes that begin off the beat, and all notes."""
    from music21 import corpus

    from symbolic_music.io import from_music21

    pieces = []
    for path in corpus.corpora.CoreCorpus().getComposer("bach")[::2]:
        score = from_music21(corpus.parse(path))
        off = score.notes["onset"] % score.ticks_per_quarter != 0
        pieces.append([int(off.sum()), len(off)])
    return {"source": "every second chorale of music21's corpus: notes off the beat, notes", "pieces": pieces}


def melody(file: Path) -> dict[str, Any]:
    """Onset in seconds, pitch and length of the notes of the first track."""
    score = sm.read(file)
    notes = score.notes[score.notes["track"] == 0]
    onset, end = score.seconds(notes["onset"]), score.seconds(notes["onset"] + notes["duration"])
    rows = zip(onset.tolist(), notes["pitch"].tolist(), (end - onset).tolist(), strict=True)
    return {"source": "the first track of song.mid", "melody": [list(row) for row in rows]}
