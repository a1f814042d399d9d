"""Write scores as MusicXML: patched into their document, or new."""

from __future__ import annotations

from symbolic_music.io.notation.garbage_collection import no_collection
from symbolic_music.io.notation.patch import patched
from symbolic_music.io.notation.source_document import NotationSource
from symbolic_music.io.notation.writer import written_anew
from symbolic_music.score import Score


def musicxml_bytes(score: Score) -> bytes:
    """The score as MusicXML.

    A score that was read from notation is patched into it: measures of parts that an edit did not touch stay as they
    were, with all that is written in them. Any other is written anew, a part a track at sounding pitch, its times as
    `note_value_grid.written_times` rounds them; bends and controllers but the pedal are left out.

    Examples:
        >>> sm.io.musicxml_bytes(melody)[:5]
        b'<?xml'
    """
    with no_collection():
        if isinstance(score.source, NotationSource):
            document = patched(score, score.source)
            if document is not None:
                return document
        return written_anew(score)
