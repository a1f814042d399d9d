"""Chord names."""

from __future__ import annotations

import tracemalloc

import pytest

from symbolic_music import edits
from symbolic_music.generation import Limits
from symbolic_music.score import Score, note_table
from tests.corpus_paths import corpus_dir

CHORDS = {"C": (48, 64, 67), "F": (53, 57, 60), "G7": (43, 59, 62, 65), "Am": (45, 60, 64), "Bdim": (47, 62, 65)}


def chords_of(*names: str) -> Score:
    """A bar of 4/4 of each chord."""
    return Score(
        notes=note_table([(1920 * bar, 1900, pitch) for bar, name in enumerate(names) for pitch in CHORDS[name]])
    )


def test_plain_chords_are_named_where_they_begin() -> None:
    found = edits.estimated_chords(chords_of("C", "Am", "F", "G7", "C"))
    assert found == ((1.0, "C"), (2.0, "Am"), (3.0, "F"), (4.0, "G7"), (5.0, "C"))


def test_a_chord_that_goes_on_is_named_once_and_silence_is_no_chord() -> None:
    score = chords_of("C", "C", "F")
    later = score.replace(notes=score.notes[score.notes["onset"] != 1920])
    assert edits.estimated_chords(score) == ((1.0, "C"), (3.0, "F"))
    assert edits.estimated_chords(later) == ((1.0, "C"), (2.0, "-"), (3.0, "F"))


def test_half_bars_are_heard() -> None:
    rows = [(960 * half, 950, pitch) for half, name in enumerate(("C", "G7", "C", "F")) for pitch in CHORDS[name]]
    found = edits.estimated_chords(Score(notes=note_table(rows)))
    assert found == ((1.0, "C"), (1.5, "G7"), (2.0, "C"), (2.5, "F"))


def test_a_note_of_a_hundred_thousand_bars_has_one_chord_and_bounded_memory() -> None:
    score = Score(notes=note_table([(0, 2**28, 60), (2**28, 480, 67)]))
    tracemalloc.start()
    try:
        assert edits.estimated_chords(score) == ((1.0, "C"),)
        assert tracemalloc.get_traced_memory()[1] < 150e6  # all of its bars take two kilobytes each
    finally:
        tracemalloc.stop()


def test_names_are_those_that_limits_take() -> None:
    Limits(chords=edits.estimated_chords(chords_of("Bdim", "C")))
    assert edits.estimated_chords(Score()) == ()


@pytest.mark.corpora
def test_roots_agree_with_annotated_songs() -> None:
    """POP909's chord annotations, by their seconds: the same root for most of the time."""
    import symbolic_music as sm
    from symbolic_music.generation.regions import ticks_of

    roots = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
    pitch = lambda name: (roots[name[0]] + name.count("#") - name[1:].count("b")) % 12  # noqa: E731
    agreed = whole = 0.0
    corpus = corpus_dir("pop909")
    for file in sorted((corpus / "midi").glob("*.mid"))[:8]:
        score = sm.read(file)
        estimated = edits.estimated_chords(score)
        starts = score.seconds(ticks_of(score, [place for place, _ in estimated], "bars"))
        for line in (corpus / "annotations" / file.stem / "chord_midi.txt").read_text().splitlines():
            begin, end, name = line.split("\t")[:3]
            middle, length = (float(begin) + float(end)) / 2, float(end) - float(begin)
            at = int((starts <= middle).sum()) - 1
            if name == "N" or at < 0:
                continue
            whole += length
            ours = estimated[at][1]
            agreed += length * (ours != "-" and pitch(ours[:2].rstrip("m7dsa")) == pitch(name.split(":")[0]))
    assert agreed / whole > 0.75, f"{agreed / whole:.2f} of {whole:.0f} s"
