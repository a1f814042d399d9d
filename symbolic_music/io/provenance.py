"""Say in a MIDI file what has made its notes: a text event at the start of a track that was written.

A file that was patched keeps the bytes of every track that nothing was written to, and of its header: the event goes
into the first track that changed. Events keep their ticks.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from symbolic_music.io.atomic import write_bytes
from symbolic_music.io.midi.chunks import layout
from symbolic_music.io.midi.source_file import document_of
from symbolic_music.io.midi.writer import midi_bytes
from symbolic_music.io.midi.writing.chunk_patch import variable_length
from symbolic_music.score import Score
from symbolic_music.version import __version__

BEGINNING = "Written by symbolic-music"
_TEXT = b"\xff\x01"


def statement(model: str, seed: int, alternative: int = 1) -> str:
    """The words of the event: version, model, seed, and the number of an alternative after the first."""
    which = f", alternative {alternative}" if alternative > 1 else ""
    return f"{BEGINNING} {__version__}: model {model}, seed {seed}{which}"


def statements(score: Score) -> list[str]:
    """What the file of a score says of its origin, in the order of its tracks."""
    words = [text.text for text in score.texts]
    words += [_words(other.data) for other in score.others if other.data[:2] == _TEXT]
    return [text for text in words if text.startswith(BEGINNING)]


def _words(event: bytes) -> str:
    """Of a text event: what follows its length."""
    at = 2
    while event[at] & 0x80:
        at += 1
    return event[at + 1 :].decode("utf-8", "replace")


def write_with_statement(score: Score, path: Path, text: str) -> None:
    """Write a MIDI file that says `text`. FileError when the folder is missing or not writable."""
    document = document_of(score)
    write_bytes(path, stated(midi_bytes(score), text, None if document is None else document.data))


def stated(data: bytes, text: str, before: bytes | None = None) -> bytes:
    """A MIDI file with a text event at tick 0 of its first track that `before` lacks, the same else.

    It is unchanged where no track is new or changed, or where that track says the same already.

    Args:
        data: of a file that is whole, as `midi_bytes` writes it.
        text: what to say.
        before: the file that was edited.
    """
    known = Counter(_tracks(before)) if before is not None else Counter[bytes]()
    words = text.encode(errors="replace")  # the name of a model may hold half a surrogate
    event = b"\x00" + _TEXT + variable_length(len(words)) + words
    for extent in layout(data, Counter()).tracks:
        track = data[extent.start : extent.stop]
        if known[track]:
            known[track] -= 1
            continue
        if event[1:] in track:
            return data
        size = (extent.stop - extent.start + len(event)).to_bytes(4, "big")
        return data[: extent.start - 4] + size + event + data[extent.start :]
    return data


def _tracks(data: bytes) -> list[bytes]:
    return [data[extent.start : extent.stop] for extent in layout(data, Counter()).tracks]
