"""From rows of SkyTNT's ids to a score: by way of the file that the original writes."""

from __future__ import annotations

from collections import defaultdict

from symbolic_music.io.midi.reader import parse_midi
from symbolic_music.score import Score
from symbolic_music.tokenizers.public.skytnt_vocabulary import MOST_FLATS, STEPS, RowLayout

_QUARTER = 480
_TICKS = _QUARTER // STEPS
# Tick, and the values of its kind after the track; of notes the duration first.
_Event = tuple[str, int, dict[str, int]]


def decoded(rows: list[list[int]], layout: RowLayout) -> Score:
    """The score of some rows; empty where they hold no event."""
    tracks: dict[int, list[_Event]] = defaultdict(list)
    quarter = 0
    for row in rows:
        event = layout.values(row)
        if event is None:
            continue
        kind, values = event
        quarter += values["time1"]
        tracks[values["track"]].append((kind, (STEPS * quarter + values["time2"]) * _TICKS, values))
    if not tracks:
        return Score()
    chunks = [_chunk(_apart(tracks[number])) for number in sorted(tracks)]
    head = b"MThd" + b"".join(n.to_bytes(size, "big") for n, size in (
        (6, 4), (int(len(chunks) > 1), 2), (len(chunks), 2), (_QUARTER, 2)))  # fmt: skip
    return parse_midi(head + b"".join(b"MTrk" + len(one).to_bytes(4, "big") + one for one in chunks))


def _apart(events: list[_Event]) -> list[_Event]:
    """By time; a note ends where the next of its channel and pitch begins, and is left out if that is at once."""
    events = sorted(events, key=lambda event: event[1])
    following: dict[tuple[int, int], int] = {}
    out: list[_Event] = []
    for kind, tick, values in reversed(events):
        if kind == "note":
            voice, ticks = (values["channel"], values["pitch"]), values["duration"] * _TICKS
            ticks = min(ticks, max(following.get(voice, tick + ticks) - tick, 0))
            following[voice] = tick
            if not ticks:
                continue
            values = {**values, "ticks": ticks}
        out.append((kind, tick, values))
    return out[::-1]


def _chunk(events: list[_Event]) -> bytes:
    """The events of a track as a file has them; at one time in the order in which their notes begin."""
    at: dict[int, list[bytes]] = defaultdict(list)
    for kind, tick, values in events:
        channel = values.get("channel", 0)
        if kind == "note":
            at[tick].append(bytes([0x90 | channel, values["pitch"], values["velocity"]]))
            at[tick + values["ticks"]].append(bytes([0x80 | channel, values["pitch"], values["velocity"]]))
        elif kind == "patch_change":
            at[tick].append(bytes([0xC0 | channel, values["patch"]]))
        elif kind == "control_change":
            at[tick].append(bytes([0xB0 | channel, values["controller"], values["value"]]))
        elif kind == "set_tempo":
            tempo = int(60 / max(values["bpm"], 1) * 10**6)
            at[tick].append(b"\xff\x51\x03" + (tempo & 0xFFFFFF).to_bytes(3, "big"))
        elif kind == "time_signature":
            at[tick].append(bytes([0xFF, 0x58, 4, values["nn"] + 1, values["dd"] + 1, 24, 8]))
        else:
            at[tick].append(bytes([0xFF, 0x59, 2, (values["sf"] - MOST_FLATS) & 0xFF, values["mi"]]))
    out, before = [], 0
    for tick in sorted(at):
        for message in at[tick]:
            out += [_delta(tick - before), message]
            before = tick
    return b"".join([*out, b"\x00\xff\x2f\x00"])


def _delta(ticks: int) -> bytes:
    out = bytes([ticks & 0x7F])
    while ticks := ticks >> 7:
        out = bytes([0x80 | ticks & 0x7F]) + out
    return out
