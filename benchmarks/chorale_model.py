"""The bundled chorale model: validation NLL beside baselines; key and range of infilled chorales of the test split.

python benchmarks/chorale_model.py Jsb16thSeparated.json [PIECES]
"""

from __future__ import annotations

import math
import sys
from collections import Counter

import numpy as np
from result_file import row, write_result

import symbolic_music as sm
from symbolic_music.corpora import read_chorales
from symbolic_music.corpora.windows.edit_examples import rows
from symbolic_music.evaluation import likelihood
from symbolic_music.generation.regions import inside
from symbolic_music.models import load_model
from symbolic_music.tokenizers.anticipation.events import REST_NOTE, events_of


def tables(scores: list[sm.Score]) -> list[np.ndarray]:
    return [rows(e, np.zeros(len(e), bool)) for e in map(events_of, scores)]


def unigram(train: list[np.ndarray], valid: list[np.ndarray]) -> tuple[float, float]:
    """Nats a note of independent (gap, duration, note) frequencies of the train split, and of uniform choices."""

    def columns(table: np.ndarray) -> np.ndarray:
        events = table[table[:, 3] == 0]
        return np.stack([np.diff(events[:, 0], prepend=0), events[:, 1], events[:, 2]], axis=1)

    seen, asked = np.concatenate([columns(t) for t in train]), np.concatenate([columns(t) for t in valid])
    notes, nats, uniform = int((asked[:, 2] != REST_NOTE).sum()), 0.0, 0.0
    for column, classes in enumerate((101, 1000, 4 * 128 + 1)):
        counts = Counter(seen[:, column].tolist())
        total = len(seen) + classes
        nats += sum(-math.log((counts[x] + 1) / total) for x in asked[:, column].tolist())
        uniform += len(asked) * math.log(classes)
    return nats / notes, uniform / notes


def scale_of(score: sm.Score) -> set[int]:
    """Pitch classes of the key that music21 finds in a score (all three forms of a minor scale)."""
    from music21 import note, stream

    part = stream.Stream()
    for n in score.notes:
        part.insert(n["onset"] / score.ticks_per_quarter, note.Note(int(n["pitch"])))
    key = part.analyze("key")
    steps = {0, 2, 4, 5, 7, 9, 11} if key.mode == "major" else {0, 2, 3, 5, 7, 8, 9, 10, 11}
    return {(key.tonic.pitchClass + step) % 12 for step in steps}


def main(path: str, pieces: int = 10) -> None:
    splits, model = read_chorales(path), load_model()
    valid = tables(splits["valid"])
    ours = likelihood(model.network, valid)
    frequency, uniform = unigram(tables(splits["train"]), valid)
    in_key, in_key_bach, ranges, inside_range, count = 0, 0, {}, 0, 0
    train_notes = np.concatenate([s.notes for s in splits["train"]])
    limits = {t: np.percentile(train_notes["pitch"][train_notes["track"] == t], [0, 100]) for t in range(4)}
    for seed, score in enumerate(splits["test"][:pieces]):
        third = score.duration / 3
        result = sm.infill(score, third, 2 * third, [1, 2, 3], model, seed=seed)
        first, last = (int(t) for t in np.rint(score.ticks([third, 2 * third])))
        scale = scale_of(score)
        for source, written in ((score, False), (result, True)):
            own = source.notes[inside(source.notes, first, last) & (source.notes["track"] > 0)]
            share = float(np.mean([p % 12 in scale for p in own["pitch"].tolist()]))
            if written:
                in_key += share
                count += len(own)
                for track in (1, 2, 3):
                    pitches = own["pitch"][own["track"] == track]
                    ranges.setdefault(track, []).extend(pitches.tolist())
                    inside_range += int(((pitches >= limits[track][0]) & (pitches <= limits[track][1])).sum())
            else:
                in_key_bach += share
    figures = [
        ("valid_nll_per_note", ours.per_note, frequency, "unigram", "nats"),
        ("valid_nll_per_note", ours.per_note, uniform, "random (uniform)", "nats"),
        ("valid_nll_per_token", ours.per_token, None, None, "nats"),
        ("infilled_notes_in_key", in_key / pieces, in_key_bach / pieces, "Bach, the same bars", "share"),
        ("infilled_notes_in_voice_range", inside_range / count, 1.0, "range of the train split", "share"),
    ]
    names = {1: "alto", 2: "tenor", 3: "bass"}
    figures += [
        (f"{names[t]}_{end}", value, float(limits[t][i]), "train split", "MIDI pitch")
        for t, pitches in ranges.items()
        for i, (end, value) in enumerate((("lowest", float(min(pitches))), ("highest", float(max(pitches)))))
    ]
    n = {"valid_chorales": len(valid), "valid_notes": ours.notes, "infilled_test_chorales": pieces}
    rows = [row(metric, value, unit, peer, name, value / peer if peer else None)
            for metric, value, peer, name, unit in figures]  # fmt: skip
    write_result("chorale_model", n, rows)


if __name__ == "__main__":
    main(sys.argv[1], *(int(a) for a in sys.argv[2:3]))
