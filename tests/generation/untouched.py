"""What every edit keeps, however it was drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch

from symbolic_music import tokenizers
from symbolic_music.generation import Written
from symbolic_music.generation.regions import Span, inside
from symbolic_music.io import midi_bytes, parse_midi
from symbolic_music.models import AnticipatoryConfig, AnticipatoryTransformer, Card, Model
from symbolic_music.models.architectures.region_transformer import RegionConfig, RegionTransformer
from symbolic_music.models.model import View
from symbolic_music.score import Score
from tests.generation.tiny_gpt2 import tiny

TABLES = ("tempos", "meters", "keys", "controls", "bends")


@cache
def published() -> Model:
    """Of the published encoding: seconds and instruments."""
    return Model(tiny(context=121), Card("tiny", 1, "", ""))


@cache
def ours() -> Model:
    """Our own: musical time and instruments."""
    torch.manual_seed(1)
    config = AnticipatoryConfig(width=16, layers=1, heads=2, hidden=16, window=48)
    return Model(AnticipatoryTransformer(config).eval(), Card("tiny", 1, "", ""), View(100.0, ()))


@cache
def four_parts() -> Model:
    """Of our own as the bundled one: musical time, four parts of one note at a time."""
    torch.manual_seed(2)
    parts = (40, 41, 42, 43)
    config = AnticipatoryConfig(width=16, layers=1, heads=2, hidden=16, window=48, instruments=parts)
    view = View(100.0, parts, ("Soprano", "Alto", "Tenor", "Bass"), (70.0, 65.0, 60.0, 50.0))
    return Model(AnticipatoryTransformer(config).eval(), Card("tiny", 1, "", ""), view)


@cache
def regional(harmony: bool = False) -> Model:
    """A region model: bars, tracks, everything around at once; chords and keys too, if asked for."""
    torch.manual_seed(3)
    config = RegionConfig(width=64, layers=1, note_layers=1, hidden=32, window=320, harmony=harmony)
    network = RegionTransformer(config).eval()
    if harmony:
        torch.nn.init.normal_(network.harmony.weight)
        torch.nn.init.normal_(network.next_harmony.weight)
    return Model(network, Card("tiny", 1, "", ""), View(100.0, ()), tokenizers.get("region"))


def asked(score: Score, spans: Sequence[Span], tracks: Sequence[int]) -> np.ndarray:
    """Mask of the notes that an edit is asked for."""
    regions = np.logical_or.reduce([inside(score.notes, *span) for span in spans])
    return regions & np.isin(score.notes["track"], tracks)


def check_kept(before: Score, written: Written, spans: Sequence[Span], tracks: Sequence[int]) -> None:
    """That all but the notes asked for came back."""
    after = written.score
    new, old = (asked(score, spans, tracks) for score in (after, before))
    assert np.array_equal(after.notes[~new], before.notes[~old])
    assert np.array_equal(np.sort(after.notes[new]), np.sort(written.notes))
    for name in TABLES:
        assert np.array_equal(getattr(after, name), getattr(before, name))
    assert (after.tracks[: len(before.tracks)], after.texts) == (before.tracks, before.texts)
    assert after.ticks_per_quarter == before.ticks_per_quarter


def check(before: Score, written: Written, spans: Sequence[Span], tracks: Sequence[int]) -> None:
    """That all but the notes asked for came back, and that new ones are where and what they may be."""
    after = written.score
    check_kept(before, written, spans, tracks)
    onset = written.notes["onset"].astype(np.int64)
    for i, (first, last) in enumerate(zip(onset, onset + written.notes["duration"], strict=True)):
        assert any(start <= first < last <= end for start, end in spans), written.notes[i]
    assert (written.notes["velocity"] > 0).all()
    if len(before) and len(written.notes):
        assert written.notes["velocity"].min() >= max(1, before.notes["velocity"].min())
        assert written.notes["velocity"].max() <= max(1, before.notes["velocity"].max())
    for track in np.unique(written.notes["track"]).tolist():
        own = before.notes[before.notes["track"] == track]
        played = set(zip(own["channel"].tolist(), own["program"].tolist(), strict=True))
        made = written.notes[written.notes["track"] == track]
        described = after.tracks[track]
        expected = played or {(9 * described.is_drum, described.program)}
        assert set(zip(made["channel"].tolist(), made["program"].tolist(), strict=True)) <= expected


def check_file(before: Score, written: Written, spans: Sequence[Span], tracks: Sequence[int]) -> None:
    """That a file of the edited score holds all that one of the score as it was holds.

    A track without a note is not always told by a file, and notes that lie in others of their pitch are put into tracks
    of their own: nothing is asked where the score is not what a file can hold.
    """
    if len(parse_midi(midi_bytes(before)).tracks) != len(before.tracks) or any(
        len(np.unique(score.notes["track"])) < len(score.tracks) for score in (before, written.score)
    ):
        return
    then, now = (parse_midi(midi_bytes(score)) for score in (before, written.score))
    for name in ("tempos", "meters", "keys"):
        assert np.array_equal(getattr(now, name), getattr(then, name)), name
    for name in ("controls", "bends"):
        # Tracks of one channel share its state: where new notes make a track hear more of it, it is told so.
        assert not Counter(getattr(then, name).tolist()) - Counter(getattr(now, name).tolist()), name
    assert now.tracks[: len(then.tracks)] == then.tracks
    assert now.texts == then.texts
    new, old = (asked(score, spans, tracks) for score in (now, then))
    if before.source is None:
        assert np.array_equal(now.notes[~new], then.notes[~old])
        assert new.sum() == len(written.notes)
    else:
        # A file is patched, and a reader tells the notes of a tick track by track, where an edit puts new ones after
        # all others. What is new may be a track of its own (its channel has another program there); no other note
        # changes its track.
        fields = ["onset", "duration", "pitch", "velocity", "program", "channel"]
        fields += ["track"] if len(now.tracks) == len(then.tracks) else []
        kept = Counter(then.notes[~old][fields].tolist())
        assert not kept - Counter(now.notes[fields].tolist())
        assert len(now) == kept.total() + len(written.notes)
