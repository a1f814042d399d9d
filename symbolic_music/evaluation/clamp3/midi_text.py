"""MIDI as text, a line an event, and its patches of 64 characters: what CLaMP 3 reads.

A line has the kind of an event, the ticks since the one before (after the numbers of meta events) and its numbers, all
tracks merged. A patch has lines of one kind after each other, of which only the first names it; it begins with id 1 and
ends with 2.

Source: Wu et al. 2025 (arXiv 2502.10362); github.com/sanderwood/clamp3, `batch_midi2mtf.py` and `M3Patchilizer`.
"""

from __future__ import annotations

import re
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import MidiError, MissingExtraError
from symbolic_music.io.midi.source_file import document_of
from symbolic_music.io.midi.writer import midi_bytes
from symbolic_music.score import Score

PATCH = 64
_PAD, _BEGIN, _END = 0, 1, 2
_WORDS = {
    "text", "copyright", "track_name", "instrument_name", "lyrics", "marker", "cue_marker", "device_name",
}  # fmt: skip
_MOST = 127  # the largest id of a character
_UNKNOWN = "?"


def midi_text(score: Score) -> str:
    """A piece as lines of events, without words: of the file that it was read from, if nothing was changed.

    Raises:
        MidiError: when mido does not read the file.
        MissingExtraError: when mido is not installed.
    """
    try:
        import mido
    except ImportError:
        raise MissingExtraError("mido", "interchange") from None
    document = document_of(score)
    data = document.data if document is not None and document.is_whole(score) else midi_bytes(score)
    try:
        file = mido.MidiFile(file=BytesIO(data))
        merged = list(file.merged_track)
    except Exception as error:  # mido has no error of its own
        raise MidiError(f"mido does not read this file ({type(error).__name__}: {error})") from None
    lines = [f"ticks_per_beat {file.ticks_per_beat}"]
    for message in merged:
        if not (message.is_meta and message.type in _WORDS):
            values = " ".join(str(value) for value in message.dict().values()).strip()
            lines.append(values.encode("unicode_escape").decode("utf-8"))
    return "\n".join(lines)


def patches(text: str) -> NDArray[np.int64]:
    """Ids of the characters of each patch, (patches, 64), with one before and one after those of the text."""
    found, current = [], ""
    for line in re.findall(r".*?\n|.+$", text):
        kind, _, rest = line.partition(" ")
        if current.startswith(kind) and len(current) + len(rest) <= PATCH - 2:
            current = f"{current[:-1]}\t{rest}"
            continue
        if current:
            found.append(current)
        current = line
    found.append(current)
    rows = [_ids(one) for one in found if one]
    return np.array([[_BEGIN] * PATCH, *rows, [_BEGIN, *[_END] * (PATCH - 1)]], np.int64)


def _ids(patch: str) -> list[int]:
    characters = [ord(c) if ord(c) <= _MOST else ord(_UNKNOWN) for c in patch]
    ids = [_BEGIN, *characters, _END][:PATCH]
    return ids + [_PAD] * (PATCH - len(ids))
