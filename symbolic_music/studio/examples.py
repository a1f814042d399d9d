"""Five example pieces from music21's corpus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbolic_music.errors import MissingExtraError, UnknownNameError
from symbolic_music.score import KEY, METER, TEMPO, Score, Track, note_table

_QUARTER = 480


@dataclass(frozen=True)
class Example:
    """A piece to begin with.

    Args:
        name: in the address.
        title: what it is.
        hint: what to try with it.
        model: that suits it.
        make: the piece.
    """

    name: str
    title: str
    hint: str
    model: str
    make: Callable[[], Score]


def examples() -> tuple[Example, ...]:
    """All five."""
    return (
        Example(
            "song", "Stephen Foster, Jeanie with the light brown hair: melody, piano, bass and drums",
            "Drag over four bars of the bass and press Rewrite.", "song", _song,
        ),
        Example(
            "chorale", "J. S. Bach, a chorale (BWV 90.5) for four voices",
            "Drag over alto, tenor and bass, and let the soprano stand.", "chorales",
            lambda: _corpus("bach/bwv90.5"),
        ),
        Example(
            "quartet", "W. A. Mozart, string quartet K. 155, second movement",
            "Drag over eight bars of the second violin and press Vary.", "song",
            lambda: _corpus("mozart/k155/movement2"),
        ),
        Example(
            "rag", "Scott Joplin, Maple Leaf Rag", "Add a track: a tuba, or drums.", "song",
            lambda: _corpus("joplin/maple_leaf_rag"),
        ),
        Example(
            "choir", "Queen Lili'uokalani, Aloha 'Oe: choir, solo voice and piano",
            "Press Continue for four bars more.", "song", lambda: _corpus("liliuokalani/aloha_oe"),
        ),
    )  # fmt: skip


def example(name: str) -> Example:
    """An example by name; UnknownNameError for an unknown name."""
    for one in examples():
        if one.name == name:
            return one
    raise UnknownNameError(f"no example {name!r}")


def _parsed(path: str) -> Any:
    try:
        from music21 import corpus
    except ImportError:
        raise MissingExtraError("music21", "notation") from None
    return corpus.parse(path)


def _corpus(path: str) -> Score:
    from symbolic_music.io import from_music21
    from symbolic_music.transforms import resample

    score = resample(from_music21(_parsed(path)), _QUARTER)
    return score if len(score.tempos) else score.replace(tempos=np.array([(0, 600_000)], TEMPO))


def _song() -> Score:
    """Melody and chords of a lead sheet, played by a band: chords off the beat, roots and fifths, a backbeat."""
    from music21 import harmony

    sheet = _parsed("leadSheet/fosterBrownHair")
    rows: list[tuple[int, ...]] = []
    for note in sheet.recurse().notes:
        if isinstance(note, harmony.ChordSymbol) or note.duration.isGrace:
            continue
        onset = round(float(note.getOffsetInHierarchy(sheet)) * _QUARTER)
        length = max(60, round(float(note.quarterLength) * _QUARTER) - 20)
        strong = 92 if onset % (4 * _QUARTER) == 0 else 84
        rows.append((onset, length, int(note.pitches[-1].midi) + 12, strong, 73, 0, 0))
    end = -(-max(row[0] + row[1] for row in rows) // (4 * _QUARTER)) * 4
    symbols = [
        (float(symbol.getOffsetInHierarchy(sheet)), symbol.root().pitchClass, [p.midi for p in symbol.pitches])
        for symbol in sheet.recurse().getElementsByClass(harmony.ChordSymbol)
    ]
    for half in range(2, end, 2):
        begun = [one for one in symbols if one[0] <= half]
        if not begun:
            continue
        _, root, pitches = begun[-1]
        rows += _chord(half, root, pitches)
    for beat in range(4, end):
        rows += _drums(beat)
    return Score(
        ticks_per_quarter=_QUARTER,
        notes=note_table(rows),
        tempos=np.array([(0, 560_000)], TEMPO),
        meters=np.array([(0, 4, 4)], METER),
        keys=np.array([(0, -1, 0)], KEY),
        tracks=(Track("Melody", 73), Track("Piano", 0), Track("Bass", 33), Track("Drums", 0, is_drum=True)),
    )


def _chord(beat: int, root: int, pitches: list[int]) -> list[tuple[int, ...]]:
    """Two beats of piano and bass."""
    at = beat * _QUARTER
    low = 36 + (root - 36) % 12 if (root - 36) % 12 <= 7 else 24 + (root - 24) % 12
    voiced = sorted({54 + (pitch - 54) % 12 for pitch in pitches})
    rows: list[tuple[int, ...]] = [(at + _QUARTER, 220, pitch, 62, 0, 1, 1) for pitch in voiced]
    rows += [(at + 3 * _QUARTER // 2, 200, pitch, 52, 0, 1, 1) for pitch in voiced]
    fifth = low + 7 if low + 7 < 48 else low - 5
    rows.append((at, 420, low if beat % 4 == 0 else fifth, 88, 33, 2, 2))
    rows.append((at + 3 * _QUARTER // 2, 200, low, 74, 33, 2, 2))
    return rows


def _drums(beat: int) -> list[tuple[int, ...]]:
    at = beat * _QUARTER
    kick: list[tuple[int, ...]] = [(at, 60, 36, 92, 0, 9, 3)] if beat % 2 == 0 else [(at, 60, 38, 84, 0, 9, 3)]
    return kick + [(at + half, 60, 42, 64 if half == 0 else 48, 0, 9, 3) for half in (0, _QUARTER // 2)]
