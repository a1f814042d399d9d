"""Select tracks by number, name, or family of instruments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from symbolic_music.errors import RegionError
from symbolic_music.general_midi import DRUM_INSTRUMENT, FAMILIES, PROGRAMS, family_name
from symbolic_music.score import Score, track_title
from symbolic_music.transforms import check_tracks

# Numbers, names or families of tracks; None leaves the choice to the verb.
Tracks = Sequence[int | str] | None


def select(score: Score, tracks: Iterable[int | str]) -> list[int]:
    """Numbers of the tracks that are meant, without repeats.

    A text is compared without regard to case: with the names of the tracks, then with the families of General MIDI
    ("bass", "strings", "drums", ...), then with its instruments ("violin" also means "Synth Violin"). Of the last two
    only tracks with notes count.

    Raises:
        RegionError: for a number or a text that means no track.

    Examples:
        >>> sm.generation.select(song, ["bass", "drums", 0])
        [2, 3, 0]
    """
    found: list[int] = []
    for one in tracks:
        found += _called(score, one) if isinstance(one, str) else check_tracks(score, [one])
    return list(dict.fromkeys(found))


def _called(score: Score, text: str) -> list[int]:
    wanted = " ".join(text.split()).casefold()
    own = [i for i, track in enumerate(score.tracks) if " ".join(track.name.split()).casefold() == wanted]
    if own and wanted:
        return own
    with_notes = np.unique(score.notes["track"]).tolist()
    kinds = [DRUM_INSTRUMENT if track.is_drum else track.program for track in score.tracks]
    families = [i for i in with_notes if wanted in (family_name(kinds[i]), family_name(kinds[i]).rstrip("s"))]
    if families:
        return families
    played = [i for i in with_notes if kinds[i] != DRUM_INSTRUMENT and wanted in PROGRAMS[kinds[i]].casefold()]
    if played and wanted:
        return played
    there = ", ".join(f"{i} {track_title(score, i)}" for i in with_notes) or "none with notes"
    raise RegionError(
        f"no track is called {text!r} or played by it; tracks are {there}; families: {', '.join(FAMILIES)}, drums"
    )
