"""Meta events of a track: tempos, meters, keys, names, words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TypeVar

# Tempo maps, markers and lyrics longer than that are not music.
MAX_META = 20_000
_TEMPO, _METER, _KEY, _NAME, _LYRIC, _MARKER, _PORT = 0x51, 0x58, 0x59, 3, 5, 6, 0x21
Row = TypeVar("Row")


@dataclass
class Metas:
    """What the meta events of one track say, each with its tick."""

    name: str = ""
    encoding: str = "utf-8"
    tempos: list[tuple[int, int]] = field(default_factory=list)
    meters: list[tuple[int, int, int]] = field(default_factory=list)
    keys: list[tuple[int, int, int]] = field(default_factory=list)
    # (time, text, its code)
    markers: list[tuple[int, str, str]] = field(default_factory=list)
    lyrics: list[tuple[int, str, str]] = field(default_factory=list)
    # Places of the lyrics.
    sung: list[int] = field(default_factory=list)
    # Port that the channels of the following events belong to.
    port: int = 0

    def take(self, kind: int, body: bytes, time: int, place: int, problems: Counter[str]) -> None:
        """One more event: its kind, bytes, tick and place in the track; what is wrong with it is counted."""
        if kind == _TEMPO:
            if len(body) == 3 and any(body):
                _bounded(self.tempos, (time, int.from_bytes(body, "big")), problems)
            else:
                problems["impossible tempo left out"] += 1
        elif kind == _METER:
            if len(body) >= 2 and body[0] and body[1] < 8:
                _bounded(self.meters, (time, body[0], 1 << body[1]), problems)
            else:
                problems["impossible meter left out"] += 1
        elif kind == _KEY:
            sharps = (body[0] ^ 0x80) - 0x80 if len(body) == 2 else 99
            if abs(sharps) <= 7 and body[1] < 2:
                _bounded(self.keys, (time, sharps, body[1]), problems)
            else:
                problems["impossible key signature left out"] += 1
        elif kind == _PORT and len(body) == 1:
            self.port = body[0] & 127
        elif kind == _NAME:
            self.name, self.encoding = _text(body, problems)
        elif kind == _LYRIC and body:
            if _bounded(self.lyrics, (time, *_text(body, problems)), problems):
                self.sung.append(place)
        elif kind == _MARKER and body:
            _bounded(self.markers, (time, *_text(body, problems)), problems)


def _bounded(events: list[Row], event: Row, problems: Counter[str]) -> bool:
    if len(events) < MAX_META:
        events.append(event)
        return True
    problems[f"tempo, meter, key or text event after the first {MAX_META:,} left out"] += 1
    return False


def _text(body: bytes, problems: Counter[str]) -> tuple[str, str]:
    """A text and its code: UTF-8; else Latin-1, which most files mean that are not UTF-8, and every byte string is."""
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        problems["text that is not UTF-8 read as Latin-1"] += 1
        return body.decode("latin-1"), "latin-1"
