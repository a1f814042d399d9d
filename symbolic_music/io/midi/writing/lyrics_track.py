"""Lyrics that stand in a track of their own in which nothing plays, as those of karaoke files do."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from symbolic_music.io.midi.source_file import document_of
from symbolic_music.io.midi.tolerant_reader import placed
from symbolic_music.score import Score, Text


def words_of_silent_tracks(score: Score) -> dict[int, list[Text]]:
    """Lyrics of the whole score by the track of its file, one without notes behind the first, in which they stand."""
    document = document_of(score)
    sung = [text for text in score.texts if text.track is None and text.kind == "lyric"]
    if document is None or not sung:
        return {}
    found = placed(document.data)
    homes: dict[tuple[int, str], list[int]] = defaultdict(list)
    for file, events in enumerate(found.tracks):
        if file and found.first[file] == found.first[file + 1]:
            times = document.moved_to(np.array([time for time, *_ in events.metas.lyrics], np.int64)).tolist()
            for time, (_, word, _) in zip(times, events.metas.lyrics, strict=True):
                homes[time, word].append(file)
    words: dict[int, list[Text]] = defaultdict(list)
    for text in sung:
        files = homes[text.time, text.text]
        if files:
            words[files.pop(0)].append(text)
    return words
