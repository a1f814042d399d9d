"""Find escapes and packets of exclusive messages, whose status byte 0xF7 may also be a byte of a time or a text."""

from __future__ import annotations

import re

_TIME = rb"[\x80-\xff]{0,3}+[\x00-\x7f]"
# Messages of channels one after the other, with the running status of each; metas and exclusive messages stop it.
_MESSAGES = re.compile(
    rb"(?:" + _TIME + rb"(?:[\x80-\xbf\xe0-\xef][\x00-\x7f]{2}(?:" + _TIME + rb"[\x00-\x7f]{2})*+"
    rb"|[\xc0-\xdf][\x00-\x7f](?:" + _TIME + rb"[\x00-\x7f])*+))*+"
)
_TEXT = re.compile(_TIME + rb"(?:\xff[\x00-\x7f]|\xf0)([\x80-\xff]{0,3}+[\x00-\x7f])")


def has_escape(body: bytes) -> bool:
    """Whether a track without its end has an event 0xF7, or anything else than messages, metas and exclusive messages.

    Args:
        body: the events of a track, up to the time of end-of-track.

    Examples:
        >>> from symbolic_music.io.midi.reading.escapes import has_escape
        >>> has_escape(bytes.fromhex("f700 903c40 00")), has_escape(bytes.fromhex("00f7 01 80 00"))
        (False, True)
    """
    at = 0
    while at < len(body):
        at = _MESSAGES.match(body, at).end()  # type: ignore[union-attr]  # it matches nothing at least
        text = _TEXT.match(body, at)
        if text is None:
            break
        length = 0
        for byte in text[1]:
            length = length << 7 | byte & 127
        at = text.end() + length
    # What is left is the time of end-of-track.
    return at >= len(body) or re.fullmatch(_TIME, body[at:]) is None
